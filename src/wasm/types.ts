/**
 * Types of a core module: values, functions, memories, tables, and what an import asks for.
 *
 * Value types are kept as the text format writes them (`i32`, `funcref`, `(ref null 3)`), since they are compared and
 * shown, never computed with.
 *
 * @see https://webassembly.github.io/spec/core/binary/types.html
 */

import type { WasmReader } from "./reader.ts";

/** A function's signature. */
export interface FuncType {
  readonly params: readonly string[];
  readonly results: readonly string[];
}

/** A memory, in pages of 64 KiB. */
export interface MemoryType {
  readonly initialPages: number;
  readonly maximumPages?: number;
  readonly isShared: boolean;
  readonly is64: boolean;
  /** Log 2 of the page size where it is not the usual one. */
  readonly pageSizeLog2?: number;
}

/** A table. */
export interface TableType {
  readonly element: string;
  readonly initial: number;
  readonly maximum?: number;
}

/** What an import or an export is. A function's `type` is absent where the module names one that is no function's. */
export type ExternType =
  | { readonly kind: "function"; readonly type: FuncType }
  | { readonly kind: "table"; readonly table: TableType }
  | { readonly kind: "memory"; readonly memory: MemoryType }
  | { readonly kind: "global"; readonly type: string; readonly isMutable: boolean }
  | { readonly kind: "tag" };

/** How many bytes a page has. */
export const PAGE_BYTES = 65_536;

const VALUE_TYPES: Readonly<Record<number, string>> = {
  127: "i32",
  126: "i64",
  125: "f32",
  124: "f64",
  123: "v128",
  120: "i8",
  119: "i16",
  116: "nullexnref",
  115: "nullfuncref",
  114: "nullexternref",
  113: "nullref",
  112: "funcref",
  111: "externref",
  110: "anyref",
  109: "eqref",
  108: "i31ref",
  107: "structref",
  106: "arrayref",
  105: "exnref",
};

/** A value type, a reference type, or the type of a field. */
export function readValueType(reader: WasmReader): string {
  const code = reader.u8();
  if (code === 0x63) return `(ref null ${readHeapType(reader)})`;
  if (code === 0x64) return `(ref ${readHeapType(reader)})`;
  return VALUE_TYPES[code] ?? reader.fail(`there is no value type 0x${code.toString(16)}`);
}

/** The index of a type, or the name of an abstract one. */
export function readHeapType(reader: WasmReader): string {
  const index = reader.s33();
  if (index >= 0) return String(index);
  return VALUE_TYPES[index + 0x80]?.replace(/ref$/, "") ?? reader.fail("there is no such heap type");
}

/** The whole type section; an entry that is no function's is `undefined`. */
export function readTypes(reader: WasmReader): (FuncType | undefined)[] {
  const types: (FuncType | undefined)[] = [];
  const count = reader.u32();
  for (let i = 0; i < count; i++) {
    if (reader.peek() !== 0x4e) {
      types.push(readSubType(reader));
      continue;
    }
    reader.u8();
    for (let left = reader.u32(); left > 0; left--) types.push(readSubType(reader));
  }
  return types;
}

function readSubType(reader: WasmReader): FuncType | undefined {
  let code = reader.u8();
  if (code === 0x50 || code === 0x4f) {
    reader.list(() => reader.u32());
    code = reader.u8();
  }
  if (code === 0x60) {
    const params = reader.list(() => readValueType(reader));
    return { params, results: reader.list(() => readValueType(reader)) };
  }
  if (code === 0x5f) reader.list(() => readField(reader));
  else if (code === 0x5e) readField(reader);
  else reader.fail(`there is no type 0x${code.toString(16)}`);
  return undefined;
}

function readField(reader: WasmReader): void {
  readValueType(reader);
  reader.u8();
}

/** Limits of a memory. */
export function readMemoryType(reader: WasmReader): MemoryType {
  const flags = reader.u8();
  if (flags > 0x0f) reader.fail(`there are no limits of form ${flags}`);
  const is64 = (flags & 4) !== 0;
  const initialPages = readSize(reader, is64);
  const maximumPages = (flags & 1) === 0 ? undefined : readSize(reader, is64);
  const pageSizeLog2 = (flags & 8) === 0 ? undefined : reader.u32();
  if (maximumPages !== undefined && maximumPages < initialPages) reader.fail("a memory's maximum is below its minimum");
  if (!is64 && pageSizeLog2 === undefined && Math.max(initialPages, maximumPages ?? 0) > 65_536) {
    reader.fail("a memory is larger than 4 GiB");
  }
  return {
    initialPages,
    ...(maximumPages !== undefined && { maximumPages }),
    isShared: (flags & 2) !== 0,
    is64,
    ...(pageSizeLog2 !== undefined && { pageSizeLog2 }),
  };
}

/** A table's type; not the initial value that may follow it in the table section. */
export function readTableType(reader: WasmReader): TableType {
  const element = readValueType(reader);
  const flags = reader.u8();
  if (flags > 0x07) reader.fail(`there are no limits of form ${flags}`);
  const is64 = (flags & 4) !== 0;
  const initial = readSize(reader, is64);
  const maximum = (flags & 1) === 0 ? undefined : readSize(reader, is64);
  return { element, initial, ...(maximum !== undefined && { maximum }) };
}

function readSize(reader: WasmReader, is64: boolean): number {
  return is64 ? Number(reader.u64()) : reader.u32();
}

/** A global's type. */
export function readGlobalType(reader: WasmReader): { readonly type: string; readonly isMutable: boolean } {
  return { type: readValueType(reader), isMutable: (reader.u8() & 1) !== 0 };
}

/** `(i32, i64) → i32`, for people. */
export function formatFuncType({ params, results }: FuncType): string {
  return `(${params.join(", ")}) → ${results.length === 1 ? results[0] : `(${results.join(", ")})`}`;
}
