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

/** Mulberry32. */
export function createChance(seed: number): Chance {
  let state = seed | 0;
  const next = (below: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
  return Object.assign(next, {
    pick: <T>(from: readonly T[]): T => {
      const found = from[next(from.length)];
      if (found === undefined) throw new RangeError("Cannot pick from nothing");
      return found;
    },
    once: (of: number) => next(of) === 0,
  });
}
