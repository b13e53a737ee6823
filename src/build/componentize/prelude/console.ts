/**
 * The console: lines on standard error that say how much they matter.
 *
 *     U+001F level text LF        level: d debug, l log, i info, w warn, e error
 *
 * A line feed inside the text is written as U+001E, so that one call is one line.
 */

import { format, inspect } from "./inspect.ts";

/** How much a line matters. */
export type Level = "d" | "l" | "i" | "w" | "e";

/** A console whose lines go to `write`. */
export function createConsole(write: (level: Level, text: string) => void, nowMs: () => number): object {
  const counts = new Map<string, number>();
  const timers = new Map<string, number>();
  let indent = "";
  const print = (level: Level, text: string) =>
    write(level, indent === "" ? text : indent + text.replaceAll("\n", `\n${indent}`));
  const printing =
    (level: Level) =>
    (...args: unknown[]) =>
      print(level, format(args));
  const error = printing("e");
  const log = printing("l");
  const group = (...args: unknown[]) => {
    if (args.length > 0) log(...args);
    indent += "  ";
  };
  const tellTime = (label: string, rest: readonly unknown[]) => {
    const beganMs = timers.get(label);
    if (beganMs !== undefined)
      log([`${label}: ${(nowMs() - beganMs).toFixed(3)}ms`, ...rest.map((each) => format([each]))].join(" "));
  };
  const console = {
    log,
    debug: printing("d"),
    info: printing("i"),
    warn: printing("w"),
    error,
    dir: (value: unknown) => print("l", inspect(value)),
    dirxml: log,
    table: (data: unknown) => print("l", showTable(data)),
    trace: (...args: unknown[]) => error(`Trace${args.length > 0 ? `: ${format(args)}` : ""}`),
    assert: (condition: unknown, ...args: unknown[]) => {
      if (condition) return;
      if (typeof args[0] === "string") error(`Assertion failed: ${args[0]}`, ...args.slice(1));
      else error("Assertion failed", ...args);
    },
    group,
    groupCollapsed: group,
    groupEnd: () => {
      indent = indent.slice(2);
    },
    count: (label = "default") => {
      const count = (counts.get(label) ?? 0) + 1;
      counts.set(label, count);
      log(`${label}: ${count}`);
    },
    countReset: (label = "default") => void counts.delete(label),
    time: (label = "default") => void timers.set(label, nowMs()),
    timeLog: (label = "default", ...rest: unknown[]) => tellTime(label, rest),
    timeEnd: (label = "default") => {
      tellTime(label, []);
      timers.delete(label);
    },
    clear: () => {},
  };
  return Object.defineProperty(console, Symbol.toStringTag, { value: "console", configurable: true });
}

/** Rows under a line of column names, with frames around. */
function showTable(data: unknown): string {
  if (typeof data !== "object" || data === null) return format([data]);
  const rows = Object.entries(data);
  const columns = new Set(rows.flatMap(([, row]) => (typeof row === "object" && row !== null ? Object.keys(row) : [])));
  const hasValues = rows.some(([, row]) => typeof row !== "object" || row === null);
  const names = ["(index)", ...columns, ...(hasValues ? ["Values"] : [])];
  const cells = rows.map(([index, row]) => {
    const isObject = typeof row === "object" && row !== null;
    const found = [...columns].map((name) => (isObject && name in row ? inspect(Reflect.get(row, name), 0) : ""));
    return [index, ...found, ...(hasValues ? [isObject ? "" : inspect(row, 0)] : [])];
  });
  const widths = names.map((name, i) => Math.max(name.length, ...cells.map((row) => row[i]?.length ?? 0)) + 2);
  const rule = (left: string, middle: string, right: string) =>
    left + widths.map((width) => "─".repeat(width)).join(middle) + right;
  const line = (row: readonly string[]) => `│${row.map((cell, i) => ` ${cell}`.padEnd(widths[i] ?? 0)).join("│")}│`;
  return [rule("┌", "┬", "┐"), line(names), rule("├", "┼", "┤"), ...cells.map(line), rule("└", "┴", "┘")].join("\n");
}
