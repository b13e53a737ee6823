/**
 * File systems in memory with an end, to see what happens when there is no more room. Only root may mount them.
 */

import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { appendFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Mounts one on an empty folder, until it is disposed of. */
export async function mountMemory(dir: string, bytes: number): Promise<AsyncDisposable> {
  await run("mount", ["-t", "tmpfs", "-o", `size=${bytes},mode=0755`, "nebula-test", dir]);
  // What is mounted in it goes with it.
  return { [Symbol.asyncDispose]: async () => void (await run("umount", ["--recursive", dir])) };
}

/** A disk without room, until it is disposed of. */
export interface FullDisk extends Disposable {
  /** Takes what has become free meanwhile. */
  fill(): void;
}

/** Takes all the room that there is. */
export function fillDisk(dir: string): FullDisk {
  const file = join(dir, `filler-${randomBytes(4).toString("hex")}`);
  const fill = () => {
    for (let bytes = LARGEST_BYTES; bytes >= SMALLEST_BYTES; bytes /= 2) while (hasTaken(file, bytes));
  };
  fill();
  return { fill, [Symbol.dispose]: () => rmSync(file, { force: true }) };
}

const LARGEST_BYTES = 1024 * 1024;
const SMALLEST_BYTES = 512;

function hasTaken(file: string, bytes: number): boolean {
  try {
    appendFileSync(file, Buffer.alloc(bytes));
    return true;
  } catch (thrown) {
    if (Object(thrown).code === "ENOSPC") return false;
    throw thrown;
  }
}
