/**
 * Damages a module: bytes, numbers, sections, the end.
 */

import type { Chance } from "../support/random.ts";
import { findBoundaries } from "../support/wasm-bytes.ts";

/** Values that numbers and opcodes go wrong at. */
const EDGES = [0x00, 0x01, 0x0b, 0x10, 0x40, 0x41, 0x60, 0x6f, 0x70, 0x7f, 0x80, 0xfc, 0xfd, 0xff];

/** A changed copy. */
export function mutate(bytes: Uint8Array, chance: Chance): Uint8Array {
  let changed = Uint8Array.from(bytes);
  for (let left = chance(3) + 1; left > 0 && changed.byteLength > 0; left--) changed = change(changed, chance);
  return changed;
}

function change(bytes: Uint8Array<ArrayBuffer>, chance: Chance): Uint8Array<ArrayBuffer> {
  const { byteLength } = bytes;
  const at = chance.once(3) ? chance(Math.min(byteLength, 500)) : chance(byteLength);
  switch (chance(10)) {
    case 0:
      return bytes.slice(0, at);
    case 1:
      return withoutRange(bytes, at, at + chance(16));
    case 2:
      return withInserted(bytes, at, bytes.subarray(chance(byteLength)).subarray(0, chance(40)));
    case 3:
      return moveSection(bytes, chance);
    case 4:
    case 5:
      bytes[at] = chance.pick(EDGES);
      return bytes;
    case 6:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << chance(8));
      return bytes;
    case 7:
      bytes.copyWithin(at, chance(byteLength), Math.min(byteLength, at + chance(64)));
      return bytes;
    default:
      bytes[at] = chance(256);
      return bytes;
  }
}

/** One section goes, comes twice, or comes elsewhere. */
function moveSection(bytes: Uint8Array<ArrayBuffer>, chance: Chance): Uint8Array<ArrayBuffer> {
  const places = findBoundaries(bytes);
  const from = chance(Math.max(1, places.length - 1));
  const section = bytes.subarray(places[from], places[from + 1]);
  if (chance.once(3)) return withoutRange(bytes, places[from] ?? 0, places[from + 1] ?? bytes.byteLength);
  return withInserted(bytes, chance.pick(places), section);
}

function withoutRange(bytes: Uint8Array, from: number, to: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([...bytes.subarray(0, from), ...bytes.subarray(to)]);
}

function withInserted(bytes: Uint8Array, at: number, more: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([...bytes.subarray(0, at), ...more, ...bytes.subarray(at)]);
}
