/**
 * What `prepare` fails with, whatever the engine found out when it tried a deployment.
 */

import { type NebulaError, retell } from "../model/errors.ts";

/** NEBULA_PREPARE_FAILED with the words, the details and the hint of what was thrown, which is its cause. */
export function toPrepareFailed(thrown: unknown): NebulaError {
  return retell(thrown, { code: "NEBULA_PREPARE_FAILED", toMessage: (message) => message });
}
