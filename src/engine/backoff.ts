/**
 * Pauses between attempts that fail one after the other: none after the first failure, then doubling up to a limit.
 */

import type { Clock } from "../model/ports.ts";

/** The clock, and how long the first and the longest pause are. */
export interface BackoffOptions {
  readonly clock: Clock;
  readonly firstMs: number;
  readonly lastMs: number;
}

/** The failures in a row of one thing that is tried again. */
export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;
  #endsAtMs = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** The next attempt need not wait. */
  succeed(): void {
    this.#failures = 0;
    this.#endsAtMs = 0;
  }

  fail(): void {
    const { clock, firstMs, lastMs } = this.#options;
    this.#failures += 1;
    const pauseMs = this.#failures < 2 ? 0 : Math.min(lastMs, firstMs * 2 ** (this.#failures - 2));
    this.#endsAtMs = clock.nowMs() + pauseMs;
  }

  /** Waits until the pause is over, or the signal aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const restMs = this.#endsAtMs - clock.nowMs();
    if (restMs <= 0 || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    using _timer = clock.after(restMs, resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
  }
}
