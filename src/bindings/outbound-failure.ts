/**
 * What a failure of the network is called: the codes of Node, OpenSSL, its HTTP parser and undici as our own reasons.
 */

import type { OutboundReason } from "../model/outbound-reason.ts";

/** Codes of `error.code`, and of the errors behind it. */
const CODES: Readonly<Record<string, OutboundReason>> = {
  ENOTFOUND: "dns",
  ENODATA: "dns",
  ESERVFAIL: "dns",
  EREFUSED: "dns",
  EAI_AGAIN: "dns-timeout",
  ETIMEOUT: "dns-timeout",
  ECONNREFUSED: "refused",
  EHOSTUNREACH: "unroutable",
  ENETUNREACH: "unroutable",
  EADDRNOTAVAIL: "unroutable",
  EACCES: "unroutable",
  ETIMEDOUT: "connect-timeout",
  UND_ERR_CONNECT_TIMEOUT: "connect-timeout",
  ECONNRESET: "terminated",
  EPIPE: "terminated",
  UND_ERR_SOCKET: "terminated",
  UND_ERR_HEADERS_TIMEOUT: "head-timeout",
  UND_ERR_BODY_TIMEOUT: "body-timeout",
  UND_ERR_HEADERS_OVERFLOW: "headers-too-large",
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: "request-length",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "response-length",
  UND_ERR_INVALID_ARG: "url",
  EPROTO: "tls",
};

/** Beginnings of codes. */
const FAMILIES: readonly (readonly [RegExp, OutboundReason])[] = [
  [/^(?:CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|CRL_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/, "tls-certificate"],
  [/^ERR_TLS_CERT/, "tls-certificate"],
  [/^(?:ERR_SSL_|ERR_TLS_|ERR_OSSL_)/, "tls"],
  [/^HPE_HEADER_OVERFLOW/, "headers-too-large"],
  [/^HPE_/, "protocol"],
  [/^(?:Z_|ERR__ERROR_|ERR_BROTLI|ERR_ZSTD|ZSTD_)/, "content-coding"],
];

/** How many errors behind an error are looked at. */
const MAX_DEPTH = 4;

/** The first reason that the error, or an error behind it, names; undefined when none does. */
export function findReason(thrown: unknown): OutboundReason | undefined {
  let error = thrown;
  for (let depth = 0; depth < MAX_DEPTH && error instanceof Error; depth += 1) {
    if (error.name === "HTTPParserError") return toReason(getCode(error)) ?? "protocol";
    const reason = toReason(getCode(error));
    if (reason !== undefined) return reason;
    error = error.cause;
  }
  return undefined;
}

function getCode(error: Error): string {
  return "code" in error ? String(error.code) : "";
}

function toReason(code: string): OutboundReason | undefined {
  return CODES[code] ?? FAMILIES.find(([pattern]) => pattern.test(code))?.[1];
}
