/**
 * run_worker_first: which requests go to the function before any asset is looked for.
 *
 *     true                              all of them
 *     ["/api/*", "!/api/docs/*"]        those under /api/, but those under /api/docs/ are answered by assets alone
 *
 * `*` is any text, slashes too; nothing else is special. Negatives win, whatever the order. Linear, no RegExp.
 * @see https://developers.cloudflare.com/workers/static-assets/routing/worker-script/#run_worker_first
 */

import type { AssetsSettings } from "../../model/function.ts";

/** Who answers by rule; `undefined`: assets if there is one, else the function. */
export type FirstAnswerer = "function" | "assets" | undefined;

/** Makes a decider over encoded paths. */
export function createWorkerFirst(setting: AssetsSettings["runWorkerFirst"]): (path: string) => FirstAnswerer {
  if (typeof setting === "boolean") return () => (setting ? "function" : undefined);
  const negatives = setting.filter((rule) => rule.startsWith("!")).map((rule) => rule.slice(1).split("*"));
  const positives = setting.filter((rule) => !rule.startsWith("!")).map((rule) => rule.split("*"));
  return (path) => {
    if (negatives.some((glob) => matchesGlob(glob, path))) return "assets";
    return positives.some((glob) => matchesGlob(glob, path)) ? "function" : undefined;
  };
}

/** Whether a text has these literals in turn, the first at its beginning and the last at its end. */
function matchesGlob(literals: readonly string[], text: string): boolean {
  const first = literals[0] ?? "";
  if (literals.length === 1) return text === first;
  const last = literals.at(-1) ?? "";
  const end = text.length - last.length;
  let at = first.length;
  if (!text.startsWith(first) || end < at || !text.endsWith(last)) return false;
  for (const literal of literals.slice(1, -1)) {
    const found = text.indexOf(literal, at);
    if (found === -1 || found + literal.length > end) return false;
    at = found + literal.length;
  }
  return true;
}
