/**
 * Trailers: fields that come after a body, and which of them may.
 *
 * A field whose meaning has to be known before the body, or that would change how the message itself is read, is no
 * trailer; whoever passes trailers on drops it.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-6.5.1
 */

import type { HeaderList } from "./exchange.ts";

/** By what they are about: framing and the connection, routing, how to answer, who asks, and what the body is. */
const NOT_TRAILERS: ReadonlySet<string> = new Set(
  [
    "connection content-length keep-alive te trailer transfer-encoding upgrade proxy-connection",
    "host forwarded max-forwards x-request-id x-nebula-engine",
    "age cache-control date expect expires if-match if-modified-since if-none-match if-range if-unmodified-since",
    "location pragma range retry-after vary warning",
    "authorization cookie proxy-authenticate proxy-authorization set-cookie www-authenticate",
    "content-encoding content-range content-type",
  ].flatMap((line) => line.split(" ")),
);

/** Whether a field, by its lower-case name, may come after a body. */
export function mayTrail(name: string): boolean {
  return !NOT_TRAILERS.has(name);
}

/** Those that may come after a body; undefined when none is left. Names become lower case. */
export function toTrailers(fields: HeaderList): HeaderList | undefined {
  const trailers: string[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i]?.toLowerCase() ?? "";
    if (mayTrail(name)) trailers.push(name, fields[i + 1] ?? "");
  }
  return trailers.length === 0 ? undefined : trailers;
}
