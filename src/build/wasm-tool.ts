/**
 * Runs a tool on one Wasm file, in a folder that is gone afterwards.
 */

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findErrno } from "../model/errno.ts";
import type { Clock } from "../model/ports.ts";
import { formatMs, GIB } from "../model/units.ts";
import { runTool, type ShellResult } from "./exec.ts";
import type { Tool } from "./tools.ts";

/** What is run on what. */
export interface WasmToolOptions {
  readonly input: Uint8Array;
  /** Its arguments, after those that it always has. */
  toArgs(paths: ToolPaths): readonly string[];
  /** Files that it may read: absolute path inside the program → content. */
  readonly files?: ReadonlyMap<string, Uint8Array>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/** Absolute paths. */
export interface ToolPaths {
  readonly input: string;
  readonly output: string;
  /** The root of the files. */
  readonly filesDir: string;
}

/** What it made, or why it made nothing. */
export type WasmToolResult = { readonly bytes: Uint8Array } | { readonly failure: string };

/** Enough for interpreters of 30 MB, and little enough for a small machine to stay usable. */
const LIMITS = { memoryBytes: 3 * GIB, fileBytes: GIB } as const;
const SHOWN_LENGTH = 200;

/** Runs the tool. Rejects with `signal.reason` when aborted. */
export async function runWasmTool(tool: Tool, options: WasmToolOptions): Promise<WasmToolResult> {
  const { input, toArgs, files = new Map(), timeoutMs, signal, clock } = options;
  const dir = await mkdtemp(join(tmpdir(), "nebula-tool-"));
  try {
    const paths = { input: join(dir, "in.wasm"), output: join(dir, "out.wasm"), filesDir: join(dir, "files") };
    await writeFile(paths.input, input);
    for (const [path, content] of files) await writeInto(paths.filesDir, path, content);
    const command = { file: tool.file, args: [...tool.args, ...toArgs(paths)] };
    const env = { RUST_BACKTRACE: "0" };
    const result = await runTool(command, { ...LIMITS, cwd: dir, env, signal, timeoutMs, clock });
    if (result.outcome !== "exited" || result.exitCode !== 0) return { failure: toReason(result, timeoutMs) };
    const bytes = await readFile(paths.output).catch(toAbsent);
    return bytes === undefined ? { failure: "it made no file" } : { bytes };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function writeInto(dir: string, path: string, content: Uint8Array): Promise<void> {
  const target = join(dir, path);
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, content);
}

/** The line that says most, among many that say little. */
function toReason({ outcome, exitCode, exitSignal = "a signal", output }: ShellResult, timeoutMs: number): string {
  if (outcome === "timed-out") return `still running after ${formatMs(timeoutMs)}`;
  const lines = output.split(/\r?\n/).filter((line) => line.trim() !== "");
  const telling = lines.find((line) => /error|fatal|exception|trap/i.test(line)) ?? lines.at(-1) ?? "";
  const why = outcome === "killed" ? `ended by ${exitSignal}` : `exit code ${exitCode}`;
  return telling === "" ? why : `${why}, ${telling.trim().slice(0, SHOWN_LENGTH)}`;
}

/** Absence is no failure of ours; everything else is thrown on. */
function toAbsent(thrown: unknown): undefined {
  if (findErrno(thrown) === "ENOENT") return undefined;
  throw thrown;
}
