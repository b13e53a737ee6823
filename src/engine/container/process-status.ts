/**
 * What the kernel says of a container's first process, on this machine.
 * @see https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
 */

import { readFileSync } from "node:fs";

/** Its effective user; undefined when that cannot be told. */
export function findUid(pid: number): number | undefined {
  const [, , effective] = /^Uid:\t(\d+)\t(\d+)/m.exec(readStatus(pid)) ?? [];
  return effective === undefined ? undefined : Number(effective);
}

/** SIGINT, SIGKILL and SIGTERM, as bits of a mask. */
const ENDING = (1n << 1n) | (1n << 8n) | (1n << 14n);

/** Whether it has been told to end, and will when it thaws: with cgroup v1 even SIGKILL waits for that. */
export function isDoomed(pid: number): boolean {
  const masks = readStatus(pid).matchAll(/^(?:SigPnd|ShdPnd):\t([0-9a-f]+)$/gm);
  return [...masks].some(([, mask]) => (BigInt(`0x${mask}`) & ENDING) !== 0n);
}

function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "latin1");
  } catch {
    // because it may have ended
    return "";
  }
}
