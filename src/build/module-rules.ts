/**
 * Which imported file becomes what: the project's `[[rules]]`, then the defaults, as wrangler reads them.
 *
 * A rule without `fallthrough` ends its type: later rules of that type, the defaults among them, are hidden. A
 * hidden rule that would have matched is reported, not skipped silently.
 *
 * @see https://developers.cloudflare.com/workers/wrangler/configuration/#bundling
 */

import type { ModuleRule } from "../model/function.ts";
import { toGlobSource } from "./glob.ts";

/** @see https://developers.cloudflare.com/workers/wrangler/bundling/ (plus `.sql`, which drizzle's migrations need) */
export const DEFAULT_MODULE_RULES: readonly ModuleRule[] = [
  { type: "Text", globs: ["**/*.txt", "**/*.html", "**/*.sql"], fallthrough: true },
  { type: "Data", globs: ["**/*.bin"], fallthrough: true },
  { type: "CompiledWasm", globs: ["**/*.wasm", "**/*.wasm?module"], fallthrough: true },
];

/** Wrangler's word for what a file becomes. */
export type ModuleType = ModuleRule["type"];

/** The rule that a path falls under. */
export interface RuleMatch {
  readonly type: ModuleType;
  /** An earlier rule of the same type had no `fallthrough`, so this one does not count. */
  readonly isHidden: boolean;
}

/** The rules of a project with wrangler's defaults behind them. */
export interface ModuleRules {
  /** The first rule for a path relative to the project, with `/`. One that counts goes before one that is hidden. */
  find(path: string): RuleMatch | undefined;
  /** A regular expression that matches at least every absolute path for which `find` gives a match. */
  readonly filter: RegExp;
}

/** Reads the rules. `types` limits them to those that matter to the caller. */
export function createModuleRules(own: readonly ModuleRule[], types: readonly ModuleType[]): ModuleRules {
  const ended = new Set<ModuleType>();
  const rules: { match: RuleMatch; pattern: RegExp; sources: string[] }[] = [];
  for (const { type, globs, fallthrough } of [...own, ...DEFAULT_MODULE_RULES]) {
    if (!types.includes(type)) continue;
    const sources = globs.map(toPathSource);
    const pattern = new RegExp(`^(?:\\.\\./)*(?:${sources.join("|")})$`);
    rules.push({ match: { type, isHidden: ended.has(type) }, pattern, sources });
    if (!fallthrough) ended.add(type);
  }
  rules.sort((a, b) => Number(a.match.isHidden) - Number(b.match.isHidden));
  return {
    find: (path) => rules.find(({ pattern }) => pattern.test(path))?.match,
    filter: new RegExp(`(?:^|/)(?:${rules.flatMap(({ sources }) => sources).join("|")})$`),
  };
}

/** wrangler's `?` is no wildcard but the start of a query, as in `*.wasm?module`; the path alone decides. */
function toPathSource(glob: string): string {
  const path = glob.split("?", 1)[0] ?? "";
  return toGlobSource(path.replace(/^\.?\//, ""));
}
