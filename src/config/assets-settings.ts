/**
 * `[assets]`: how static files answer.
 *
 * @see https://developers.cloudflare.com/workers/static-assets/
 */

import type { AssetsSettings } from "../model/function.ts";
import type { Findings } from "./findings.ts";
import { formatPath } from "./source.ts";
import { findChild, findFlag, findText, listElements, listTexts, type Value } from "./value.ts";

/** Wrangler's bounds on `run_worker_first` (`MAX_ROUTES_RULES`, `MAX_ROUTES_RULE_LENGTH`). */
const MAX_RULES = 100;
const MAX_RULE_LENGTH = 100;

const HTML_HANDLING = ["auto-trailing-slash", "force-trailing-slash", "drop-trailing-slash", "none"] as const;
const NOT_FOUND_HANDLING = ["none", "404-page", "single-page-application"] as const;

/** Reads the table. `hasCode` is false for static files alone, which have nobody to ask first. */
export function readAssets(
  table: Value | undefined,
  { hasCode, findings }: { hasCode: boolean; findings: Findings },
): AssetsSettings | undefined {
  if (table === undefined) return undefined;
  const first = findChild(table, "run_worker_first");
  if (!findChild(table, "directory")) findings.onKey(table.path, 'has no "directory"');
  if (!hasCode) warnWithoutCode(table, findings);
  checkRules(first, findings);
  const html = findText(findChild(table, "html_handling"));
  const notFound = findText(findChild(table, "not_found_handling"));
  return {
    htmlHandling: HTML_HANDLING.find((word) => word === html) ?? "auto-trailing-slash",
    notFoundHandling: NOT_FOUND_HANDLING.find((word) => word === notFound) ?? "none",
    runWorkerFirst: findFlag(first) ?? (first && Array.isArray(first.value) ? listTexts(first) : false),
  };
}

function warnWithoutCode(table: Value, findings: Findings): void {
  for (const key of ["binding", "run_worker_first"]) {
    const value = findChild(table, key);
    if (value && value.value !== false) findings.onKey(value.path, 'needs a function: there is no "main"');
  }
}

/** Patterns begin with `/`, those that take back with `!/`. */
function checkRules(list: Value | undefined, findings: Findings): void {
  const rules = listElements(list);
  if (list && Array.isArray(list.value) && (rules.length === 0 || rules.length > MAX_RULES)) {
    findings.onValue(list.path, `must hold 1 to ${MAX_RULES} patterns, holds ${rules.length}`);
  }
  const seen = new Map<string, Value>();
  for (const rule of rules) {
    const text = findText(rule);
    if (text === undefined) continue;
    if (!/^!?\//.test(text)) findings.onValue(rule.path, 'must begin with "/" or "!/"');
    if (text.length > MAX_RULE_LENGTH) findings.onValue(rule.path, `must have ${MAX_RULE_LENGTH} characters at most`);
    const twin = seen.get(text);
    if (twin) findings.onValue(rule.path, `is the same as "${formatPath(twin.path)}"`);
    else seen.set(text, rule);
  }
  if (list && rules.length > 0 && rules.every((rule) => findText(rule)?.startsWith("!"))) {
    findings.onValue(list.path, 'must hold one pattern at least that does not begin with "!"');
  }
}
