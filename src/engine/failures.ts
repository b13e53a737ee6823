/**
 * What a request to an instance fails with: the words of the table's errors that every engine has in common.
 */

import { type ErrorCode, NebulaError } from "../model/errors.ts";
import type { Limits } from "../model/function.ts";
import { formatBytes, formatMs } from "../model/units.ts";

/** Whose request it is. */
export interface Named {
  readonly name: string;
}

/** And what it is held to. */
export interface Held extends Named {
  readonly limits: Pick<Limits, "wallMs" | "responseBodyBytes" | "headerBytes">;
}

/** `Cannot answer with "hello"`, and after the head `Cannot go on with the response of "hello"`. */
export function describeFailed(name: string, { hasHead }: { hasHead: boolean }): string {
  return hasHead ? `Cannot go on with the response of "${name}"` : `Cannot answer with "${name}"`;
}

/** NEBULA_WALL_LIMIT. */
export function wallBroken({ name, limits: { wallMs } }: Held): NebulaError {
  const message = `Cannot wait for "${name}": its wall limit of ${formatMs(wallMs)} has passed`;
  return new NebulaError("NEBULA_WALL_LIMIT", message, { details: { limit: "wallMs", value: wallMs, function: name } });
}

/** NEBULA_RESPONSE_TOO_LARGE. */
export function responseTooLarge({ name, limits: { responseBodyBytes: value } }: Held): NebulaError {
  const why = `its body is larger than its limit of ${formatBytes(value)}`;
  return new NebulaError("NEBULA_RESPONSE_TOO_LARGE", `Cannot pass on the response of "${name}": ${why}`, {
    details: { limit: "responseBodyBytes", value, function: name },
  });
}

/** NEBULA_RESPONSE_INVALID: what came is no HTTP response that could be passed on. */
export function responseInvalid({ name }: Named, why: string, cause?: unknown): NebulaError {
  return fail("NEBULA_RESPONSE_INVALID", `Cannot pass on the response of "${name}": ${why}`, { name, cause });
}

/** NEBULA_GUEST_EXITED: nobody is there, or not any more. */
export function guestExited({ name }: Named, message: string, cause?: unknown): NebulaError {
  return fail("NEBULA_GUEST_EXITED", message, { name, cause });
}

/** NEBULA_GUEST_EXITED, because the engine ended the instance that had the request. */
export function instanceStopped({ name }: Named): NebulaError {
  return guestExited({ name }, `${describeFailed(name, { hasHead: false })}: its instance was stopped`);
}

/** NEBULA_CLIENT_GONE. */
export function clientGone(what: "request" | "response", cause?: unknown): NebulaError {
  const message = `The client left before the ${what} was complete`;
  return new NebulaError("NEBULA_CLIENT_GONE", message, cause === undefined ? {} : { cause });
}

function fail(code: ErrorCode, message: string, { name, cause }: { name: string; cause: unknown }): NebulaError {
  return new NebulaError(code, message, { details: { function: name }, ...(cause !== undefined && { cause }) });
}
