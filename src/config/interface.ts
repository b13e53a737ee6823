/**
 * `[nebula] interface`: how a program is asked. Wasm programs and containers share the key, and not all of its words.
 */

import type { ContainerSettings, EngineName, WasiSettings } from "../model/function.ts";
import type { Findings } from "./findings.ts";
import { findNebula, type Settings } from "./settings.ts";
import { findText } from "./value.ts";

/** Which engines take which word. */
const TAKERS = {
  stdio: ["wasi", "container"],
  cgi: ["wasi"],
  http: ["container"],
} as const satisfies Record<string, readonly EngineName[]>;

const INTERFACES = ["stdio", "cgi", "http"] as const;

/** What each engine was told; nothing where the word is for another. */
export interface Interfaces {
  readonly wasi?: WasiSettings["interface"];
  readonly container?: ContainerSettings["interface"];
}

/** Reads the word. Notes one that no engine of the function takes. */
export function readInterface(
  settings: Settings,
  { engines, findings }: { engines: readonly EngineName[]; findings: Findings },
): Interfaces {
  const value = findNebula(settings, "interface");
  const text = findText(value);
  const word = INTERFACES.find((each) => each === text);
  if (value === undefined || word === undefined) return {};
  const takers: readonly EngineName[] = TAKERS[word];
  const asked = engines.filter((engine) => engine !== "isolate");
  if (asked.length === 0) {
    findings.onKey(value.path, `has no effect: no engine is ${toNames(takers, " or ")}`, {
      severity: "warning",
      hint: `write engines = ["${takers[0]}"] under [nebula]`,
    });
  } else if (!asked.some((engine) => takers.includes(engine))) {
    const words = INTERFACES.filter((each) => asked.some((engine) => TAKERS[each].some((taker) => taker === engine)));
    findings.onValue(value.path, `is "${word}", which is for ${toNames(takers, " and ")}`, {
      hint: `${toNames(asked, " and ")} takes ${toNames(words, " or ")}`,
    });
  }
  return {
    ...(word !== "http" && engines.includes("wasi") && { wasi: word }),
    ...(word !== "cgi" && engines.includes("container") && { container: word }),
  };
}

function toNames(names: readonly string[], joiner: string): string {
  return names.map((name) => `"${name}"`).join(joiner);
}
