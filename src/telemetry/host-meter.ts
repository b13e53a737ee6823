/**
 * What the host process itself uses: processor, memory, and how late its event loop is.
 * @see https://www.kernel.org/doc/html/latest/filesystems/proc.html (smaps_rollup)
 */

import { readFile } from "node:fs/promises";
import type { Clock } from "../model/ports.ts";
import type { NodeTop } from "../model/top.ts";
import { LoopWatch } from "./loop-watch.ts";

/** Measures this process when it is asked. */
export class HostMeter implements Disposable {
  readonly #clock: Clock;
  readonly #startedAtMs: number;
  readonly #loop: LoopWatch;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAtMs = clock.nowMs();
    this.#loop = new LoopWatch(clock);
  }

  /** What the process uses now. */
  async read(): Promise<Omit<NodeTop, "version">> {
    const loopDelay = this.#loop.look();
    const pssBytes = await findPssBytes();
    const { user, system } = process.cpuUsage();
    return {
      uptimeMs: this.#clock.nowMs() - this.#startedAtMs,
      cpuMs: (user + system) / 1000,
      memoryBytes: process.memoryUsage.rss(),
      ...(pssBytes !== undefined && { pssBytes }),
      ...(loopDelay !== undefined && { loopDelay }),
    };
  }

  [Symbol.dispose](): void {
    this.#loop[Symbol.dispose]();
  }
}

/** Off the event loop: the kernel walks all of the process's memory for it. */
async function findPssBytes(): Promise<number | undefined> {
  try {
    const kib = /^Pss:\s*(\d+) kB$/m.exec(await readFile("/proc/self/smaps_rollup", "latin1"))?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  } catch {
    // because an older kernel, or a container without /proc, does not tell
    return undefined;
  }
}
