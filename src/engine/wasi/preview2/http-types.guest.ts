/**
 * `wasi:http/types`: all its resources in one interface. Nothing in it depends on the request.
 *
 * @see https://github.com/WebAssembly/wasi-http/blob/v0.2.0/wit/types.wit
 */

import type { HostFunctions } from "../component/host-function.guest.ts";
import { FIELDS } from "./fields.guest.ts";
import { HttpError } from "./http-error-code.guest.ts";
import { INCOMING_BODY } from "./incoming-body.guest.ts";
import { INCOMING_REQUEST, INCOMING_RESPONSE } from "./incoming-messages.guest.ts";
import { IoError } from "./io-error.guest.ts";
import { OUTGOING_BODY } from "./outgoing-body.guest.ts";
import { OUTGOING_REQUEST, OUTGOING_RESPONSE, REQUEST_OPTIONS } from "./outgoing-messages.guest.ts";
import { RESPONSE_OUTPARAM } from "./response-outparam.guest.ts";
import { resource } from "./result.guest.ts";

/** `wasi:http/types`. */
export const HTTP_TYPES: HostFunctions = {
  ...FIELDS,
  ...INCOMING_REQUEST,
  ...INCOMING_RESPONSE,
  ...INCOMING_BODY,
  ...OUTGOING_REQUEST,
  ...REQUEST_OPTIONS,
  ...OUTGOING_RESPONSE,
  ...OUTGOING_BODY,
  ...RESPONSE_OUTPARAM,
  "http-error-code": (error: unknown) => {
    const { cause } = resource(IoError, error);
    return cause instanceof HttpError ? cause.code : undefined;
  },
};
