/**
 * What a request asks of a file beside its path: encodings, conditions, ranges.
 *
 * Tags decide; there is no Last-Modified, so a date in If-Range never matches and If-Modified-Since is not looked at.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-13
 */

import type { HeaderList } from "../../model/exchange.ts";

/** The conditional headers of a request, as they came (RFC 9110, section 13.1). */
export interface Conditions {
  acceptEncoding?: string;
  ifMatch?: string;
  ifNoneMatch?: string;
  ifRange?: string;
  range?: string;
  isAuthorized?: true;
}

/** Reads all of them in one pass; a list that is spread over several lines is joined. */
export function readConditions(headers: HeaderList): Conditions {
  const found: Conditions = {};
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const value = headers[i + 1] ?? "";
    switch (headers[i]) {
      case "accept-encoding":
        found.acceptEncoding = join(found.acceptEncoding, value);
        break;
      case "if-match":
        found.ifMatch = join(found.ifMatch, value);
        break;
      case "if-none-match":
        found.ifNoneMatch = join(found.ifNoneMatch, value);
        break;
      case "if-range":
        found.ifRange = value;
        break;
      case "range":
        found.range = join(found.range, value);
        break;
      case "authorization":
        found.isAuthorized = true;
        break;
    }
  }
  return found;
}

/** The status that the conditions give in place of 200, for the tag of the selected representation. */
export function findPreconditionStatus(conditions: Conditions, etag: string): 304 | 412 | undefined {
  if (conditions.ifMatch !== undefined && !matchesTag(conditions.ifMatch, etag, { isWeak: false })) return 412;
  if (conditions.ifNoneMatch !== undefined && matchesTag(conditions.ifNoneMatch, etag, { isWeak: true })) return 304;
  return undefined;
}

/** Whether a list of tags, or `*`, has this strong tag. The weak comparison looks past `W/`. */
function matchesTag(list: string, etag: string, options: { isWeak: boolean }): boolean {
  if (list === etag || list.trim() === "*") return true;
  for (const [tag] of list.matchAll(/(?:W\/)?"[^"]*"/g)) {
    if (tag === etag || (options.isWeak && tag.startsWith("W/") && tag.slice(2) === etag)) return true;
  }
  return false;
}

function join(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`;
}
