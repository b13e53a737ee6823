/**
 * What `env` holds: variables, static files, databases, namespaces, other functions and secrets, each under a name of its own.
 */

import type { Binding } from "../model/function.ts";
import type { Findings } from "./findings.ts";
import { toJson } from "./json-value.ts";
import { CONFIG_KEYS } from "./keys.ts";
import type { Shape } from "./schema.ts";
import { findSetting, type Settings } from "./settings.ts";
import { formatPath, type Path } from "./source.ts";
import { readStateBindings } from "./state-bindings.ts";
import { findChild, findText, listElements, listEntries, type Value } from "./value.ts";

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/** Reads the bindings that Nebula has. Notes names that are no identifiers, and names that stand twice. */
export function readBindings(name: string, settings: Settings, findings: Findings): readonly Binding[] {
  const vars = listEntries(findSetting(settings, "vars"));
  for (const [name, { path }] of vars) checkName(name, { path, part: "key", findings });
  checkUnique(settings, findings);
  const assets = findText(findChild(findSetting(settings, "assets"), "binding"));
  return [
    ...vars.map(([name, value]) => ({ type: "var", name, value: toJson(value, findings) }) as const),
    ...(assets === undefined ? [] : [{ type: "assets", name: assets } as const]),
    ...readStateBindings(name, settings, findings),
  ];
}

interface NamePlace {
  readonly path: Path;
  readonly part: "key" | "value";
  readonly findings: Findings;
}

function checkName(name: string, { path, part, findings }: NamePlace): void {
  if (IDENTIFIER.test(name) && name !== "__proto__") return;
  const what = "is not a valid name in env: it must be an identifier of letters, digits, _ and $";
  if (part === "key") findings.onKey(path, what);
  else findings.onValue(path, what);
}

/** Holds all names against one another, those of refused bindings too: one run tells everything. */
function checkUnique(settings: Settings, findings: Findings): void {
  const owners = new Map(listEntries(findSetting(settings, "vars")).map(([name, { path }]) => [name, path]));
  for (const [key, { shape }] of Object.entries(CONFIG_KEYS)) {
    for (const { value, path } of listNames(shape, findSetting(settings, key))) {
      if (typeof value !== "string") continue;
      checkName(value, { path, part: "value", findings });
      const owner = owners.get(value);
      if (owner) findings.onValue(path, `is "${value}", which "${formatPath(owner)}" is already`);
      else owners.set(value, path);
    }
  }
}

/** The values that stand where the shape has the name of a binding. */
function listNames(shape: Shape, value: Value | undefined): readonly Value[] {
  if (value === undefined) return [];
  if (shape.kind === "binding") return [value];
  if (shape.kind === "list") return listElements(value).flatMap((element) => listNames(shape.of, element));
  if (shape.kind !== "table") return [];
  return Object.entries(shape.fields).flatMap(([key, field]) => listNames(field.shape, findChild(value, key)));
}
