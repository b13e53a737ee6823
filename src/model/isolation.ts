/**
 * How well engines keep functions apart, and which engine may take over from which.
 */

import type { ChainSettings, EngineName } from "./function.ts";

/** `strong` is for code of strangers; `weaker` is for one's own. */
export type Isolation = "strong" | "weaker";

/** Node says that its permission model, on which isolates rest, is no guarantee against malicious code. */
const ISOLATION: Readonly<Record<EngineName, Isolation>> = { isolate: "weaker", wasi: "strong", container: "strong" };

/** How well an engine keeps a function from others and from the host. */
export function findIsolation(engine: EngineName): Isolation {
  return ISOLATION[engine];
}

/**
 * Whether an engine of the list may answer: not when one before it isolates more, whatever has become of that one,
 * unless its owner has allowed it by name.
 */
export function mayAnswer(
  engine: EngineName,
  { engines, weaker }: { engines: readonly EngineName[]; weaker: ChainSettings["weaker"] },
): boolean {
  if (ISOLATION[engine] === "strong" || weaker.includes(engine)) return true;
  return !engines.slice(0, engines.indexOf(engine)).some((before) => ISOLATION[before] === "strong");
}
