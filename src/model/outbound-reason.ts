/**
 * Why a call to the network failed, in words that every kind of guest can be told: the `reason` in the details of
 * NEBULA_OUTBOUND_DENIED and NEBULA_OUTBOUND_FAILED.
 */

/** The words; each engine has its own for them. */
export const OUTBOUND_REASONS = [
  /** The allow-list has no such host. */
  "denied",
  /** The name leads to an address that it may not lead to. */
  "address-denied",
  /** It is no URL that can be asked. */
  "url",
  "dns",
  "dns-timeout",
  "refused",
  "unroutable",
  "connect-timeout",
  /** The connection ended before the answer did. */
  "terminated",
  /** Nothing came for too long: before the head, or within the body. */
  "head-timeout",
  "body-timeout",
  "tls",
  "tls-certificate",
  /** What came is not HTTP. */
  "protocol",
  "headers-too-large",
  "content-coding",
  /** The body sent is not as long as it said. */
  "request-length",
  /** The body received is not as long as it said. */
  "response-length",
] as const;
/** One of them. */
export type OutboundReason = (typeof OUTBOUND_REASONS)[number];
