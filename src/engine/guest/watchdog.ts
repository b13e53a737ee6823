/**
 * Looks at guest processes at regular times: often at those that work, now and then at the others.
 */

import type { Clock } from "../../model/ports.ts";

/** What the watchdog looks at. */
export interface Watched {
  readonly isBusy: boolean;
  look(): void;
}

/** A limit may be overrun by this much before it is noticed. */
export const LOOK_MS = 25;
/** How many looks pass before one at a process without work. */
const IDLE_LOOKS = 20;

/** One timer for all guest processes. */
export class Watchdog implements Disposable {
  readonly #clock: Clock;
  readonly #watched = new Set<Watched>();
  #timer: Disposable | undefined;
  #looks = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  watch(watched: Watched): Disposable {
    this.#watched.add(watched);
    this.#schedule();
    return { [Symbol.dispose]: () => void this.#watched.delete(watched) };
  }

  [Symbol.dispose](): void {
    this.#watched.clear();
    this.#timer?.[Symbol.dispose]();
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#watched.size === 0) return;
    this.#timer = this.#clock.after(LOOK_MS, () => {
      this.#timer = undefined;
      this.#looks += 1;
      const isIdleTurn = this.#looks % IDLE_LOOKS === 0;
      for (const watched of this.#watched) if (watched.isBusy || isIdleTurn) watched.look();
      this.#schedule();
    });
  }
}
