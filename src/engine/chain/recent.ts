/**
 * The last measurements of one thing, for whoever asks what is usual.
 */

/** As many of the last are kept. */
const KEPT = 64;

/** A window over measurements. */
export class Recent {
  // Of doubles, because a number in a field of its own would be a new object at each change.
  readonly #values = new Float64Array(KEPT);
  #count = 0;

  record(value: number): void {
    this.#values[this.#count % KEPT] = value;
    this.#count += 1;
  }

  /** What half of them do not exceed; undefined as long as there are none. */
  get median(): number | undefined {
    const known = this.#values.subarray(0, Math.min(this.#count, KEPT)).toSorted();
    return known[Math.floor((known.length - 1) / 2)];
  }
}
