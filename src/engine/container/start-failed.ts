/**
 * What the start of a container fails with, whoever has said no: Docker, the image, or the program itself.
 */

import { NebulaError, retell } from "../../model/errors.ts";

/** What stands before the reason already. */
const KNOWN = /^Cannot (?:prepare|start) "[^"]*": /;

/** What whoever gives up a start is told. */
export function startCancelled(): NebulaError {
  return new NebulaError("NEBULA_START_FAILED", "Cannot start a container: the start was cancelled");
}

/** NEBULA_START_FAILED. Docker's own words do not say whose they are about. */
export function toStartFailed(thrown: unknown, { name }: { name: string }): NebulaError {
  return retell(thrown, {
    code: "NEBULA_START_FAILED",
    toMessage: (message) => `Cannot start "${name}": ${message.replace(KNOWN, "")}`,
    details: { function: name },
  });
}
