/**
 * Makes the snapshot smaller: what is free in the engine's memory still holds what was there, until something is put
 * over it. Blocks are taken, which come zeroed, and given back.
 */

/**
 * Size of a block, and how many: found by trying. More blocks, or smaller and larger ones, make the engine ask for memory
 * that it did not have before, which every instance would then begin with.
 */
const BLOCKS: readonly (readonly [bytes: number, count: number])[] = [
  [8_192, 40],
  [2_048, 64],
];

/** Collects garbage with the engine's own function, then covers what was freed. */
export function scrub(collect: unknown): void {
  if (typeof collect === "function") collect();
  const held: ArrayBuffer[] = [];
  for (const [bytes, count] of BLOCKS) for (let i = 0; i < count; i++) held.push(new ArrayBuffer(bytes));
  held.length = 0;
}
