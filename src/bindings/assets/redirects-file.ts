/**
 * `_redirects`: one rule per line, `source destination [status]`, the first that matches wins.
 *
 *     /old          /new                  301
 *     /blog/:slug   /posts/:slug               # 302 where nothing is said
 *     /docs/*       https://docs.example.com/:splat 308
 *     /app/:page    /app-shell            200  # another asset under the same URL
 *
 * Rules without placeholders that stand before all others are found by one look-up.
 * @see https://developers.cloudflare.com/workers/static-assets/redirects/
 */

import type { Diagnostic } from "../../model/errors.ts";
import type { HtmlHandling } from "./html-handling.ts";
import { fillPattern, findPatternProblem, isDynamic, matchPattern, parsePattern } from "./pattern.ts";
import { type Line, listLines, Problems, parseDestination, parseSource } from "./rule-file.ts";

const STATUSES = [200, 301, 302, 303, 307, 308] as const;
/** A status that `_redirects` may give. */
export type RedirectStatus = (typeof STATUSES)[number];

/** Where a path leads, and with which status. */
export interface Redirect {
  /** A path, or with a status other than 200 an https URL; placeholders filled in. */
  readonly to: string;
  readonly status: RedirectStatus;
}

/** One line of `_redirects`. */
export interface RedirectRule extends Redirect {
  /** A path with placeholders. */
  readonly from: string;
}

/** @see https://developers.cloudflare.com/workers/static-assets/redirects/ (limits) */
const MAX_STATIC_RULES = 2_000;
const MAX_DYNAMIC_RULES = 100;

/** Reads a `_redirects` file; what cannot be used is left out and stands in `problems`. */
export function parseRedirects(
  text: string,
  options: { htmlHandling?: HtmlHandling } = {},
): { rules: RedirectRule[]; problems: Diagnostic[] } {
  const problems = new Problems("_redirects");
  const rules = new Map<string, RedirectRule>();
  const counts = { static: 0, dynamic: 0 };
  for (const line of listLines(text, problems)) {
    const rule = parseRule(line, options.htmlHandling);
    if (typeof rule === "string") problems.add(line, rule);
    else if (rules.has(rule.from)) problems.add(line, `Cannot use "${rule.from}": an earlier line has the same source`);
    else {
      // A rule without placeholders counts as dynamic after the first dynamic one: order must be kept.
      const kind = counts.dynamic > 0 || isDynamic(rule.from) ? "dynamic" : "static";
      const max = kind === "static" ? MAX_STATIC_RULES : MAX_DYNAMIC_RULES;
      if (counts[kind] === max)
        problems.add(line, `Cannot use "${rule.from}": at most ${max} ${kind} redirects are read`);
      else {
        counts[kind]++;
        rules.set(rule.from, rule);
      }
    }
  }
  return { rules: [...rules.values()], problems: problems.list() };
}

/** Makes a finder of the redirect for a path (encoded). */
export function createRedirects(rules: readonly RedirectRule[]) {
  const firstDynamic = rules.findIndex((rule) => isDynamic(rule.from));
  const split = firstDynamic === -1 ? rules.length : firstDynamic;
  const statics = new Map(rules.slice(0, split).map((rule) => [rule.from, rule]));
  const dynamics = rules.slice(split).map((rule) => ({ ...rule, pattern: parsePattern(rule.from) }));
  return {
    isEmpty: rules.length === 0,
    find(path: string): Redirect | undefined {
      const known = statics.get(path);
      if (known !== undefined || dynamics.length === 0) return known;
      const segments = path.split("/");
      for (const { pattern, to, status } of dynamics) {
        const values = matchPattern(pattern, segments, "");
        if (values !== undefined) return { status, to: toSafe(fillPattern(to, values)) };
      }
      return undefined;
    },
  };
}

/**
 * Where a redirect sends the client: relative to this site where it stays here; the request's query goes along unless
 * the rule has one. `undefined` when the filled-in destination is no URL.
 */
export function findLocation(redirect: Redirect, url: URL): string | undefined {
  const target = URL.parse(redirect.to, url.href);
  if (target === null) return undefined;
  if (target.search === "") target.search = url.search;
  // A path that begins with two slashes would be read as a host.
  const isHere = target.origin === url.origin && !target.pathname.startsWith("//");
  return isHere ? `${target.pathname}${target.search}${target.hash}` : target.href;
}

/** A value that begins with a slash must not turn a path into `//host`. */
function toSafe(to: string): string {
  return to.startsWith("/") ? to.replace(/\/+/g, "/") : to;
}

function parseRule(line: Line, htmlHandling: HtmlHandling | undefined): RedirectRule | string {
  const words = line.text.replace(/\s+#.*$/, "").split(/\s+/);
  const [source = "", destination = "", code = "302"] = words;
  if (words.length < 2 || words.length > 3) return `Cannot use line: it has ${words.length} words, 2 or 3 are wanted`;
  const complaint = (what: string) => `Cannot use "${source}": ${what}`;
  if (/^\w+:\/\//.test(source)) return complaint("a source is a path, without host");
  const from = parseSource(source.startsWith("/") ? source : `/${source}`);
  if ("problem" in from) return complaint(from.problem);
  const problem = findPatternProblem(from.url);
  if (problem !== undefined) return complaint(problem);
  const to = parseDestination(destination);
  if ("problem" in to) return complaint(to.problem);
  const status = STATUSES.find((one) => String(one) === code);
  if (status === undefined) return complaint(`the status is "${code}", must be one of ${STATUSES.join(", ")}`);
  if (status === 200 && !to.url.startsWith("/")) return complaint("with status 200 the destination must be a path");
  if (isLoop(from.url, { to: to.url, htmlHandling })) return complaint("it would redirect to itself for ever");
  return { from: from.url, to: to.url, status };
}

/** html_handling strips `/index.html` again, and the rule would match once more. */
function isLoop(from: string, { to, htmlHandling }: { to: string; htmlHandling: HtmlHandling | undefined }): boolean {
  if (!to.startsWith("/") || !/\/index(\.html)?$/.test(to)) return false;
  return from.endsWith("/*") || (from.endsWith("/") && htmlHandling !== "none");
}
