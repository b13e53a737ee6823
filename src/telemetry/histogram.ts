/**
 * How often which duration was seen, in little memory: 64 steps of equal width between a power of two and the next.
 *
 *     1 µs … 2 … 4 … 8 … … 36 min … 71 min          a value is told to within 0.8 % of what it was
 *
 * What is shorter counts as nothing, what is longer as the last step. Memory is taken for each octave when it is first met.
 */

const STEP_BITS = 6;
const STEPS = 1 << STEP_BITS;
/** 2^-10 ms is the first step: about a microsecond. */
const FIRST_EXPONENT = -10;
const OCTAVES = 32;
const LEAST_MS = 2 ** FIRST_EXPONENT;
/** Where a double has its exponent: above 20 bits of the high word's mantissa, 1023 more than it is. */
const MANTISSA_BITS = 20;
const FIRST_INDEX = (1023 + FIRST_EXPONENT) << STEP_BITS;

/** The bits of the double that is being counted; nothing is kept in it. */
const bits = new DataView(new ArrayBuffer(8));
const one = new Float64Array(1);

/** Durations in milliseconds, counted by size. */
export class Histogram {
  readonly #octaves: (Float64Array | undefined)[] = Array(OCTAVES).fill(undefined);
  #count = 0;
  /** Those below the first step. */
  #nothing = 0;

  get count(): number {
    return this.#count;
  }

  /** Counts one duration. */
  record(ms: number): void {
    one[0] = ms;
    this.recordAt(one, 0);
  }

  /**
   * Counts one of these durations. Called several times per request: takes no memory but for an octave that was never
   * met. A fraction that is handed over by itself would be put into an object first.
   */
  recordAt(durations: Float64Array, at: number): void {
    const ms = durations[at] ?? 0;
    this.#count += 1;
    if (!(ms >= LEAST_MS)) {
      this.#nothing += 1;
      return;
    }
    bits.setFloat64(0, ms);
    const index = (bits.getUint32(0) >>> (MANTISSA_BITS - STEP_BITS)) - FIRST_INDEX;
    const octave = index >> STEP_BITS;
    const isBeyond = octave >= OCTAVES;
    const steps = this.#getOctave(isBeyond ? OCTAVES - 1 : octave);
    const step = isBeyond ? STEPS - 1 : index & (STEPS - 1);
    steps[step] = (steps[step] ?? 0) + 1;
  }

  /** The duration that this part of them, 0 to 1, did not exceed; undefined when there are none. */
  findQuantile(ratio: number): number | undefined {
    if (this.#count === 0) return undefined;
    const wanted = Math.max(1, Math.ceil(ratio * this.#count));
    let seen = this.#nothing;
    if (seen >= wanted) return 0;
    for (const [octave, steps] of this.#octaves.entries()) {
      if (steps === undefined) continue;
      // not by an iterator: a look at a thousand functions takes a hundred thousand of these
      for (let step = 0; step < STEPS; step++) {
        seen += steps[step] ?? 0;
        if (seen >= wanted) return toMiddleMs(octave, step);
      }
    }
    return undefined;
  }

  #getOctave(octave: number): Float64Array {
    const known = this.#octaves[octave];
    if (known !== undefined) return known;
    const made = new Float64Array(STEPS);
    this.#octaves[octave] = made;
    return made;
  }
}

/** The middle of a step stands for all in it. */
function toMiddleMs(octave: number, step: number): number {
  return 2 ** (octave + FIRST_EXPONENT) * (1 + (step + 0.5) / STEPS);
}
