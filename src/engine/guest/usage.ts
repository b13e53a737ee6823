/**
 * What a process has used so far, read from /proc.
 * @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */

import { readFileSync } from "node:fs";

/** What a process has used so far. */
export interface Usage {
  /** Processor time of all threads since the start. */
  readonly cpuMs: number;
  /** Resident memory that no other process shares: heap, buffers, Wasm memory. */
  readonly memoryBytes: number;
}

/** Linux counts processor time in hundredths of a second on every architecture that Nebula runs on (USER_HZ). */
const MS_PER_TICK = 10;
const PAGE_BYTES = 4096;

/** Reads a process; `undefined` when it is gone. */
export function findUsage(pid: number): Usage | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name in parentheses may hold anything; utime and stime are the 12th and 13th field after it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [, resident, shared] = readFileSync(`/proc/${pid}/statm`, "latin1").split(" ").map(Number);
    return {
      cpuMs: (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK,
      memoryBytes: ((resident ?? 0) - (shared ?? 0)) * PAGE_BYTES,
    };
  } catch {
    // because the process may have ended between two looks
    return undefined;
  }
}
