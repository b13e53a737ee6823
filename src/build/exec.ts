/**
 * Runs a shell command, or a tool with its limits, as a process group of its own, bounded in time and in output kept.
 *
 *     running ─▶ exited
 *        └─▶ SIGTERM to the group ─▶ grace ─▶ SIGKILL to the group ─▶ exited      abort, time limit
 *
 * The only user of node:child_process in build/. When it settles, nothing of the group is left: what a command
 * leaves running in the background ends with it. Throws for no exit code; the caller says what one means.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type Clock, systemClock } from "../model/ports.ts";
import { KIB } from "../model/units.ts";
import { createTail } from "./output-tail.ts";

/** What to run, where, and for how long. */
export interface ShellOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Default 5 minutes. */
  readonly timeoutMs?: number;
  /** How long the group may take to end after SIGTERM; default 2 s. */
  readonly graceMs?: number;
  /** How much of stdout and stderr together is kept, the last of it; default 64 KiB. */
  readonly outputBytes?: number;
  readonly onOutput?: ((text: string) => void) | undefined;
  readonly clock?: Clock;
}

/** How a command ended, and its last words. */
export interface ShellResult {
  readonly outcome: "exited" | "killed" | "timed-out";
  /** Absent when a signal ended the process. */
  readonly exitCode?: number;
  readonly exitSignal?: string;
  /** The end of what was printed, without terminal control sequences. */
  readonly output: string;
  /** Bytes printed before `output` and not kept. */
  readonly droppedBytes: number;
}

/** How long a build command may take. */
export const COMMAND_TIMEOUT_MS = 5 * 60_000;
const GRACE_MS = 2_000;
const OUTPUT_BYTES = 64 * KIB;
/** A process outside the group may hold the pipe open for ever; what was printed has long arrived by then. */
const DRAIN_MS = 500;

/** What a tool may take, beside the time. Where the system does not let a limit be set, the tool runs without it. */
export interface ToolLimits {
  /** What it may write to in memory. Address space that is only reserved does not count. */
  readonly memoryBytes: number;
  /** The largest file it may write. */
  readonly fileBytes: number;
}

/** A program and its arguments, which no shell looks into. */
export interface ToolCommand {
  /** Absolute. */
  readonly file: string;
  readonly args: readonly string[];
}

/** Blocks in which a shell counts the size of files. */
const FILE_BLOCK_BYTES = 512;

/** Runs a tool like `runShell`, within its limits. */
export async function runTool(
  { file, args }: ToolCommand,
  { memoryBytes, fileBytes, ...options }: ShellOptions & ToolLimits,
): Promise<ShellResult> {
  const limits = [`-d ${Math.ceil(memoryBytes / KIB)}`, `-f ${Math.ceil(fileBytes / FILE_BLOCK_BYTES)}`];
  const set = limits.map((limit) => `(ulimit ${limit}) 2>/dev/null && ulimit ${limit}`);
  return await runGroup(["-c", `${set.join("; ")}; exec "$0" "$@"`, file, ...args], options);
}

/**
 * Runs `sh -c command` to its end and settles when its whole process group is gone.
 *
 * Rejects with `signal.reason` when aborted, and with the system's error when the shell cannot be started.
 */
export async function runShell(command: string, options: ShellOptions): Promise<ShellResult> {
  return await runGroup(["-c", command], options);
}

async function runGroup(args: readonly string[], options: ShellOptions): Promise<ShellResult> {
  const { signal, timeoutMs = COMMAND_TIMEOUT_MS, graceMs = GRACE_MS, clock = systemClock } = options;
  signal.throwIfAborted();
  const child = spawn("/bin/sh", args, {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const tail = createTail(options.outputBytes ?? OUTPUT_BYTES);
  for (const stream of [child.stdout, child.stderr]) {
    const decoder = new TextDecoder();
    stream.on("data", (chunk: Uint8Array) => {
      tail.push(chunk);
      options.onOutput?.(decoder.decode(chunk, { stream: true }));
    });
  }

  let isTimedOut = false;
  await using group = openGroup(child, { graceMs, clock });
  using _limit = clock.after(timeoutMs, () => {
    isTimedOut = true;
    group.terminate();
  });
  signal.addEventListener("abort", group.terminate, { once: true });
  try {
    const [exitCode, exitSignal] = await group.ended;
    await group[Symbol.asyncDispose]();
    signal.throwIfAborted();
    return {
      outcome: isTimedOut ? "timed-out" : exitCode === null ? "killed" : "exited",
      ...(exitCode !== null && { exitCode }),
      ...(exitSignal !== null && { exitSignal }),
      ...tail.end(),
    };
  } finally {
    signal.removeEventListener("abort", group.terminate);
  }
}

interface Group extends AsyncDisposable {
  /** Exit code and signal of the shell, one of them null. Rejects when it could not be started. */
  readonly ended: Promise<[exitCode: number | null, exitSignal: string | null]>;
  terminate(): void;
}

/** Owns the process group of a child; disposing kills what is left of it and lets go of its pipes. Twice is quiet. */
function openGroup(child: ChildProcess, { graceMs, clock }: { graceMs: number; clock: Clock }): Group {
  let grace: Disposable | undefined;
  const closed = once(child, "close").catch(() => {});
  const ended = once(child, "exit").then((values): [number | null, string | null] => {
    const [exitCode, exitSignal]: unknown[] = values;
    return [typeof exitCode === "number" ? exitCode : null, typeof exitSignal === "string" ? exitSignal : null];
  });
  return {
    ended,
    terminate: () => {
      killGroup(child, "SIGTERM");
      grace ??= clock.after(graceMs, () => killGroup(child, "SIGKILL"));
    },
    [Symbol.asyncDispose]: async () => {
      grace?.[Symbol.dispose]();
      killGroup(child, "SIGKILL");
      await Promise.race([closed, new Promise<void>((resolve) => clock.after(DRAIN_MS, resolve))]);
      child.stdout?.destroy();
      child.stderr?.destroy();
    },
  };
}

function killGroup(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // because the group has ended already, which is what we want
  }
}
