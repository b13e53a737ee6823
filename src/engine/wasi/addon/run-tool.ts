/**
 * Runs one program of the tool chain as a process group of its own, bounded in time, with next to no environment.
 */

import { spawn } from "node:child_process";

/** What to run, and when to stop it. */
export interface ToolOptions {
  readonly args: readonly string[];
  /** Where it may leave what it needs for a moment. */
  readonly cwd: string;
  /** The folders that programs are looked for in, as in PATH. */
  readonly path: string;
  readonly signal: AbortSignal;
}

const STDERR_KEPT = 16 * 1024;

/** Runs `file` to its end. Fulfils with `undefined` when all was well, otherwise with the reason; never rejects. */
export async function runTool(file: string, { args, cwd, path, signal }: ToolOptions): Promise<string | undefined> {
  if (signal.aborted) return describeStop(signal);
  // A compiler's driver starts others: they are one group, so that they end together.
  const child = spawn(file, [...args], {
    cwd,
    env: { PATH: path, TMPDIR: cwd, LC_ALL: "C" },
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    if (stderr.length < STDERR_KEPT) stderr += text;
  });
  const stop = () => killGroup(child.pid);
  signal.addEventListener("abort", stop, { once: true });
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  child.once("error", ({ message }) => resolve(message));
  child.once("close", (code, by) => {
    if (code === 0) resolve(undefined);
    else if (signal.aborted) resolve(describeStop(signal));
    else resolve(findFirstError(stderr) ?? `it ended with ${by ?? `exit code ${code}`}`);
  });
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function describeStop({ reason }: AbortSignal): string {
  return reason instanceof Error ? reason.message : "it was stopped";
}

/** Compilers say much; the first line with the word is what the rest follows from. */
function findFirstError(stderr: string): string | undefined {
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  return (lines.find((line) => /\berror\b/i.test(line)) ?? lines.at(-1))?.trim().slice(0, 300);
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // because the group has ended already, which is what we want
  }
}
