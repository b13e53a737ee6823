/**
 * The line of a source that a problem is about, with a mark below its column.
 */

import { readFileSync, statSync } from "node:fs";
import { isAbsolute, relative, resolve } from "node:path";

/** A bundle of somebody else's making may be one line of a megabyte. */
const FILE_LIMIT_BYTES = 1024 * 1024;
const LINE_LIMIT = 160;

/** The path as a person in `cwd` would type it. */
export function toShownPath(file: string, cwd: string): string {
  const path = relative(cwd, resolve(cwd, file));
  return path === "" || path.startsWith("..") || isAbsolute(path) ? file : path;
}

/**
 * The line with its number and a caret; `undefined` when the file cannot be read or has no such line.
 *
 *           3 │ return };
 *             │        ^
 */
export function findExcerpt(
  file: string,
  { line, column, cwd }: { line: number; column: number; cwd: string },
): string | undefined {
  const text = findLine(resolve(cwd, file), line);
  if (text === undefined || text.trim() === "" || text.length > LINE_LIMIT) return undefined;
  const number = String(line).padStart(7);
  // Tabs stay tabs, so that the mark stands where the eye looks for it.
  const before = text.slice(0, column - 1).replace(/[^\t]/g, " ");
  return `${number} │ ${text}\n${" ".repeat(number.length)} │ ${before}^`;
}

function findLine(path: string, line: number): string | undefined {
  try {
    const stats = statSync(path);
    if (!stats.isFile() || stats.size > FILE_LIMIT_BYTES) return undefined;
    return readFileSync(path, "utf8").split(/\r?\n/)[line - 1];
  } catch {
    // because a problem is told without its line where the file has gone
    return undefined;
  }
}
