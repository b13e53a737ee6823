/**
 * What `prepare` fails with, whatever the engine found out when it tried a deployment.
 */

import { NebulaError, toNebulaError } from "../model/errors.ts";

/** NEBULA_PREPARE_FAILED with the words, the details and the hint of what was thrown, which is its cause. */
export function toPrepareFailed(thrown: unknown): NebulaError {
  const { message, details, hint } = toNebulaError(thrown);
  return new NebulaError("NEBULA_PREPARE_FAILED", message, {
    details,
    cause: thrown,
    ...(hint !== undefined && { hint }),
  });
}
