/**
 * Trailers of an answer on their way to the client: announced before the body where they are known, sent after it.
 *
 * Only chunked bodies have room for them (RFC 9112, section 7.1.2): not HTTP/1.0, not a body of a declared length, not an
 * answer without a body. There they are dropped, which every sender of trailers has to expect.
 */

import type { ServerResponse } from "node:http";
import { NebulaError } from "../model/errors.ts";
import type { HeaderList } from "../model/exchange.ts";
import { mayTrail, toTrailers } from "../model/trailers.ts";

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;

/** The names that the function announces itself, in its header `trailer`. */
export function findAnnounced(headers: HeaderList): string[] {
  const names = headers.flatMap((text, i) =>
    i % 2 === 1 && headers[i - 1] === "trailer" ? text.toLowerCase().split(",") : [],
  );
  return names.map((name) => name.trim()).filter((name) => TOKEN.test(name) && mayTrail(name));
}

/** The header that announces fields. Nothing when there are none. */
export function toAnnouncement(names: readonly string[]): string[] {
  return names.length === 0 ? [] : ["trailer", [...new Set(names)].join(", ")];
}

/** The names in a list of fields. */
export function toNames(fields: HeaderList): string[] {
  return fields.filter((_, i) => i % 2 === 0);
}

/**
 * Puts the fields behind the body, which is written and not ended.
 *
 * @throws {NebulaError} NEBULA_RESPONSE_INVALID when Node refuses them.
 */
export function addTrailers(response: ServerResponse, fields: HeaderList): void {
  const trailers = toTrailers(fields) ?? [];
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < trailers.length; i += 2) pairs.push([trailers[i] ?? "", trailers[i + 1] ?? ""]);
  try {
    response.addTrailers(pairs);
  } catch (cause) {
    const why = "Cannot pass on the response: its trailers are not HTTP";
    throw new NebulaError("NEBULA_RESPONSE_INVALID", why, { cause });
  }
}
