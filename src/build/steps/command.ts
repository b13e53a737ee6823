/**
 * Step "command": the project's own build command (wrangler's `[build] command`).
 *
 * It runs with the author's rights and environment, as it would from a terminal. What it makes is read by the
 * steps after it.
 */

import { stat } from "node:fs/promises";
import type { Clock } from "../../model/ports.ts";
import { formatBytes, formatMs } from "../../model/units.ts";
import { COMMAND_TIMEOUT_MS, runShell, type ShellResult } from "../exec.ts";
import { toLastLines } from "../output-tail.ts";
import { buildFailed, type Step } from "../step.ts";

/** The author's own build command. */
export interface CommandOptions {
  readonly command: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the command reads; reported as the step's inputs. */
  readonly watchDirs: readonly string[];
  readonly timeoutMs?: number | undefined;
  readonly clock: Clock;
}

/** How much of the output an error repeats. */
const SHOWN_LINES = 20;

/** The step fails with NEBULA_BUILD_FAILED, the exit code and the end of the output unless the command exits with 0. */
export function openCommandStep(options: CommandOptions): Step {
  const { command, cwd, env, watchDirs, timeoutMs = COMMAND_TIMEOUT_MS, clock } = options;
  return {
    async run({ signal, onOutput }) {
      await ensureFolder(cwd, command);
      const result = await runShell(command, { cwd, env, signal, timeoutMs, onOutput, clock });
      if (result.exitCode !== 0 || result.outcome !== "exited") throw toFailure(result, { command, timeoutMs });
      return { inputs: watchDirs };
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

async function ensureFolder(cwd: string, command: string): Promise<void> {
  const found = await stat(cwd).catch(() => undefined);
  if (found?.isDirectory()) return;
  throw buildFailed("command", `Cannot run the build command "${command}": there is no folder "${cwd}"`);
}

function toFailure(result: ShellResult, { command, timeoutMs }: { command: string; timeoutMs: number }) {
  const { outcome, exitCode, exitSignal = "a signal", droppedBytes } = result;
  const why = {
    exited: `exit code ${exitCode}`,
    killed: `ended by ${exitSignal}`,
    "timed-out": `still running after ${formatMs(timeoutMs)}`,
  }[outcome];
  const shown = toLastLines(result.output, SHOWN_LINES);
  const hint =
    outcome === "exited" && exitCode === 127 ? "Exit code 127 means that the command was not found" : undefined;
  return buildFailed("command", `Cannot run the build command "${command}": ${why}${shown && `\n${shown}`}`, {
    hint,
    details: {
      ...(exitCode !== undefined && { exitCode }),
      output: droppedBytes > 0 ? `(${formatBytes(droppedBytes)} before this)\n${result.output}` : result.output,
    },
  });
}
