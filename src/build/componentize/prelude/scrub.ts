/**
 * Makes the snapshot smaller: what is free in the engine's memory still holds what was there, until something is put
 * over it. Blocks of all sizes are taken, which come zeroed, and given back.
 */

/** From large to small: size of a block, and how many. */
const BLOCKS: readonly (readonly [bytes: number, count: number])[] = [
  [65_536, 16],
  [16_384, 32],
  [4_096, 64],
  [1_024, 256],
  [256, 1_024],
  [64, 2_048],
];

/** Collects garbage with the engine's own function, then covers what was freed. */
export function scrub(collect: unknown): void {
  if (typeof collect === "function") collect();
  const held: ArrayBuffer[] = [];
  for (const [bytes, count] of BLOCKS) for (let i = 0; i < count; i++) held.push(new ArrayBuffer(bytes));
  held.length = 0;
}
