/**
 * Limits that the kernel holds: one control group (cgroup v2) per guest process.
 *
 *     <root>/nebula-<host pid>/guest-<index>        memory.max  memory.swap.max  pids.max
 *
 * A second lock behind the host's own looks (watchdog.ts): it stops what grows faster than they come. Only where the
 * host may write the hierarchy; `openCgroups` says why not otherwise. What a host that died left behind is removed.
 * @see https://docs.kernel.org/admin-guide/cgroup-v2.html
 */

import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MIB } from "../../model/units.ts";

/** The control group of one guest process. */
export interface Cgroup {
  /** A process that writes `0` into this file is in the group from then on. */
  readonly procsFile: string;
  /** Whether the kernel has ended a process of the group for its memory. */
  wasOutOfMemory(): boolean;
  /** Removes the group once its process is gone. */
  remove(): void;
}

/** The control groups of one node. */
export interface Cgroups extends Disposable {
  create(options: { index: number; memoryBytes: number }): Cgroup;
}

/** What a blank process holds, and room for the host to look first. */
const BLANK_BYTES = 192 * MIB;
/** Threads of one guest process: V8's and libuv's. */
const MAX_PIDS = 64;
const OURS = /^nebula-(\d+)$/;

/** Groups below `root`, or the reason why there can be none. */
export function openCgroups({ root, hostPid }: { root: string; hostPid: number }): Cgroups | string {
  const controllers = readWords(join(root, "cgroup.controllers"));
  if (controllers === undefined) return `${root} is not a cgroup v2 hierarchy`;
  if (!controllers.includes("memory")) return `the cgroup v2 hierarchy at ${root} has no memory controller`;
  const enabled = controllers.includes("pids") ? "+memory +pids" : "+memory";
  const base = join(root, `nebula-${hostPid}`);
  try {
    removeStale(root);
    mkdirSync(base);
    writeFileSync(join(root, "cgroup.subtree_control"), enabled);
    writeFileSync(join(base, "cgroup.subtree_control"), enabled);
  } catch (error) {
    removeGroup(base);
    return `the host may not write ${root}: ${error instanceof Error && "code" in error ? error.code : "unknown"}`;
  }
  return {
    create: ({ index, memoryBytes }) =>
      createGroup(join(base, `guest-${index}`), { memoryBytes, hasPids: enabled.includes("pids") }),
    [Symbol.dispose]: () => removeGroup(base),
  };
}

function createGroup(dir: string, { memoryBytes, hasPids }: { memoryBytes: number; hasPids: boolean }): Cgroup {
  mkdirSync(dir);
  writeFileSync(join(dir, "memory.max"), String(memoryBytes + BLANK_BYTES));
  // Where the kernel was built without swap accounting there is no such file, and no swap to limit.
  if (readdirSync(dir).includes("memory.swap.max")) writeFileSync(join(dir, "memory.swap.max"), "0");
  if (hasPids) writeFileSync(join(dir, "pids.max"), String(MAX_PIDS));
  return {
    procsFile: join(dir, "cgroup.procs"),
    wasOutOfMemory: () => {
      const words = readWords(join(dir, "memory.events")) ?? [];
      return Number(words[words.indexOf("oom_kill") + 1] ?? 0) > 0 && words.includes("oom_kill");
    },
    remove: () => removeGroup(dir),
  };
}

/** Groups of hosts that are gone. */
function removeStale(root: string): void {
  for (const name of readdirSync(root)) {
    const pid = OURS.exec(name)?.[1];
    if (pid === undefined || isRunning(Number(pid))) continue;
    for (const guest of readdirSync(join(root, name), { withFileTypes: true })) {
      if (guest.isDirectory()) removeGroup(join(root, name, guest.name));
    }
    removeGroup(join(root, name));
  }
}

function isRunning(pid: number): boolean {
  return readWords(`/proc/${pid}/comm`) !== undefined;
}

function removeGroup(dir: string): void {
  try {
    rmdirSync(dir);
  } catch {
    // because the kernel keeps a group until its last process is reaped: the next start removes what is left
  }
}

function readWords(file: string): string[] | undefined {
  try {
    return readFileSync(file, "utf8").split(/\s+/);
  } catch {
    // because a file that is not there is an answer
    return undefined;
  }
}
