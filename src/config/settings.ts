/**
 * Settings: the top level of a configuration and the chosen `[env.NAME]`, read as one.
 *
 * Which value counts follows wrangler's rules of inheritance. Environments that were not chosen are not looked into,
 * as with wrangler.
 * @see https://developers.cloudflare.com/workers/wrangler/environments/
 */

import { findMeantHint } from "./did-you-mean.ts";
import type { Findings } from "./findings.ts";
import { CONFIG_KEYS } from "./keys.ts";
import { isTable } from "./source.ts";
import { findChild, listEntries, type Value } from "./value.ts";

/** What a file says for the environment asked for. */
export interface Settings {
  readonly top: Value;
  readonly env?: { readonly name: string; readonly table: Value };
}

/** Chooses the environment. Notes an unknown one, and an `env` that is no table of tables. */
export function toSettings(top: Value, envName: string | undefined, findings: Findings): Settings {
  const envs = findChild(top, "env");
  if (envs && !isTable(envs.value)) findings.onValue(envs.path, "must be a table of environments");
  for (const [, table] of listEntries(envs)) {
    if (!isTable(table.value)) findings.onValue(table.path, "must be a table");
  }
  if (envName === undefined) return { top };
  const table = findChild(envs, envName);
  if (table) return { top, env: { name: envName, table } };
  const names = listEntries(envs).map(([name]) => name);
  const known = names.length === 0 ? "there are none" : `known are ${names.map((name) => `"${name}"`).join(", ")}`;
  findings.onFile(`there is no environment "${envName}": ${known}`, { hint: findMeantHint(envName, names) });
  return { top };
}

/** The value that counts for a key of the top level. */
export function findSetting({ top, env }: Settings, key: string): Value | undefined {
  const inheritance = CONFIG_KEYS[key]?.inheritance;
  if (env === undefined || inheritance === "top") return findChild(top, key);
  const own = findChild(env.table, key);
  return own ?? (inheritance === "own" ? undefined : findChild(top, key));
}

/** The value that counts under `[nebula]`, where an environment inherits key by key. */
export function findNebula({ top, env }: Settings, ...path: readonly string[]): Value | undefined {
  const walk = (table: Value | undefined) => ["nebula", ...path].reduce<Value | undefined>(findChild, table);
  return walk(env?.table) ?? walk(top);
}

/** Whether a key of the top level counts, or the chosen environment has replaced or not inherited it. */
export function isInEffect({ env }: Settings, key: string): boolean {
  const inheritance = CONFIG_KEYS[key]?.inheritance;
  if (env === undefined || inheritance === "top" || inheritance === "each key") return true;
  return inheritance === "inherited" && findChild(env.table, key) === undefined;
}
