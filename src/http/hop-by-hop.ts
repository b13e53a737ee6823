/**
 * Header fields that belong to one connection, in both directions.
 */

/** They belong to one connection, and end here (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Whether a field, by its lower-case name, ends at this connection and is never passed on. */
export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name);
}
