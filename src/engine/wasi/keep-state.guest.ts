/**
 * Has the host keep what an invocation changed in the directory that outlives it.
 */

import type { ProgramCall } from "./program.guest.ts";
import { STATE_BINDING } from "./protocol.ts";
import type { StateDirectory } from "./state.guest.ts";

const TO_STATE = { op: "binding", binding: STATE_BINDING, method: "PUT", url: "http://state/", headers: [] } as const;

/**
 * Fulfils when the host has the directory on disk; undefined when nothing is to be kept. An invocation that succeeds is
 * acknowledged by nothing before that; one that fails is to `revert` instead.
 */
export function keepState(
  state: StateDirectory | undefined,
  call: Pick<ProgramCall, "reach">,
): Promise<void> | undefined {
  const packed = state?.save();
  if (packed === undefined) return undefined;
  return call
    .reach(TO_STATE, packed)
    .then(({ answer }) => answer)
    .then(() => state?.confirm());
}
