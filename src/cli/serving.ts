/**
 * What `serve` and `dev` have in common once a node is up.
 */

import type { SandboxLayer } from "../model/control.ts";
import type { Printer } from "./print.ts";

/** A build keeps a core busy, and the smallest machines have few. */
export const BUILDS_AT_ONCE = 2;

/** Says which layers of the sandbox do not hold on this machine, and why. */
export function printLayers(print: Printer, layers: readonly SandboxLayer[]): void {
  for (const { name, isActive, reason } of layers) {
    if (!isActive)
      print.talk(print.style.dim(`sandbox layer "${name}" is off${reason === undefined ? "" : `: ${reason}`}`));
  }
}

/** Fulfils when the signal aborts. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}
