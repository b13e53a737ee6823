/**
 * The control groups of one container: stops its processes where they are, lets them go on, and tells what they use.
 *
 * A write to one file takes some tens of microseconds, Docker's own pause some milliseconds. Where the host may not
 * write it, or there is no such file, the answer is no, and Docker has to do it.
 * @see https://docs.kernel.org/admin-guide/cgroup-v1/freezer-subsystem.html
 * @see https://docs.kernel.org/admin-guide/cgroup-v2.html (cgroup.freeze, cpu.stat, memory.current)
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Usage } from "../engine.ts";

/** The groups of one container while it runs. */
export interface ControlGroups {
  /** `false`: it could not be done. */
  freeze(): boolean;
  thaw(): boolean;
  findUsage(): Usage | undefined;
  /** `true`: the container's first process is gone; `false` also where that cannot be told. */
  isLeft(): boolean;
}

/** Where groups are mounted and processes shown; another place for tests. */
export interface GroupRoots {
  readonly cgroupRoot: string;
  readonly procRoot: string;
}

/** As every Linux has them. */
const GROUP_ROOTS: GroupRoots = { cgroupRoot: "/sys/fs/cgroup", procRoot: "/proc" };

/**
 * Opens the groups that a container's first process is in. Only those that are named after the container count:
 * in any other there would be others too.
 */
export function openControlGroups(
  { id, pid }: { id: string; pid: number },
  { cgroupRoot, procRoot }: GroupRoots = GROUP_ROOTS,
): ControlGroups {
  const file = join(procRoot, String(pid), "cgroup");
  const paths = findPaths(file, id);
  const isLeft = () => paths.size > 0 && findPaths(file, id).size === 0;
  const place = (controller: string) => {
    const path = paths.get(controller);
    return path === undefined ? undefined : join(cgroupRoot, controller, path);
  };
  const unified = place("");
  if (unified !== undefined && existsSync(join(unified, "cgroup.freeze"))) {
    return {
      freeze: () => tryWrite(join(unified, "cgroup.freeze"), "1"),
      thaw: () => tryWrite(join(unified, "cgroup.freeze"), "0"),
      findUsage: () => findUsage2(unified),
      isLeft,
    };
  }
  const freezer = place("freezer");
  return {
    freeze: () => freezer !== undefined && tryWrite(join(freezer, "freezer.state"), "FROZEN"),
    thaw: () => freezer !== undefined && tryWrite(join(freezer, "freezer.state"), "THAWED"),
    findUsage: () => findUsage1({ cpu: place("cpuacct"), memory: place("memory") }),
    isLeft,
  };
}

/** Controller → path below its mount; the one hierarchy of cgroup v2 has no name. */
function findPaths(file: string, id: string): Map<string, string> {
  const paths = new Map<string, string>();
  for (const line of (tryRead(file) ?? "").split("\n")) {
    const [, controllers = "", path = ""] = line.split(":");
    if (!path.includes(id) || path.includes("/..")) continue;
    for (const controller of controllers.split(",")) paths.set(controller, path);
  }
  return paths;
}

/** Without what the kernel would give up for others to have: pages of files that nobody has used for some time. */
function findUsage1({ cpu, memory }: { cpu: string | undefined; memory: string | undefined }): Usage | undefined {
  if (cpu === undefined || memory === undefined) return undefined;
  const cpuNs = tryRead(join(cpu, "cpuacct.usage"));
  const bytes = tryRead(join(memory, "memory.usage_in_bytes"));
  if (cpuNs === undefined || bytes === undefined) return undefined;
  const inactive = findWord(join(memory, "memory.stat"), "total_inactive_file");
  return { cpuMs: Number(cpuNs) / 1e6, memoryBytes: Math.max(0, Number(bytes) - inactive) };
}

function findUsage2(dir: string): Usage | undefined {
  const bytes = tryRead(join(dir, "memory.current"));
  if (bytes === undefined) return undefined;
  const inactive = findWord(join(dir, "memory.stat"), "inactive_file");
  return {
    cpuMs: findWord(join(dir, "cpu.stat"), "usage_usec") / 1000,
    memoryBytes: Math.max(0, Number(bytes) - inactive),
  };
}

/** The number behind a word at the beginning of a line; 0 when there is none. */
function findWord(file: string, word: string): number {
  const line = (tryRead(file) ?? "").split("\n").find((each) => each.startsWith(`${word} `));
  return Number(line?.slice(word.length + 1) ?? 0);
}

function tryRead(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // because the container may have ended, and another system may have other files
    return undefined;
  }
}

function tryWrite(file: string, text: string): boolean {
  try {
    writeFileSync(file, text);
    return true;
  } catch {
    // because a host that may not write it asks Docker
    return false;
  }
}
