/**
 * The resource `response-outparam` of `wasi:http/types`: where a guest leaves its response, once.
 *
 * @see https://github.com/WebAssembly/wasi-http/blob/v0.2.0/wit/types.wit
 */

import type { HostFunctions } from "../component/host-function.guest.ts";
import { type ErrorCode, errorCode } from "./http-error-code.guest.ts";
import { OutgoingResponse } from "./outgoing-messages.guest.ts";
import { err, method, ok, type Result, resource, trap } from "./result.guest.ts";

/** What a guest answers: a response, an error that the host is to make a response of, or undefined for nothing. */
export type Outcome = Result<OutgoingResponse, ErrorCode> | undefined;

/** The resource `response-outparam`. */
export class ResponseOutparam implements Disposable {
  #take: ((outcome: Outcome) => void) | undefined;

  /** `take` is called once: with what was set, or with undefined when it is dropped before. */
  constructor(take: (outcome: Outcome) => void) {
    this.#take = take;
  }

  set(response: Result<unknown, ErrorCode>): void {
    if (this.#take === undefined) trap("response-outparam.set: it has been set already");
    this.#settle(response.tag === "ok" ? ok(resource(OutgoingResponse, response.val)) : response);
  }

  [Symbol.dispose](): void {
    this.#settle(undefined);
  }

  #settle(outcome: Outcome): void {
    const take = this.#take;
    this.#take = undefined;
    take?.(outcome);
  }
}

function refuseInformational(status: number): Result<undefined, ErrorCode> {
  const isInformational = status >= 100 && status <= 199;
  if (!isInformational) return err(errorCode("HTTP-protocol-error"));
  return err({ tag: "internal-error", val: "informational responses are not supported" });
}

/** The functions of the resource. */
export const RESPONSE_OUTPARAM: HostFunctions = {
  "[static]response-outparam.set": (param: unknown, response: Result<unknown, ErrorCode>) =>
    resource(ResponseOutparam, param).set(response),
  "[method]response-outparam.send-informational": method(ResponseOutparam, (_, status: number) =>
    refuseInformational(status),
  ),
};
