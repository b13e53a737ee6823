/**
 * Warns of code made from strings, which a function cannot run.
 *
 * A warning, since the text may stand in a string or in a branch that is never taken. Comments are no matter:
 * esbuild has removed them.
 */

import { SourceMap, type SourceMapPayload } from "node:module";
import type { Diagnostic } from "../model/errors.ts";

const FROM_STRINGS = /(?<![.\w$])(?:(?<call>eval)\s*\(|(?<make>new\s+Function)\s*\()/g;

/** Looks for `eval(` and `new Function(` in a bundle; places are those of the sources. */
export function findEvalWarnings(code: string, map: SourceMapPayload): Diagnostic[] {
  const matches = [...code.matchAll(FROM_STRINGS)];
  if (matches.length === 0) return [];
  const sources = new SourceMap(map);
  return matches.map(({ index, groups }) => {
    const before = code.slice(0, index);
    const line = before.split("\n").length - 1;
    const entry = sources.findEntry(line, index - (before.lastIndexOf("\n") + 1));
    const place =
      "originalSource" in entry
        ? { file: entry.originalSource, line: entry.originalLine + 1, column: entry.originalColumn + 1 }
        : { file: map.sources[0] ?? "", line: 1, column: 1 };
    const what = groups?.call === undefined ? "new Function" : "eval";
    return { severity: "warning", message: `A function cannot run code from strings: ${what} throws`, ...place };
  });
}
