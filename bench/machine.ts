/**
 * On what, and of what, a benchmark was run: without it a number says nothing.
 */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { arch, availableParallelism, cpus, loadavg, release, totalmem, version } from "node:os";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly arch: string;
  readonly memoryBytes: number;
  readonly kernel: string;
  /** How the clock of the processor is governed; absent where the kernel does not say, as in most VMs. */
  readonly governor?: string;
  /** Of the last minute, before the scenario began: well above 0, the machine had other work. */
  readonly loadAverage: number;
}

export interface Commit {
  readonly revision: string;
  /** Whether anything in the tree differs from the commit. */
  readonly isDirty: boolean;
}

export function inspectMachine(): Machine {
  const governor = readText("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    arch: arch(),
    memoryBytes: totalmem(),
    kernel: `${release()} ${version()}`,
    ...(governor !== undefined && { governor }),
    loadAverage: loadavg()[0] ?? 0,
  };
}

/** `undefined` outside a git working tree. */
export function findCommit(dir: string): Commit | undefined {
  const git = (...args: string[]) => execFileSync("git", args, { cwd: dir, encoding: "utf8", stdio: "pipe" }).trim();
  try {
    return { revision: git("rev-parse", "HEAD"), isDirty: git("status", "--porcelain") !== "" };
  } catch {
    // because a packed copy of the project has no git
    return undefined;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    // because not every kernel has the file
    return undefined;
  }
}
