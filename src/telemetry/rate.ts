/**
 * How many per second, over the last seconds: a count for each of the last 64, in a ring.
 *
 *     │ 58 s ago │ … │ 2 s ago │ 1 s ago │ this second, begun 0.3 s ago │
 *                        └──────── the last second: 0.7 of 1 s ago and all of this one
 */

const SLOTS = 64;

/** Counts of things that happen, by second. */
export class Rate {
  readonly #counts = new Uint32Array(SLOTS);
  /** The second that was counted last. */
  #second = -SLOTS;

  /** Counts one that happens now, by a monotonic clock. Called per request: takes no memory. */
  add(nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) this.#moveTo(second);
    const slot = second & (SLOTS - 1);
    this.#counts[slot] = (this.#counts[slot] ?? 0) + 1;
  }

  /** The mean over the last `seconds`, 60 at the most. What goes out of that window goes out evenly. */
  findPerSecond(nowMs: number, seconds: number): number {
    const second = Math.floor(nowMs / 1000);
    let sum = this.#countOf(second - seconds) * (1 - (nowMs / 1000 - second));
    for (let ago = 0; ago < seconds; ago++) sum += this.#countOf(second - ago);
    return sum / seconds;
  }

  #countOf(second: number): number {
    const isKept = second <= this.#second && second > this.#second - SLOTS;
    return isKept ? (this.#counts[second & (SLOTS - 1)] ?? 0) : 0;
  }

  /** Forgets what the ring has of the seconds that were skipped. */
  #moveTo(second: number): void {
    if (second - this.#second >= SLOTS) this.#counts.fill(0);
    else for (let each = this.#second + 1; each <= second; each++) this.#counts[each & (SLOTS - 1)] = 0;
    this.#second = second;
  }
}
