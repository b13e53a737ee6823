/**
 * The node's own log: one structured line per event, JSON for machines or short lines for a terminal.
 *
 * Lines are collected for the rest of the turn of the event loop and written together, so that a line costs no
 * system call of its own. Knows nothing of what is logged.
 */

import type { Log, LogLevel } from "../model/ports.ts";

/** Where lines go, in which form, and from which level on. */
export interface LogOptions {
  readonly stream: { write(text: string): unknown };
  readonly format: "json" | "pretty";
  /** Lines below this level are dropped. */
  readonly level: LogLevel;
}

const ORDER: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** A log that writes one line at a time to a stream. */
export function createLog({ stream, format, level }: LogOptions): Log {
  const least = ORDER[level];
  const toLine = format === "json" ? toJsonLine : toPrettyLine;
  let lines = "";
  const flush = () => {
    const text = lines;
    lines = "";
    stream.write(text);
  };
  return {
    write: (lineLevel, msg, fields = {}) => {
      if (ORDER[lineLevel] < least) return;
      if (lines === "") setImmediate(flush);
      lines += toLine(lineLevel, msg, fields);
    },
  };
}

type Fields = Readonly<Record<string, unknown>>;

function toJsonLine(level: LogLevel, msg: string, fields: Fields): string {
  return `${JSON.stringify({ time: new Date().toISOString(), level, msg, ...fields })}\n`;
}

function toPrettyLine(level: LogLevel, msg: string, fields: Fields): string {
  const time = new Date().toISOString().slice(11, 23);
  const rest = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${typeof value === "string" ? quote(value) : JSON.stringify(value)}`);
  return `${[time, level.padEnd(5), msg, ...rest].join(" ")}\n`;
}

function quote(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : JSON.stringify(text);
}
