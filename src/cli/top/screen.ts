/**
 * The alternate screen of a terminal and its keys. What the terminal showed before is there again after dispose.
 *
 * @see https://invisible-island.net/xterm/ctlseqs/ctlseqs.html
 */

import type { Readable, Writable } from "node:stream";
import type { CliIo } from "../io.ts";
import type { Size } from "./render.ts";

/** Streams that are a terminal. */
export interface Terminal {
  readonly output: TerminalOutput;
  /** Absent when keys come from elsewhere, or from nowhere. */
  readonly keys: TerminalInput | undefined;
}

interface TerminalOutput extends Writable {
  readonly isTTY: true;
  readonly columns: number;
  readonly rows: number;
}

/** The keys of a terminal. */
export interface TerminalInput extends Readable {
  readonly isTTY: true;
  setRawMode(isRaw: boolean): unknown;
}

/** What happens at the terminal. */
export interface ScreenEvents {
  /** One key: a character, or the sequence that the terminal sends for it. */
  onKey(key: string): void;
  onResize(): void;
}

/** A screen of one's own. */
export interface Screen extends Disposable {
  readonly size: Size;
  /** Puts these lines in the place of those before; none may be longer than the screen is wide. */
  draw(lines: readonly string[]): void;
}

const ESC = "\u001b";
const ENTER = `${ESC}[?1049h${ESC}[?25l`;
const LEAVE = `${ESC}[?25h${ESC}[?1049l`;
const HOME = `${ESC}[H`;
const CLEAR_LINE = `${ESC}[K`;
const CLEAR_BELOW = `${ESC}[J`;
/** What terminals have when they do not say. */
const USUAL: Size = { columns: 80, rows: 24 };
const KEY = new RegExp(`${ESC}\\[[0-9;]*[A-Za-z~]|${ESC}O[A-Z]|[\\s\\S]`, "g");

/** The terminal that a person sits at; undefined when stdout leads elsewhere, or to one that can only print. */
export function findTerminal({ stdin, stdout, env }: Pick<CliIo, "stdin" | "stdout" | "env">): Terminal | undefined {
  if (!isOutput(stdout) || env.TERM === "dumb") return undefined;
  return { output: stdout, keys: findKeys(stdin) };
}

/** The keys of a terminal, where the stream is one. */
export function findKeys(stream: Readable): TerminalInput | undefined {
  return isInput(stream) ? stream : undefined;
}

/** What a terminal sends, key by key: a character, or the sequence that begins with ESC. */
export function splitKeys(text: string): readonly string[] {
  return text.match(KEY) ?? [];
}

/** Takes the screen and the keys. */
export function openScreen({ output, keys }: Terminal, { onKey, onResize }: ScreenEvents): Screen {
  const onData = (chunk: Buffer | string) => {
    for (const key of splitKeys(String(chunk))) onKey(key);
  };
  output.write(ENTER);
  output.on("resize", onResize);
  keys?.setRawMode(true);
  keys?.on("data", onData);
  return {
    get size() {
      return { columns: output.columns || USUAL.columns, rows: output.rows || USUAL.rows };
    },
    draw: (lines) => {
      output.write(`${HOME}${lines.map((line) => `${line}${CLEAR_LINE}`).join("\r\n")}${CLEAR_BELOW}`);
    },
    [Symbol.dispose]: () => {
      output.off("resize", onResize);
      keys?.off("data", onData);
      keys?.setRawMode(false);
      keys?.pause();
      output.write(LEAVE);
    },
  };
}

function isOutput(stream: Writable): stream is TerminalOutput {
  return "isTTY" in stream && stream.isTTY === true;
}

function isInput(stream: Readable): stream is TerminalInput {
  return "isTTY" in stream && stream.isTTY === true && "setRawMode" in stream;
}
