/**
 * Values as core WebAssembly passes them: what the canonical ABI calls flat.
 */

import { trap } from "./trap.guest.ts";

/** A type of core WebAssembly. */
export type FlatType = "i32" | "i64" | "f32" | "f64";

/** An i32, f32 or f64 is a number, an i64 is a bigint. */
export type FlatValue = number | bigint;

/** A function that a core instance exports. */
export type CoreFunction = (...args: FlatValue[]) => unknown;

/** Whether it can be called. */
export function isCoreFunction(value: unknown): value is CoreFunction {
  return typeof value === "function";
}

/** The number at a place. */
export function toInt(flats: readonly FlatValue[], at: number): number {
  const value = flats[at];
  return typeof value === "number" ? value : trap("a core function has another type than its component says");
}

/** The 64-bit integer at a place. */
export function toLong(flats: readonly FlatValue[], at: number): bigint {
  const value = flats[at];
  return typeof value === "bigint" ? value : trap("a core function has another type than its component says");
}

/** Whatever core WebAssembly gave. */
export function toFlatValue(value: unknown): FlatValue {
  if (typeof value === "number" || typeof value === "bigint") return value;
  return trap("a core function has another type than its component says");
}

/** The type that holds either of two, as variants need it. */
export function joinFlat(a: FlatType | undefined, b: FlatType): FlatType {
  if (a === undefined || a === b) return b;
  const are32 = (a === "i32" || a === "f32") && (b === "i32" || b === "f32");
  return are32 ? "i32" : "i64";
}

/** The bits of a value that travelled as another type. */
export function fromJoined(value: FlatValue, from: FlatType, to: FlatType): FlatValue {
  if (from === to) return value;
  const bits = new DataView(new ArrayBuffer(8));
  if (from === "i64") bits.setBigUint64(0, BigInt(value), true);
  else bits.setInt32(0, Number(value), true);
  if (to === "f64") return bits.getFloat64(0, true);
  return to === "f32" ? bits.getFloat32(0, true) : bits.getInt32(0, true);
}

/** The same bits as the joined type. */
export function toJoined(value: FlatValue, from: FlatType, to: FlatType): FlatValue {
  if (from === to) return value;
  const bits = new DataView(new ArrayBuffer(8));
  if (from === "f64") bits.setFloat64(0, Number(value), true);
  else if (from === "f32") bits.setFloat32(0, Number(value), true);
  else bits.setInt32(0, Number(value), true);
  return to === "i64" ? bits.getBigUint64(0, true) : bits.getInt32(0, true);
}

/** The zero of a type. */
export function zeroOf(type: FlatType): FlatValue {
  return type === "i64" ? 0n : 0;
}
