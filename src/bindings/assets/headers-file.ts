/**
 * `_headers`: response headers by path.
 *
 *     # comment
 *     /static/*
 *       Cache-Control: public, max-age=31536000
 *       ! X-Robots-Tag
 *     https://:user.example.com/*
 *       X-User: :user
 *
 * All rules that match apply, in order: the first value of a name replaces the server's own, further ones are added.
 * @see https://developers.cloudflare.com/workers/static-assets/headers/
 */

import type { Diagnostic } from "../../model/errors.ts";
import type { HeaderList } from "../../model/exchange.ts";
import { fillPattern, findPatternProblem, matchPattern, parsePattern } from "./pattern.ts";
import { type Line, listLines, Problems, parseSource } from "./rule-file.ts";

/** One block of `_headers`: where it holds, what it sets and what it takes away. */
export interface HeaderRule {
  /** `/path` or `https://host/path`, with placeholders. */
  readonly source: string;
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly unset: readonly string[];
}

/** What a request's rules change: removals and values, rule by rule. */
export interface HeaderChanges {
  readonly steps: readonly Omit<HeaderRule, "source">[];
  /** A rule speaks of content-encoding: then only the file as it is may be sent. */
  readonly isEncodingSet: boolean;
}

/** @see https://developers.cloudflare.com/workers/static-assets/headers/ (limits) */
const MAX_RULES = 100;
const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** The server makes these from the bytes it sends; another value would break the connection. */
const FRAMING = new Set([
  "content-length",
  "content-range",
  "transfer-encoding",
  "connection",
  "keep-alive",
  "upgrade",
  "trailer",
]);

/** Where no rule speaks. */
export const NO_CHANGES: HeaderChanges = { steps: [], isEncodingSet: false };

/** Reads a `_headers` file; what cannot be used is left out and stands in `problems`. */
export function parseHeaders(text: string): { rules: HeaderRule[]; problems: Diagnostic[] } {
  const problems = new Problems("_headers");
  const drafts: DraftRule[] = [];
  let draft: DraftRule | "skipped" | undefined;
  for (const line of listLines(text, problems)) {
    if (/^(\/|\S+:\/\/)/.test(line.text)) {
      draft = parseRule(line, problems);
      if (draft !== "skipped") drafts.push(draft);
    } else if (draft === undefined) problems.add(line, "Cannot use header: no path comes before it");
    else if (draft !== "skipped") parseHeader(line, draft, problems);
  }
  const rules: HeaderRule[] = [];
  for (const { line, ...rule } of drafts) {
    if (rule.set.length + rule.unset.length === 0) problems.add(line, `Cannot use "${rule.source}": it has no headers`);
    else if (rules.length === MAX_RULES)
      problems.add(line, `Cannot use "${rule.source}": at most ${MAX_RULES} rules are read`);
    else rules.push(rule);
  }
  return { rules, problems: problems.list() };
}

/** Makes a finder of the changes for a path (encoded) and a host name. `isHostBound`: the host name matters. */
export function createHeaderRules(rules: readonly HeaderRule[]) {
  const compiled = rules.map((rule) => ({ ...rule, pattern: parsePattern(rule.source) }));
  return {
    isHostBound: compiled.some((rule) => rule.pattern.host !== undefined),
    find(path: string, hostname: string): HeaderChanges {
      const segments = path.split("/");
      const steps = [];
      for (const { pattern, set, unset } of compiled) {
        const values = matchPattern(pattern, segments, hostname);
        if (values !== undefined)
          steps.push({ unset, set: set.map(([name, value]) => [name, fillPattern(value, values)] as const) });
      }
      const isEncodingSet = steps.some(({ set, unset }) =>
        [...unset, ...set.map(([name]) => name)].includes("content-encoding"),
      );
      return { steps, isEncodingSet };
    },
  };
}

/** Applies changes to the server's own headers. Vary is only ever added to, because caches need what encodings put there. */
export function applyChanges(headers: HeaderList, { steps }: HeaderChanges): HeaderList {
  if (steps.length === 0) return headers;
  const lines = new Map<string, string[]>();
  for (let i = 0; i < headers.length; i += 2) lines.set(headers[i] ?? "", [headers[i + 1] ?? ""]);
  const added = new Set(["vary"]);
  for (const { set, unset } of steps) {
    for (const name of unset) if (name !== "vary") lines.delete(name);
    for (const [name, value] of set) {
      const before = added.has(name) ? lines.get(name) : undefined;
      if (before === undefined) lines.set(name, [value]);
      else before.push(value);
      added.add(name);
    }
  }
  return [...lines].flatMap(([name, values]) =>
    name === "set-cookie" ? values.flatMap((value) => [name, value]) : [name, values.join(", ")],
  );
}

interface DraftRule {
  readonly line: Line;
  readonly source: string;
  readonly set: [string, string][];
  readonly unset: string[];
}

function parseRule(line: Line, problems: Problems): DraftRule | "skipped" {
  const source = parseSource(line.text);
  const problem = "problem" in source ? source.problem : findPatternProblem(source.url);
  if ("url" in source && problem === undefined) return { line, source: source.url, set: [], unset: [] };
  problems.add(line, `Cannot use "${line.text}": ${problem}`);
  return "skipped";
}

function parseHeader(line: Line, rule: DraftRule, problems: Problems): void {
  const isUnset = line.text.startsWith("! ");
  const colon = line.text.indexOf(":");
  const name = (isUnset ? line.text.slice(2) : line.text.slice(0, Math.max(0, colon))).trim().toLowerCase();
  const value = line.text.slice(colon + 1).trim();
  if (!isUnset && colon === -1) problems.add(line, 'Cannot use header: it is not of the form "name: value"');
  else if (!NAME.test(name)) problems.add(line, `Cannot use header "${name}": that is no header name`);
  else if (FRAMING.has(name)) problems.add(line, `Cannot use header "${name}": the server makes it itself`);
  else if (isUnset) rule.unset.push(name);
  else if (value === "") problems.add(line, `Cannot use header "${name}": it has no value`);
  else if (!VALUE.test(value))
    problems.add(line, `Cannot use header "${name}": its value has characters that no header may have`);
  else rule.set.push([name, value]);
}
