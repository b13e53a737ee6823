/**
 * From a response that is kept and a request to what `match` gives: conditions first, then one range.
 *
 * Several ranges and units other than bytes are not looked at, and If-Modified-Since only where there is no
 * If-None-Match (RFC 9110, sections 13.2.2 and 14.2).
 */

import { type Answer, findHeader, type HeaderList } from "../../model/exchange.ts";
import { findRange } from "../assets/range.ts";

/** A response that is kept. Its body is shared: it may be neither changed nor transferred. */
export interface Kept {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Uint8Array;
}

/** The answer to a request with these headers. `extra` comes with every answer. */
export function select({ status, headers, body }: Kept, wanted: HeaderList, extra: HeaderList): Answer {
  const withLength = (bytes: number) =>
    headers.flatMap((name, i) => {
      if (i % 2 === 1) return [];
      return name === "content-length" ? [name, String(bytes)] : [name, headers[i + 1] ?? ""];
    });
  if (isUnchanged(headers, wanted)) return { head: { status: 304, headers: [...headers, ...extra] }, body: null };
  const range = findRange(findHeader(wanted, "range") ?? "", body.byteLength);
  if (range === "unsatisfiable") {
    const none = ["content-range", `bytes */${body.byteLength}`, "content-length", "0", ...extra];
    return { head: { status: 416, headers: none }, body: null };
  }
  if (range === undefined) return { head: { status, headers: [...withLength(body.byteLength), ...extra] }, body };
  const part = body.subarray(range.start, range.end + 1);
  const place = ["content-range", `bytes ${range.start}-${range.end}/${body.byteLength}`];
  const rest = withLength(part.byteLength).filter((_, i, all) => all[i - (i % 2)] !== "content-length");
  const length = ["content-length", String(part.byteLength)];
  return { head: { status: 206, headers: [...rest, ...length, ...place, ...extra] }, body: part };
}

function isUnchanged(headers: HeaderList, wanted: HeaderList): boolean {
  const etag = findHeader(headers, "etag");
  const tags = findHeader(wanted, "if-none-match");
  if (tags !== undefined) return etag !== undefined && hasTag(tags, etag);
  const since = toDate(findHeader(wanted, "if-modified-since"));
  return toDate(findHeader(headers, "last-modified")) <= since;
}

/** The weak comparison: `W/` makes no difference. */
function hasTag(list: string, etag: string): boolean {
  if (list.trim() === "*") return true;
  const bare = (tag: string) => tag.trim().replace(/^W\//, "");
  return [...list.matchAll(/(?:W\/)?"[^"]*"/g)].some(([tag]) => bare(tag) === bare(etag));
}

/** Of the form that HTTP wants; not a number otherwise. */
function toDate(text: string | undefined): number {
  return text !== undefined && /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
}
