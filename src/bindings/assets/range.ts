/**
 * Range: the one part of a file that a client wants.
 *
 *     findRange("bytes=0-99", 1000)   →  { start: 0, end: 99 }        findRange("bytes=2000-", 1000)  →  "unsatisfiable"
 *     findRange("bytes=-100", 1000)   →  { start: 900, end: 999 }     findRange("bytes=0-1,5-6", 10)  →  undefined
 *
 * Several ranges, other units and nonsense are ignored, as RFC 9110 section 14.2 allows: the whole file is sent.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-14
 */

/** First and last byte, both inclusive. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** The range of a header over so many bytes; `undefined`: send the whole. An empty file has no ranges. */
export function findRange(header: string, bytes: number): ByteRange | "unsatisfiable" | undefined {
  const match = /^bytes=(\d*)-(\d*)$/i.exec(header);
  if (match === null || bytes === 0) return undefined;
  const [, first = "", last = ""] = match;
  if (first === "") return last === "" ? undefined : findSuffix(Number(last), bytes);
  const start = Number(first);
  const end = last === "" ? Number.POSITIVE_INFINITY : Number(last);
  if (end < start) return undefined;
  return start >= bytes ? "unsatisfiable" : { start, end: Math.min(end, bytes - 1) };
}

function findSuffix(length: number, bytes: number): ByteRange | "unsatisfiable" {
  return length === 0 ? "unsatisfiable" : { start: Math.max(0, bytes - length), end: bytes - 1 };
}
