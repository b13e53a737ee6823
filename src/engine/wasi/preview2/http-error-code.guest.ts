/**
 * The variant `error-code` of `wasi:http/types`, and what a failure of the host becomes in it.
 *
 * @see https://github.com/WebAssembly/wasi-http/blob/v0.2.0/wit/types.wit
 */

import { StreamClosed } from "./io-error.guest.ts";
import type { Variant } from "./result.guest.ts";

/** The record `field-size-payload`. */
export interface FieldSize {
  readonly fieldName: string | undefined;
  readonly fieldSize: number | undefined;
}

type Plain =
  | "DNS-timeout"
  | "destination-not-found"
  | "destination-unavailable"
  | "destination-IP-prohibited"
  | "destination-IP-unroutable"
  | "connection-refused"
  | "connection-terminated"
  | "connection-timeout"
  | "connection-read-timeout"
  | "connection-write-timeout"
  | "connection-limit-reached"
  | "TLS-protocol-error"
  | "TLS-certificate-error"
  | "HTTP-request-denied"
  | "HTTP-request-length-required"
  | "HTTP-request-method-invalid"
  | "HTTP-request-URI-invalid"
  | "HTTP-request-URI-too-long"
  | "HTTP-response-incomplete"
  | "HTTP-response-timeout"
  | "HTTP-upgrade-failed"
  | "HTTP-protocol-error"
  | "loop-detected"
  | "configuration-error";

/** The variant `error-code`. */
export type ErrorCode =
  | { [Tag in Plain]: Variant<Tag> }[Plain]
  | Variant<"DNS-error", { readonly rcode: string | undefined; readonly infoCode: number | undefined }>
  | Variant<"TLS-alert-received", { readonly alertId: number | undefined; readonly alertMessage: string | undefined }>
  | Variant<"HTTP-request-body-size" | "HTTP-response-body-size", bigint | undefined>
  | Variant<
      | "HTTP-request-header-section-size"
      | "HTTP-request-trailer-section-size"
      | "HTTP-response-header-section-size"
      | "HTTP-response-trailer-section-size",
      number | undefined
    >
  | Variant<"HTTP-request-header-size", FieldSize | undefined>
  | Variant<"HTTP-request-trailer-size" | "HTTP-response-header-size" | "HTTP-response-trailer-size", FieldSize>
  | Variant<"HTTP-response-transfer-coding" | "HTTP-response-content-coding" | "internal-error", string | undefined>;

/** The name of a case without a payload. */
export type PlainErrorCode = Plain;

/** A case without a payload. */
export function errorCode(tag: Plain): ErrorCode {
  return { tag, val: undefined };
}

/** What a body stream or a request of the guest failed with, as `wasi:http` says it. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly code: ErrorCode;

  /** `message` is for people; the code's own name when left out. */
  constructor(code: ErrorCode, message?: string) {
    super(message ?? code.tag);
    this.code = code;
  }
}

/** The code of what was thrown: its own, or `internal-error` with its words. */
export function toErrorCode(thrown: unknown): ErrorCode {
  if (thrown instanceof HttpError) return thrown.code;
  if (thrown instanceof StreamClosed) return errorCode("connection-terminated");
  return { tag: "internal-error", val: thrown instanceof Error ? thrown.message : String(thrown) };
}
