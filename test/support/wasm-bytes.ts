/**
 * Modules for tests, written section by section: those that no text format allows, and those too large to be text.
 */

import { SECTION } from "../../src/wasm/sections.ts";
import { concatBytes, toName, toSection, toU32 } from "../../src/wasm/writer.ts";

type Bytes = readonly number[] | Uint8Array;

/** What a module is made of, in order; each list is a section with that many items. */
export interface RawModule {
  readonly types?: readonly Bytes[];
  readonly imports?: readonly Bytes[];
  readonly functions?: readonly Bytes[];
  readonly tables?: readonly Bytes[];
  readonly memories?: readonly Bytes[];
  readonly globals?: readonly Bytes[];
  readonly exports?: readonly Bytes[];
  readonly start?: number;
  /** Bodies: locals and code, without their length. */
  readonly code?: readonly Bytes[];
  readonly data?: readonly Bytes[];
  /** After everything else, as they are. */
  readonly rest?: readonly Uint8Array[];
}

const HEADER = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const ORDER = ["type", "import", "function", "table", "memory", "global", "export"] as const;

/** `() → ()`. */
export const NO_TYPE = [0x60, 0, 0];
/** The body of a function that does nothing. */
export const EMPTY_BODY = [0, 0x0b];

/** The bytes. */
export function toModule(raw: RawModule): Uint8Array {
  const { types, imports, functions, tables, memories, globals, exports, start, code, data, rest = [] } = raw;
  const lists = { type: types, import: imports, function: functions, table: tables, memory: memories };
  const all = { ...lists, global: globals, export: exports };
  const sections = ORDER.flatMap((name) => list(SECTION[name], all[name]));
  if (start !== undefined) sections.push(toSection(SECTION.start, toU32(start)));
  const bodies = code?.map((body) => concatBytes([toU32(body.length), Uint8Array.from(body)]));
  return concatBytes([HEADER, ...sections, ...list(SECTION.code, bodies), ...list(SECTION.data, data), ...rest]);
}

/** A program that has this besides: `_start` is function 0 of its own, and does nothing unless `code` says what. */
export function toRawProgram(raw: RawModule): Uint8Array {
  return toModule({
    ...raw,
    types: [NO_TYPE, ...(raw.types ?? [])],
    functions: [[0], ...(raw.functions ?? [])],
    memories: raw.memories ?? [[0, 1]],
    exports: [toExport("memory", 2, 0), toExport("_start", 0, 0), ...(raw.exports ?? [])],
    code: raw.code ?? [EMPTY_BODY],
  });
}

/** An export: its name, its kind (0 function, 1 table, 2 memory, 3 global), its index. */
export function toExport(name: string, kind: number, index: number): Uint8Array {
  return concatBytes([toName(name), Uint8Array.of(kind), toU32(index)]);
}

/** An import of a function. */
export function toImport(module: string, name: string, type: number): Uint8Array {
  return concatBytes([toName(module), toName(name), Uint8Array.of(0), toU32(type)]);
}

/** A section that no engine reads. */
export function toCustom(name: string, bytes: number): Uint8Array {
  return toSection(SECTION.custom, concatBytes([toName(name), new Uint8Array(bytes)]));
}

/** Where each section begins, and where the last one ends. */
export function findBoundaries(bytes: Uint8Array): number[] {
  const found = [HEADER.byteLength];
  let at = HEADER.byteLength;
  while (at < bytes.byteLength) {
    let size = 0;
    let next = at + 1;
    for (let shift = 0; ; shift += 7, next++) {
      const byte = bytes[next] ?? 0;
      size += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    at = next + 1 + size;
    found.push(at);
  }
  return found;
}

function list(id: number, items: readonly Bytes[] | undefined): Uint8Array[] {
  if (items === undefined) return [];
  return [toSection(id, concatBytes([toU32(items.length), ...items.map((each) => Uint8Array.from(each))]))];
}
