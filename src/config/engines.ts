/**
 * `[nebula] engines`: which engines may run a function, in the order wanted, and how one takes over from another.
 */

import { type ChainSettings, DEFAULT_CHAIN, ENGINE_NAMES, type EngineName, STRATEGIES } from "../model/function.ts";
import { mayAnswer } from "../model/isolation.ts";
import type { Findings } from "./findings.ts";
import { findNebula, type Settings } from "./settings.ts";
import { findFlag, findText, listElements, type Value } from "./value.ts";

/** Below `[nebula]`. */
const CHAIN_KEYS = ["strategy", "idempotent", "allow_weaker"] as const;

/** The engines that are named, or `undefined` where the configuration names none. Notes an empty list and doubles. */
export function readEngines(settings: Settings, findings: Findings): readonly EngineName[] | undefined {
  const list = findNebula(settings, "engines");
  if (list === undefined) return undefined;
  if (Array.isArray(list.value) && list.value.length === 0) {
    findings.onValue(list.path, "must name one engine at least");
  }
  const engines = new Set<EngineName>();
  for (const { value, path } of listElements(list)) {
    const engine = toEngine(value);
    if (engine === undefined) continue;
    if (engines.has(engine)) findings.onValue(path, `names "${engine}" for a second time`);
    engines.add(engine);
  }
  return [...engines];
}

/** Where the list names an engine for the first time. */
export function findEnginePlace(settings: Settings, engine: EngineName): Value | undefined {
  return listElements(findNebula(settings, "engines")).find(({ value }) => value === engine);
}

/** How the engines are chosen among, where the configuration says anything about that. Notes what has no effect. */
export function readChain(
  settings: Settings,
  { engines, findings }: { engines: readonly EngineName[]; findings: Findings },
): ChainSettings | undefined {
  const given = CHAIN_KEYS.flatMap((key) => findNebula(settings, key) ?? []);
  if (engines.length < 2) {
    for (const { path } of given) {
      findings.onKey(path, "has no effect: there is one engine alone", {
        severity: "warning",
        hint: 'write engines = ["wasi", "container"] under [nebula]',
      });
    }
    return undefined;
  }
  const weaker = readWeaker(findNebula(settings, "allow_weaker"), { engines, findings });
  for (const engine of listWeaker(engines).filter((each) => !weaker.includes(each))) {
    const place = findEnginePlace(settings, engine);
    const what = `names "${engine}", which isolates less than what comes before it: it never takes over`;
    const hint = `write allow_weaker = ["${engine}"] under [nebula], or take it out`;
    if (place) findings.onValue(place.path, what, { severity: "warning", hint });
  }
  if (given.length === 0) return undefined;
  const strategy = findText(findNebula(settings, "strategy"));
  return {
    strategy: STRATEGIES.find((word) => word === strategy) ?? DEFAULT_CHAIN.strategy,
    isIdempotent: findFlag(findNebula(settings, "idempotent")) ?? DEFAULT_CHAIN.isIdempotent,
    weaker,
  };
}

interface WeakerOptions {
  readonly engines: readonly EngineName[];
  readonly findings: Findings;
}

function readWeaker(list: Value | undefined, { engines, findings }: WeakerOptions): readonly EngineName[] {
  const weaker = listWeaker(engines);
  const allowed = new Set<EngineName>();
  for (const { value, path } of listElements(list)) {
    const engine = toEngine(value);
    if (engine === undefined) continue;
    if (weaker.includes(engine)) allowed.add(engine);
    else {
      const what = engines.includes(engine)
        ? "which isolates no less than what comes before it"
        : "which is not among the engines";
      findings.onValue(path, `has no effect: it names "${engine}", ${what}`, { severity: "warning" });
    }
  }
  return [...allowed];
}

/** Those that stand behind one that isolates more. */
function listWeaker(engines: readonly EngineName[]): readonly EngineName[] {
  return engines.filter((engine) => !mayAnswer(engine, { engines, weaker: [] }));
}

function toEngine(value: unknown): EngineName | undefined {
  return ENGINE_NAMES.find((name) => name === value);
}
