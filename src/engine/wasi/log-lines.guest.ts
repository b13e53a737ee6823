/**
 * Standard error as log lines: one note for each line, up to the function's limit; the end of it is kept for errors.
 */

import type { LogMethod } from "../guest/protocol.ts";
import type { ByteSink } from "./streams.guest.ts";

/** Takes one line of the log. */
export type WriteLine = (level: LogMethod, text: string) => void;

const TAIL_LENGTH = 1_000;
/** A longer line is cut here, so that it fits a frame whatever its characters are. */
const LINE_LENGTH = 8_192;
/** What a line counts besides its text: an empty one has a note to itself too. */
const LINE_COST = 8;
/** JavaScript in Wasm says in front of a line how much it matters: `U+001F w` and the text, line feeds as `U+001E`. */
const MARK = "\u001f";
/** In place of a level: what the function threw when its answer had begun, as JSON. It is for the host, not for the log. */
const THROWN = `${MARK}t`;
const LEVELS: Readonly<Record<string, LogMethod>> = { d: "debug", l: "log", i: "info", w: "warn", e: "error" };

/** The standard error of one invocation. */
export class LogLines implements ByteSink {
  readonly #write: WriteLine;
  readonly #limitBytes: number;
  readonly #decoder = new TextDecoder();
  #leftBytes: number;
  #line = "";
  #tail = "";
  #thrown: string | undefined;

  constructor(write: WriteLine, limitBytes: number) {
    this.#write = write;
    this.#limitBytes = limitBytes;
    this.#leftBytes = limitBytes;
  }

  /** The last of what was written. */
  get tail(): string {
    return this.#tail.trimEnd();
  }

  /** What JavaScript in Wasm says that it threw, as JSON. */
  get thrown(): string | undefined {
    return this.#thrown;
  }

  write(bytes: Uint8Array): void {
    const text = this.#decoder.decode(bytes, { stream: true });
    // One write, however long the line is and whatever is left of the log.
    if (text.startsWith(THROWN)) {
      this.#thrown = text.slice(THROWN.length);
      return;
    }
    this.#tail = (this.#tail + text).slice(-TAIL_LENGTH);
    if (this.#leftBytes <= 0) return;
    const lines = (this.#line + text).split("\n");
    const rest = lines.pop() ?? "";
    for (const line of lines) this.#emit(this.#cut(line));
    this.#line = this.#cut(rest);
  }

  /** Writes what has no end of line yet. */
  flush(): void {
    if (this.#line !== "") this.#emit(this.#line);
    this.#line = "";
  }

  /** Writes what is too long for one line, and gives what is left. */
  #cut(line: string): string {
    let at = 0;
    for (; line.length - at > LINE_LENGTH && this.#leftBytes > 0; at += LINE_LENGTH) {
      this.#emit(line.slice(at, at + LINE_LENGTH));
    }
    return line.slice(at);
  }

  #emit(line: string): void {
    if (this.#leftBytes <= 0) return;
    const level = line.startsWith(MARK) ? line[1] : undefined;
    const text = (level === undefined ? line : line.slice(2).replaceAll("\u001e", "\n")).slice(0, this.#leftBytes);
    this.#leftBytes -= line.length + LINE_COST;
    const end = this.#leftBytes <= 0 ? ` … (no more is kept: the log limit is ${this.#limitBytes} bytes)` : "";
    this.#write(LEVELS[level ?? "e"] ?? "error", text + end);
  }
}
