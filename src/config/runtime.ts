/**
 * `[nebula] runtime`: what runs the JavaScript of the `isolate` engine.
 */

import { type EngineName, RUNTIME_NAMES, type RuntimeName } from "../model/function.ts";
import type { Findings } from "./findings.ts";
import { findNebula, type Settings } from "./settings.ts";
import { findText } from "./value.ts";

/** Reads the word, or `undefined` where there is none. Notes one that no engine of the function takes. */
export function readRuntime(
  settings: Settings,
  { engines, findings }: { engines: readonly EngineName[]; findings: Findings },
): RuntimeName | undefined {
  const value = findNebula(settings, "runtime");
  const text = findText(value);
  const runtime = RUNTIME_NAMES.find((each) => each === text);
  if (value === undefined || runtime === undefined || engines.includes("isolate")) return runtime;
  findings.onKey(value.path, 'has no effect: no engine is "isolate"', { severity: "warning" });
  return undefined;
}
