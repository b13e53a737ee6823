/**
 * The node's own log: one structured line per event, JSON for machines or short lines for a terminal.
 *
 * Lines are collected for some milliseconds and written together: under load a line costs neither a system call nor
 * a new text of the time. Dispose writes what is left. Knows nothing of what is logged.
 */

import type { Clock, Log, LogLevel } from "../model/ports.ts";

/** Where lines go, in which form, and from which level on. */
export interface LogOptions {
  readonly stream: { write(text: string): unknown };
  readonly format: "json" | "pretty";
  /** Lines below this level are dropped. */
  readonly level: LogLevel;
  readonly clock: Clock;
}

const ORDER: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };
/** The longest that a line waits. */
const COLLECT_MS = 10;
/** More than this is written at once. */
const COLLECT_CHARACTERS = 65_536;
/** Text that JSON writes as it is. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/** A log that writes to a stream. */
export function createLog({ stream, format, level, clock }: LogOptions): Log & Disposable {
  const least = ORDER[level];
  const toLine = format === "json" ? toJsonLine : toPrettyLine;
  const now = createTimeText(clock);
  let lines = "";
  let timer: Disposable | undefined;
  const flush = () => {
    timer?.[Symbol.dispose]();
    timer = undefined;
    const text = lines;
    lines = "";
    if (text !== "") stream.write(text);
  };
  return {
    write: (lineLevel, msg, fields = {}) => {
      if (ORDER[lineLevel] < least) return;
      lines += toLine({ time: now(), level: lineLevel, msg, fields });
      if (lines.length > COLLECT_CHARACTERS) flush();
      else timer ??= clock.after(COLLECT_MS, flush);
    },
    [Symbol.dispose]: flush,
  };
}

interface Line {
  readonly time: string;
  readonly level: LogLevel;
  readonly msg: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The time as ISO 8601 has it, written anew only when a millisecond has passed. */
function createTimeText(clock: Clock): () => string {
  let atMs = Number.NaN;
  let text = "";
  return () => {
    const nowMs = clock.dateMs();
    if (nowMs !== atMs) {
      atMs = nowMs;
      text = new Date(nowMs).toISOString();
    }
    return text;
  };
}

function toJsonLine({ time, level, msg, fields }: Line): string {
  let line = `{"time":"${time}","level":"${level}","msg":${toJson(msg)}`;
  for (const key in fields) {
    const value = fields[key];
    if (value !== undefined) line += `,${toJson(key)}:${toJson(value)}`;
  }
  return `${line}}\n`;
}

/** As JSON.stringify, which costs several times as much for a short text. */
function toJson(value: unknown): string {
  if (typeof value === "string" && PLAIN.test(value)) return `"${value}"`;
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  return JSON.stringify(value) ?? "null";
}

function toPrettyLine({ time, level, msg, fields }: Line): string {
  const rest = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${typeof value === "string" ? quote(value) : JSON.stringify(value)}`);
  return `${[time.slice(11, 23), level.padEnd(5), msg, ...rest].join(" ")}\n`;
}

/** What JSON leaves as it is and a terminal may obey: control characters beyond ESC, and what turns the direction of text. */
const OBEYED = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu;

function quote(text: string): string {
  if (/^[\w./:@-]+$/.test(text)) return text;
  return JSON.stringify(text).replace(OBEYED, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
