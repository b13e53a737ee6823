/**
 * Chance that comes again: the same numbers for the same seed.
 */

/** Numbers below a bound, and choices. */
export interface Chance {
  (below: number): number;
  pick<T>(from: readonly T[]): T;
  /** Whether one of `of` times it happens. */
  once(of: number): boolean;
}

/** Whole numbers below 2^32, by Mulberry32. @see https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
function createNumbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** Numbers from 0 up to, not including, 1: `Math.random` that can be repeated. */
export function createRandom(seed: number): () => number {
  const next = createNumbers(seed);
  return () => next() / 2 ** 32;
}

/** Numbers below a bound. */
export function createChance(seed: number): Chance {
  const numbers = createNumbers(seed);
  const next = (below: number): number => numbers() % below;
  return Object.assign(next, {
    pick: <T>(from: readonly T[]): T => {
      const found = from[next(from.length)];
      if (found === undefined) throw new RangeError("Cannot pick from nothing");
      return found;
    },
    once: (of: number) => next(of) === 0,
  });
}
