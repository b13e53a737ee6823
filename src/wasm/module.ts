/**
 * Decodes a core module as far as is needed to say what it is: imports, exports, memories, data, sizes.
 *
 * Function bodies are counted and measured, not read: that they are valid is for V8 to say. Time grows with the bytes,
 * nothing nests, and every count is checked against the bytes that are left.
 *
 * @see https://webassembly.github.io/spec/core/binary/modules.html
 */

import { type DataSegment, readDataSegments } from "./data-segments.ts";
import { readConstant } from "./expression.ts";
import { findFeatures } from "./features.ts";
import { WasmError, WasmReader } from "./reader.ts";
import { readSections, SECTION, type Section } from "./sections.ts";
import {
  type ExternType,
  type FuncType,
  type MemoryType,
  readGlobalType,
  readMemoryType,
  readTableType,
  readTypes,
  type TableType,
} from "./types.ts";

/** What a module wants from its host. */
export interface ModuleImport {
  readonly module: string;
  readonly name: string;
  readonly type: ExternType;
}

/** What a module gives. */
export interface ModuleExport {
  readonly name: string;
  readonly kind: ExternType["kind"];
  readonly index: number;
  /** Of a function. */
  readonly type?: FuncType;
}

/** What is known of a module without running it. */
export interface ModuleInfo {
  readonly bytes: number;
  readonly imports: readonly ModuleImport[];
  readonly exports: readonly ModuleExport[];
  /** Imported ones first, as indices count. */
  readonly memories: readonly MemoryType[];
  readonly tables: readonly TableType[];
  readonly data: readonly DataSegment[];
  /** The function that runs at instantiation. */
  readonly start?: number;
  /** How many functions it defines, and how many bytes their bodies have. */
  readonly functions: number;
  readonly codeBytes: number;
  readonly customSections: readonly { readonly name: string; readonly bytes: number }[];
  /** Proposals beyond the first version that it shows or declares: `threads`, `memory64`, `simd128` … */
  readonly features: readonly string[];
}

/** V8's own ceilings; what is above them would be refused later, in words of its own. */
const MAX_FUNCTIONS = 1_000_000;

const KINDS = ["function", "table", "memory", "global", "tag"] as const;

/** Decodes a core module. @throws {WasmError} when the bytes are no valid module, with the place. */
export function decodeModule(bytes: Uint8Array): ModuleInfo {
  const sections = readSections(bytes);
  const open = (id: number) => openSection(sections, id);
  const types = open(SECTION.type)?.read(readTypes) ?? [];
  const imports = open(SECTION.import)?.read((reader) => reader.list(() => readImport(reader, types))) ?? [];
  const declared = open(SECTION.function)?.read((reader) => reader.list(() => findFuncType(reader, types))) ?? [];
  const functions = [...ofKind(imports, "function").map(({ type }) => type), ...declared];
  const memories = [
    ...ofKind(imports, "memory").map(({ memory }) => memory),
    ...(open(SECTION.memory)?.read((reader) => reader.list(() => readMemoryType(reader))) ?? []),
  ];
  const tables = [
    ...ofKind(imports, "table").map(({ table }) => table),
    ...(open(SECTION.table)?.read((reader) => reader.list(() => readTable(reader))) ?? []),
  ];
  const exports = open(SECTION.export)?.read((reader) => reader.list(() => readExport(reader, functions))) ?? [];
  const start = open(SECTION.start)?.read((reader) => reader.u32());
  const data = open(SECTION.data)?.read(readDataSegments) ?? [];
  const code = open(SECTION.code);
  const bodies = code?.read(countBodies) ?? 0;
  if (bodies !== declared.length) {
    throw new WasmError(`it declares ${declared.length} functions and has ${bodies}`, code?.offset ?? bytes.byteLength);
  }
  return {
    bytes: bytes.byteLength,
    imports,
    exports,
    memories,
    tables,
    data,
    ...(start !== undefined && { start }),
    functions: declared.length,
    codeBytes: code?.bytes ?? 0,
    customSections: sections.flatMap(({ name, content }) =>
      name === undefined ? [] : [{ name, bytes: content.byteLength }],
    ),
    features: findFeatures(sections, { imports, memories, hasOtherTypes: types.includes(undefined) }),
  };
}

interface OpenSection {
  readonly bytes: number;
  readonly offset: number;
  /** Reads all of it. */
  read<T>(read: (reader: WasmReader) => T): T;
}

function openSection(sections: readonly Section[], id: number): OpenSection | undefined {
  const section = sections.find((each) => each.id === id);
  if (section === undefined) return undefined;
  return {
    bytes: section.content.byteLength,
    offset: section.contentStart,
    read: (read) => {
      const reader = new WasmReader(section.content, section.contentStart);
      const result = read(reader);
      if (!reader.isAtEnd) reader.fail(`section ${id} is longer than what it holds`);
      return result;
    },
  };
}

function readImport(reader: WasmReader, types: readonly (FuncType | undefined)[]): ModuleImport {
  return { module: reader.name(), name: reader.name(), type: readExternType(reader, types) };
}

function readExternType(reader: WasmReader, types: readonly (FuncType | undefined)[]): ExternType {
  const kind = readKind(reader);
  if (kind === "function") return { kind, type: findFuncType(reader, types) };
  if (kind === "table") return { kind, table: readTableType(reader) };
  if (kind === "memory") return { kind, memory: readMemoryType(reader) };
  if (kind === "global") return { kind, ...readGlobalType(reader) };
  reader.u8();
  findFuncType(reader, types);
  return { kind };
}

function readKind(reader: WasmReader): (typeof KINDS)[number] {
  const code = reader.u8();
  return KINDS[code] ?? reader.fail(`there is no import or export of kind ${code}`);
}

function findFuncType(reader: WasmReader, types: readonly (FuncType | undefined)[]): FuncType {
  const index = reader.u32();
  return types[index] ?? reader.fail(`type ${index} is not a function's`);
}

function readTable(reader: WasmReader): TableType {
  if (reader.peek() !== 0x40) return readTableType(reader);
  reader.take(2);
  const type = readTableType(reader);
  readConstant(reader);
  return type;
}

function readExport(reader: WasmReader, functions: readonly FuncType[]): ModuleExport {
  const name = reader.name();
  const kind = readKind(reader);
  const index = reader.u32();
  if (kind !== "function") return { name, kind, index };
  return { name, kind, index, type: functions[index] ?? reader.fail(`there is no function ${index}`) };
}

/** Steps over the bodies. */
function countBodies(reader: WasmReader): number {
  const count = reader.u32();
  if (count > MAX_FUNCTIONS) reader.fail(`it has more than ${MAX_FUNCTIONS} functions`);
  for (let i = 0; i < count; i++) reader.take(reader.u32());
  return count;
}

function ofKind<K extends ExternType["kind"]>(imports: readonly ModuleImport[], kind: K) {
  return imports.map(({ type }) => type).filter((type): type is Extract<ExternType, { kind: K }> => type.kind === kind);
}
