/**
 * `interface = "stdio"`: a program that knows nothing of HTTP.
 *
 *     body, or ?input=    →  standard input          standard output  →  body
 *     query parameters    →  arguments, environment   exit code ≠ 0    →  a failure
 */

import type { ResponseHead } from "../../model/exchange.ts";
import type { ProgramAsked } from "./program.guest.ts";

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** What a plain program is started with. */
export function toStdio({ head, url, settings, vars, name }: ProgramAsked): {
  args: string[];
  env: Record<string, string>;
  input: string | undefined;
} {
  const query = [...url.searchParams];
  const given = Object.fromEntries(query.filter(([key]) => VARIABLE.test(key)));
  return {
    args: [name, ...settings.args, ...query.map(([key, value]) => `${key}=${value}`)].map(withoutNul),
    // What the owner has set is not for the caller to change.
    env: {
      ...mapValues(given, withoutNul),
      REQUEST_METHOD: head.method,
      PATH_INFO: decodePath(url.pathname),
      QUERY_STRING: url.search.slice(1),
      ...vars,
    },
    input: url.searchParams.get("input") ?? undefined,
  };
}

/** The head that goes before what a plain program has written so far. */
export function toStdioHead(first: Uint8Array): ResponseHead {
  return { status: 200, headers: ["content-type", sniff(first), "x-content-type-options", "nosniff"] };
}

/** A path as a program reads it; as it came where its escapes are no text. */
export function decodePath(path: string): string {
  try {
    return withoutNul(decodeURIComponent(path));
  } catch {
    // because a client may escape what it likes
    return path;
  }
}

/** Arguments and variables end where a NUL is. */
function withoutNul(text: string): string {
  return text.replaceAll("\0", "");
}

function mapValues(record: Record<string, string>, map: (text: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}

/** First bytes of formats that no text begins with. */
const MAGIC: readonly (readonly [type: string, ...bytes: number[]])[] = [
  ["image/png", 0x89, 0x50, 0x4e, 0x47],
  ["image/jpeg", 0xff, 0xd8, 0xff],
  ["image/gif", 0x47, 0x49, 0x46, 0x38],
  ["application/pdf", 0x25, 0x50, 0x44, 0x46, 0x2d],
  ["application/zip", 0x50, 0x4b, 0x03, 0x04],
  ["application/gzip", 0x1f, 0x8b],
  ["application/wasm", 0x00, 0x61, 0x73, 0x6d],
];
const SNIFFED_BYTES = 1_024;

/** Never HTML: what echoes its input would run the caller's scripts. */
function sniff(first: Uint8Array): string {
  const known = MAGIC.find(([, ...magic]) => magic.every((byte, i) => first[i] === byte));
  if (known !== undefined) return known[0];
  const start = first.subarray(0, SNIFFED_BYTES);
  try {
    // As a stream, because the cut may go through a character.
    new TextDecoder("utf-8", { fatal: true }).decode(start, { stream: true });
    return start.includes(0) ? "application/octet-stream" : "text/plain; charset=utf-8";
  } catch {
    // because that is how a decoder says that it is no text
    return "application/octet-stream";
  }
}
