/**
 * Reads constant expressions: the offsets of segments, the first values of globals.
 *
 * They are flat (no nesting), so a stack of what is known suffices; what depends on an import is not known.
 *
 * @see https://webassembly.github.io/spec/core/valid/instructions.html#constant-expressions
 */

import type { WasmReader } from "./reader.ts";
import { readHeapType } from "./types.ts";

/** A number on the stack of the expression; `undefined` where it is known only at instantiation. */
type Known = bigint | undefined;

const GLOBAL_GET = 0x23;
const END = 0x0b;

/** How many operands each arithmetic instruction of 32 and 64 bits needs, and what it does. */
const ARITHMETIC: Readonly<Record<number, { readonly bits: 32 | 64; run(a: bigint, b: bigint): bigint }>> = {
  106: { bits: 32, run: (a, b) => a + b },
  107: { bits: 32, run: (a, b) => a - b },
  108: { bits: 32, run: (a, b) => a * b },
  124: { bits: 64, run: (a, b) => a + b },
  125: { bits: 64, run: (a, b) => a - b },
  126: { bits: 64, run: (a, b) => a * b },
};

/** Reads to the expression's end; its value where that is a number known now, unsigned. */
export function readConstant(reader: WasmReader): { readonly value?: bigint } {
  const stack: Known[] = [];
  let bits: 32 | 64 = 32;
  for (let code = reader.u8(); code !== END; code = reader.u8()) {
    const arithmetic = ARITHMETIC[code];
    if (arithmetic !== undefined) {
      const b = stack.pop();
      const a = stack.pop();
      bits = arithmetic.bits;
      stack.push(a === undefined || b === undefined ? undefined : BigInt.asIntN(bits, arithmetic.run(a, b)));
    } else if (code === 0x41 || code === 0x42) {
      bits = code === 0x41 ? 32 : 64;
      stack.push(bits === 32 ? BigInt(reader.s32()) : reader.s64());
    } else {
      skipOperand(reader, code);
      stack.push(undefined);
    }
  }
  const value = stack.length === 1 ? stack[0] : undefined;
  return value === undefined ? {} : { value: BigInt.asUintN(bits, value) };
}

function skipOperand(reader: WasmReader, code: number): void {
  if (code === GLOBAL_GET || code === 0xd2) reader.u32();
  else if (code === 0x43) reader.take(4);
  else if (code === 0x44) reader.take(8);
  else if (code === 0xd0) readHeapType(reader);
  else if (code === 0xfd) skipVector(reader);
  else if (code === 0xfb) skipAggregate(reader);
  else reader.fail(`instruction 0x${code.toString(16)} is not constant`);
}

function skipVector(reader: WasmReader): void {
  if (reader.u32() !== 12) reader.fail("a vector instruction is not constant");
  reader.take(16);
}

/** Instructions of garbage-collected types: how many numbers follow each. */
const AGGREGATE: Readonly<Record<number, number>> = { 0: 1, 1: 1, 6: 1, 7: 1, 8: 2, 26: 0, 27: 0, 28: 0 };

function skipAggregate(reader: WasmReader): void {
  const numbers = AGGREGATE[reader.u32()] ?? reader.fail("an instruction is not constant");
  for (let i = 0; i < numbers; i++) reader.u32();
}
