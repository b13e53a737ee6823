/**
 * What a Wasm guest process says of a failure, as the error of the table.
 */

import type { RemoteError } from "../../frames/outgoing-call.ts";
import { NebulaError } from "../../model/errors.ts";
import type { FunctionSpec } from "../../model/function.ts";
import type { Failure } from "../guest/invocations.ts";
import { PROGRAM_FAILURES } from "./protocol.ts";

/** Never throws; what has no name of ours is what the program itself threw. */
export function toProgramError(
  { wire }: Pick<RemoteError, "wire">,
  { code, what }: Failure,
  spec: FunctionSpec,
): NebulaError {
  const { name, message, stack, thrown } = wire;
  const details = { function: spec.name };
  switch (name) {
    case PROGRAM_FAILURES.trapped: {
      const cause = Object.assign(new Error(message), { name: "RuntimeError", stack });
      return new NebulaError("NEBULA_GUEST_TRAPPED", `${what}: its program trapped: ${message}`, {
        details: { ...details, trap: message },
        cause,
      });
    }
    case PROGRAM_FAILURES.exited:
      return new NebulaError("NEBULA_EXIT_CODE", `${what}: its program ended with exit code ${message}`, {
        details: { ...details, exitCode: Number(message), ...(stack !== undefined && { stderr: stack }) },
      });
    case PROGRAM_FAILURES.outOfMemory:
      return new NebulaError("NEBULA_MEMORY_LIMIT", `${what}: ${message}`, {
        details: { ...details, limit: "memoryBytes", value: spec.limits.memoryBytes },
      });
    case PROGRAM_FAILURES.badAnswer:
      return new NebulaError("NEBULA_RESPONSE_INVALID", `${what}: ${message}`, { details });
    case PROGRAM_FAILURES.refused:
      return new NebulaError(code, `${what}: ${message}`, { details });
    default: {
      const cause = Object.assign(new Error(message), { name, stack, ...(thrown !== undefined && { thrown }) });
      return new NebulaError(code, `${what}: ${name}: ${message}`, { details, cause });
    }
  }
}
