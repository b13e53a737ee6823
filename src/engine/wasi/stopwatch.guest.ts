/**
 * How long an invocation keeps its process busy: the time from its begin without the time in which it waits, and without
 * that in which it is through and others run before anybody looks at what came of it.
 */

import type { WasiClock } from "./clock.guest.ts";
import type { ByteSource } from "./streams.guest.ts";

/** Runs from when it is made until the end of the first `run`. */
export class Stopwatch {
  /** Absent while it stands still. */
  #sinceMs: number | undefined = performance.now();
  #busyMs = 0;
  #waits = 0;
  readonly #breaks = new Set<(reason: unknown) => void>();
  #stopped: { readonly reason: unknown } | undefined;
  /** Called each time when the program begins to wait. */
  onWait: () => void = () => {};

  /** Milliseconds so far. */
  get busyMs(): number {
    return this.#busyMs + (this.#sinceMs === undefined ? 0 : performance.now() - this.#sinceMs);
  }

  /** Runs while the program does, which comes back when it has ended or waits. */
  run<T>(program: () => T): T {
    if (this.#waits === 0) this.#sinceMs ??= performance.now();
    try {
      return program();
    } finally {
      this.#halt();
    }
  }

  /** Stands still until the promise settles. Rejects when the program is stopped before. */
  wait<T>(promise: Promise<T>): Promise<T> {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped.reason);
    const { promise: waited, resolve, reject } = Promise.withResolvers<T>();
    this.#breaks.add(reject);
    this.#halt();
    this.#waits += 1;
    this.onWait();
    promise.then(resolve, reject);
    return waited.finally(() => {
      this.#breaks.delete(reject);
      this.#waits -= 1;
      if (this.#waits === 0) this.#sinceMs = performance.now();
    });
  }

  #halt(): void {
    this.#busyMs = this.busyMs;
    this.#sinceMs = undefined;
  }

  /** Breaks off what the program waits in, and will wait in. */
  stop(reason: unknown): void {
    this.#stopped ??= { reason };
    for (const reject of this.#breaks) reject(reason);
  }

  /** The source, with its waits taken out. */
  source(source: ByteSource): ByteSource {
    return {
      read: (max) => {
        const bytes = source.read(max);
        return bytes instanceof Promise ? this.wait(bytes) : bytes;
      },
    };
  }

  /** The clock, with its sleeps taken out. */
  clock(clock: WasiClock): WasiClock {
    return {
      nowNs: clock.nowNs,
      monotonicNs: clock.monotonicNs,
      sleep: (ns, signal) => this.wait(clock.sleep(ns, signal)),
    };
  }
}
