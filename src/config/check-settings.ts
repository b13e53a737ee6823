/**
 * Checks a whole configuration by the table of keys: the top level, and the chosen environment.
 */

import { checkField, checkShape, reportUnknown } from "./check.ts";
import type { Findings } from "./findings.ts";
import { CONFIG_KEYS } from "./keys.ts";
import type { Fields, Key } from "./schema.ts";
import { isInEffect, type Settings } from "./settings.ts";
import { formatPath } from "./source.ts";
import { findChild, listEntries, type Value } from "./value.ts";

const KNOWN = [...Object.keys(CONFIG_KEYS), "env"];

/** Notes everything that the table of keys can tell about the values. */
export function checkSettings(settings: Settings, findings: Findings): void {
  const { top, env } = settings;
  for (const [name, value] of listEntries(top)) {
    if (name === "env") continue;
    const key = findKey(name);
    if (key === undefined) report(name, top, findings);
    else if (isInEffect(settings, name)) checkField(key, value, toContext(key, findings));
    // A refused key that is not in effect does no harm: the environment does without it.
    else if (key.rule.status !== "refused") checkShape(key.shape, value, toContext(key, findings));
  }
  if (env === undefined) return;
  for (const [name, value] of listEntries(env.table)) {
    const key = findKey(name);
    if (key === undefined) report(name, env.table, findings);
    else if (key.inheritance === "top") {
      findings.onKey(value.path, "has no effect: it stands at the top level only", { severity: "warning" });
    } else checkField(key, value, toContext(key, findings));
  }
  warnNotInherited(top, env.table, findings);
}

function findKey(name: string): Key | undefined {
  return Object.hasOwn(CONFIG_KEYS, name) ? CONFIG_KEYS[name] : undefined;
}

function toContext(key: Key, findings: Findings) {
  const unknown = key.inheritance === "each key" ? ("error" as const) : ("warning" as const);
  return { findings, severity: "error" as const, unknown, explainUnknown };
}

function report(name: string, table: Value, findings: Findings): void {
  reportUnknown(name, table, { findings, severity: "error", unknown: "warning", explainUnknown, known: KNOWN });
}

/** Knows the two usual mistakes: a key of the top level that slid into a table, and one outside its table. */
function explainUnknown(name: string, table: Value): string | undefined {
  const isTop = table.path.length === 0 || (table.path.length === 2 && table.path[0] === "env");
  if (!isTop && findKey(name)) return `"${name}" is a key of the top level: write it above the first [table]`;
  const owner = OWNERS.find(({ fields }) => Object.hasOwn(fields, name));
  return owner && `"${name}" stands under [${owner.name}]`;
}

/** The tables whose keys are mistaken for others' most easily. */
const OWNERS = [["limits"], ["nebula"], ["nebula", "limits"], ["nebula", "scaling"], ["nebula", "container"]].map(
  (path) => ({
    name: path.join("."),
    fields: toFields(path),
  }),
);

function toFields(path: readonly string[]): Fields {
  const start: Fields = CONFIG_KEYS;
  return path.reduce((fields, name) => {
    const shape = fields[name]?.shape;
    return shape?.kind === "table" ? shape.fields : {};
  }, start);
}

/** Wrangler warns too: an author who writes an environment often expects the top level to shine through. */
function warnNotInherited(top: Value, env: Value, findings: Findings): void {
  for (const [name, { inheritance, rule }] of Object.entries(CONFIG_KEYS)) {
    const above = findChild(top, name);
    if (inheritance !== "own" || above === undefined) continue;
    const own = findChild(env, name);
    if (own === undefined) {
      const hint = rule.status === "honoured" ? `repeat it under "${formatPath(env.path)}"` : undefined;
      findings.onKey(above.path, `is not inherited by "${formatPath(env.path)}"`, { severity: "warning", hint });
    } else warnMissing(above, own, findings);
  }
}

function warnMissing(above: Value, own: Value, findings: Findings): void {
  const missing = listEntries(above)
    .map(([name]) => name)
    .filter((name) => findChild(own, name) === undefined);
  if (missing.length === 0) return;
  const names = missing.map((name) => `"${name}"`).join(", ");
  findings.onKey(own.path, `lacks ${names} of the top level: it is not inherited`, { severity: "warning" });
}
