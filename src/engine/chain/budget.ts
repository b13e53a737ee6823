/**
 * How many requests may be given to a form only so that it is measured: a few at first, then one of so many.
 */

import { MEASURED_RATIO } from "./choose.ts";

/** So many may come together, and at first. */
const MOST = 8;

/** What is left to be measured with. */
export class Budget {
  #left = MOST;

  /** A request has come; whether it may be one of those. */
  tick(): boolean {
    this.#left = Math.min(MOST, this.#left + MEASURED_RATIO);
    return this.#left >= 1;
  }

  take(): void {
    this.#left -= 1;
  }
}
