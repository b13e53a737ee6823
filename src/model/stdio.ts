/**
 * `interface = "stdio"`: a program that knows nothing of HTTP.
 *
 *     body, or ?input=    →  standard input          standard output  →  body
 *     query parameters    →  arguments, environment   exit code ≠ 0    →  a failure
 */

import { isUtf8 } from "node:buffer";
import type { RequestHead, ResponseHead } from "./exchange.ts";

/** What a plain program is asked. */
export interface StdioAsked {
  readonly head: RequestHead;
  /** Of the head, parsed. */
  readonly url: URL;
  /** What comes before the arguments of the request. */
  readonly args: readonly string[];
  /** Variables of the owner, which are not for the caller to change. */
  readonly vars: Readonly<Record<string, string>>;
  /** Names of query parameters that become variables too. */
  readonly variable: RegExp;
}

/** Any name that an environment can have. */
export const ANY_VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** What a plain program is started with. */
export function toStdio({ head, url, args, vars, variable }: StdioAsked): {
  args: string[];
  env: Record<string, string>;
  input: string | undefined;
} {
  const query = [...url.searchParams];
  const given = Object.fromEntries(query.filter(([key]) => variable.test(key)));
  return {
    args: [...args, ...query.map(([key, value]) => `${key}=${value}`)].map(withoutNul),
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
const MAGIC: readonly (readonly [type: string, start: string])[] = [
  ["image/png", "\x89PNG"],
  ["image/jpeg", "\xff\xd8\xff"],
  ["image/gif", "GIF8"],
  ["application/pdf", "%PDF-"],
  ["application/zip", "PK\x03\x04"],
  ["application/gzip", "\x1f\x8b"],
  ["application/wasm", "\0asm"],
];
const MAGIC_BYTES = 5;
const SNIFFED_BYTES = 1_024;

/** Never HTML: what echoes its input would run the caller's scripts. */
function sniff(first: Uint8Array): string {
  const start = String.fromCharCode(...first.subarray(0, MAGIC_BYTES));
  for (const [type, magic] of MAGIC) if (start.startsWith(magic)) return type;
  const text = first.subarray(0, SNIFFED_BYTES);
  const isText = (isUtf8(text) || isBegunText(text)) && !text.includes(0);
  return isText ? "text/plain; charset=utf-8" : "application/octet-stream";
}

/** Whether it is text whose last character is cut off. */
function isBegunText(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    // because that is how a decoder says that it is no text
    return false;
  }
}
