/**
 * Live processes, read from /proc: what a test has started must be gone when it ends.
 */

import { readdirSync, readFileSync } from "node:fs";

/** Whether the process is there and no zombie. */
export function isAlive(pid: number): boolean {
  return findStat(pid) !== undefined;
}

/** Ids of the live children of a process, by default of this one. */
export function childrenOf(parent: number = process.pid): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => findStat(pid)?.parent === parent);
}

/** Those of them whose command line has the text. */
export function childrenWith(text: string): number[] {
  return childrenOf().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(text);
    } catch {
      // because it ended meanwhile
      return false;
    }
  });
}

function findStat(pid: number): { parent: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // Behind the command's name, which may hold anything: state, parent.
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" || state === "X" ? undefined : { parent: Number(parent) };
  } catch {
    // because it ended while the list was read
    return undefined;
  }
}
