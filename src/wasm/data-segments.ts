/**
 * Reads the data section: what a module writes into its memory when it is instantiated, and what it keeps for later.
 *
 * @see https://webassembly.github.io/spec/core/binary/modules.html#data-section
 */

import { readConstant } from "./expression.ts";
import type { WasmReader } from "./reader.ts";

/** One segment. `content` is a view of the module's bytes. */
export interface DataSegment {
  readonly mode: "active" | "passive";
  /** Of an active one. */
  readonly memory: number;
  /** Where it goes; absent when passive, and where that depends on an import. */
  readonly offset?: number;
  readonly content: Uint8Array;
}

/** All segments in order. */
export function readDataSegments(reader: WasmReader): DataSegment[] {
  return reader.list(() => readSegment(reader));
}

function readSegment(reader: WasmReader): DataSegment {
  const form = reader.u32();
  if (form > 2) reader.fail(`there is no data segment of form ${form}`);
  if (form === 1) return { mode: "passive", memory: 0, content: reader.take(reader.u32()) };
  const memory = form === 2 ? reader.u32() : 0;
  const { value } = readConstant(reader);
  const offset = value === undefined || value > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(value);
  return { mode: "active", memory, ...(offset !== undefined && { offset }), content: reader.take(reader.u32()) };
}
