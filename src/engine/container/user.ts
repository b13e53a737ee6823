/**
 * Whom a process runs as, on this machine.
 */

import { readFileSync } from "node:fs";

/** Its effective user; undefined when that cannot be told. */
export function findUid(pid: number): number | undefined {
  try {
    const [, , effective] = /^Uid:\t(\d+)\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1")) ?? [];
    return effective === undefined ? undefined : Number(effective);
  } catch {
    // because it may have ended
    return undefined;
  }
}
