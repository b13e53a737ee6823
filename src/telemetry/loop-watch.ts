/**
 * By how much the event loop is late: a timer is set again and again, and says when it was called.
 *
 *     asleep ─ look ─▶ watching ─ nobody looked for 5 s ─▶ asleep
 *
 * A node that nobody looks at has no such timer: it would wake the machine for nothing.
 */

import type { Clock } from "../model/ports.ts";
import type { LoopDelay } from "../model/top.ts";
import { Histogram } from "./histogram.ts";

const TICK_MS = 20;
const WATCHED_MS = 5_000;
/** Two who look at about the same time are told of the same stretch. */
const STRETCH_MS = 900;

/** Watches the event loop while somebody asks. */
export class LoopWatch implements Disposable {
  readonly #clock: Clock;
  #timer: Disposable | undefined;
  #lookedAtMs = 0;
  #stretch = new Histogram();
  #sinceMs = 0;
  #told: LoopDelay | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The delays between the last looks; undefined at the first. */
  look(): LoopDelay | undefined {
    const nowMs = this.#clock.nowMs();
    this.#lookedAtMs = nowMs;
    if (this.#timer === undefined) {
      this.#told = undefined;
      this.#begin(nowMs);
      this.#tick(nowMs);
    } else if (nowMs - this.#sinceMs >= STRETCH_MS) {
      this.#told = toDelay(this.#stretch);
      this.#begin(nowMs);
    }
    return this.#told;
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }

  #begin(nowMs: number): void {
    this.#stretch = new Histogram();
    this.#sinceMs = nowMs;
  }

  #tick(setAtMs: number): void {
    this.#timer = this.#clock.after(TICK_MS, () => {
      const nowMs = this.#clock.nowMs();
      this.#stretch.record(nowMs - setAtMs - TICK_MS);
      if (nowMs - this.#lookedAtMs < WATCHED_MS) this.#tick(nowMs);
      else this.#timer = undefined;
    });
  }
}

function toDelay(delays: Histogram): LoopDelay | undefined {
  const p50Ms = delays.findQuantile(0.5);
  const p99Ms = delays.findQuantile(0.99);
  return p50Ms === undefined || p99Ms === undefined ? undefined : { p50Ms, p99Ms };
}
