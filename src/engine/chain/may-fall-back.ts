/**
 * Which failures another form of a function may make good.
 *
 *     nothing ran yet                  start or prepare failed          any request whose body is whole
 *     its process died before a byte   exited, or broke the protocol    requests that may be made twice
 *     anything else                    a limit, what the code threw …   none: another form would do the same, or do it twice
 */

import type { ErrorCode, NebulaError } from "../../model/errors.ts";
import { SAFE_METHODS } from "../../model/exchange.ts";
import type { ChainSettings } from "../../model/function.ts";

/** A request that has failed before the first byte of its response. */
export interface FailedRequest {
  readonly method: string;
  /** There is none, or all of it is in memory. */
  readonly isBodyWhole: boolean;
  /** An instance has had it, and may have read of its body. */
  readonly wasHandedOver: boolean;
}

const BEFORE_RUN: ReadonlySet<ErrorCode> = new Set(["NEBULA_START_FAILED", "NEBULA_PREPARE_FAILED"]);
const DURING_RUN: ReadonlySet<ErrorCode> = new Set(["NEBULA_GUEST_EXITED", "NEBULA_PROTOCOL_BROKEN"]);

/** Whether a failure is that of a form, and not of the request or of the function's code. */
export function isFormFailure({ code }: NebulaError): boolean {
  return BEFORE_RUN.has(code) || DURING_RUN.has(code);
}

/** Whether a request may be made twice. */
export function isRepeatable(
  { method, isBodyWhole }: Omit<FailedRequest, "wasHandedOver">,
  { isIdempotent }: Pick<ChainSettings, "isIdempotent">,
): boolean {
  return isBodyWhole && (isIdempotent || SAFE_METHODS.has(method));
}

/** Whether another form may be asked after this failure. */
export function mayFallBack(
  { code }: NebulaError,
  request: FailedRequest,
  settings: Pick<ChainSettings, "isIdempotent">,
): boolean {
  if (BEFORE_RUN.has(code)) return request.isBodyWhole || !request.wasHandedOver;
  return DURING_RUN.has(code) && isRepeatable(request, settings);
}
