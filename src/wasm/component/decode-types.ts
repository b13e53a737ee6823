/**
 * Decodes the type section of a component.
 *
 * Types of streams, futures and asynchronous functions belong to WASI 0.3: they are refused by name.
 *
 * @see https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md#type-definitions
 */

import type { WasmReader } from "../reader.ts";
import { readGlobalType, readMemoryType, readTableType, readValueType } from "../types.ts";
import type {
  Declaration,
  FunctionType,
  NamedType,
  PrimitiveType,
  TypeDefinition,
  ValueType,
  ValueTypeDefinition,
} from "./component.ts";
import { readAlias, readExternName, readExternType } from "./decode-externs.ts";

const PRIMITIVES: Readonly<Record<number, PrimitiveType>> = {
  127: "bool",
  126: "s8",
  125: "u8",
  124: "s16",
  123: "u16",
  122: "s32",
  121: "u32",
  120: "s64",
  119: "u64",
  118: "f32",
  117: "f64",
  116: "char",
  115: "string",
};

const REFUSED: Readonly<Record<number, string>> = {
  62: "resources with an asynchronous destructor",
  67: "asynchronous functions",
  99: "maps",
  100: "error contexts",
  101: "futures",
  102: "streams",
  103: "lists of fixed length",
};

/** Types within types deeper than this are not made by any tool. */
const MAX_DEPTH = 50;

/** One entry of the type section. */
export function readTypeDefinition(reader: WasmReader, depth = 0): TypeDefinition {
  if (depth > MAX_DEPTH) reader.fail(`types are nested deeper than ${MAX_DEPTH}`);
  const code = reader.u8();
  switch (code) {
    case 0x3f:
      return readResource(reader);
    case 0x40:
      return { kind: "function", type: readFunctionType(reader) };
    case 0x41:
      readDeclarations(reader, depth, true);
      return { kind: "component" };
    case 0x42:
      return { kind: "instance", declarations: readDeclarations(reader, depth, false) };
    default:
      return { kind: "value", type: readValueTypeDefinition(reader, code) };
  }
}

function readResource(reader: WasmReader): TypeDefinition {
  if (reader.u8() !== 0x7f) reader.fail("a resource is represented by something else than an i32");
  const destructor = readOption(reader, () => reader.u32());
  return { kind: "resource", ...(destructor !== undefined && { destructor }) };
}

function readFunctionType(reader: WasmReader): FunctionType {
  const params = reader.list(() => readNamedType(reader));
  if (reader.u8() === 0x00) return { params, result: readComponentValueType(reader) };
  if (reader.u8() !== 0x00) reader.fail("functions with several named results are not supported");
  return { params };
}

function readValueTypeDefinition(reader: WasmReader, code: number): ValueTypeDefinition {
  const primitive = PRIMITIVES[code];
  if (primitive !== undefined) return { kind: "primitive", type: primitive };
  switch (code) {
    case 0x72:
      return { kind: "record", fields: readNonEmpty(reader, () => readNamedType(reader)) };
    case 0x71:
      return { kind: "variant", cases: readNonEmpty(reader, () => readCase(reader)) };
    case 0x70:
      return { kind: "list", element: readComponentValueType(reader) };
    case 0x6f:
      return { kind: "tuple", types: readNonEmpty(reader, () => readComponentValueType(reader)) };
    case 0x6e:
      return { kind: "flags", names: readNonEmpty(reader, () => reader.name()) };
    case 0x6d:
      return { kind: "enum", names: readNonEmpty(reader, () => reader.name()) };
    case 0x6b:
      return { kind: "option", type: readComponentValueType(reader) };
    case 0x6a:
      return readResult(reader);
    case 0x69:
      return { kind: "own", resource: reader.u32() };
    case 0x68:
      return { kind: "borrow", resource: reader.u32() };
    default:
      return refuse(reader, code);
  }
}

function readResult(reader: WasmReader): ValueTypeDefinition {
  const ok = readOption(reader, () => readComponentValueType(reader));
  const error = readOption(reader, () => readComponentValueType(reader));
  return { kind: "result", ...(ok !== undefined && { ok }), ...(error !== undefined && { error }) };
}

function readCase(reader: WasmReader): { name: string; type?: ValueType } {
  const name = reader.name();
  const type = readOption(reader, () => readComponentValueType(reader));
  if (reader.u8() !== 0x00) reader.fail("a case refines another");
  return { name, ...(type !== undefined && { type }) };
}

function readNamedType(reader: WasmReader): NamedType {
  return { name: reader.name(), type: readComponentValueType(reader) };
}

/** The index of a type, or a primitive one: those are the numbers below zero of one byte. */
function readComponentValueType(reader: WasmReader): ValueType {
  const index = reader.s33();
  if (index >= 0) return index;
  const code = index + 0x80;
  return PRIMITIVES[code] ?? refuse(reader, code);
}

function readDeclarations(reader: WasmReader, depth: number, mayImport: boolean): Declaration[] {
  return reader.list(() => readDeclaration(reader, depth + 1, mayImport));
}

function readDeclaration(reader: WasmReader, depth: number, mayImport: boolean): Declaration {
  const code = reader.u8();
  if (code === 0x03 && mayImport) {
    return { kind: "declared export", name: readExternName(reader), what: readExternType(reader) };
  }
  switch (code) {
    case 0x00:
      readCoreType(reader, depth);
      return { kind: "core type" };
    case 0x01:
      return { kind: "type", type: readTypeDefinition(reader, depth) };
    case 0x02:
      return readAlias(reader);
    case 0x04:
      return { kind: "declared export", name: readExternName(reader), what: readExternType(reader) };
    default:
      return reader.fail(`there is no declaration 0x${code.toString(16)}`);
  }
}

/** Reads a core type and forgets it: V8 checks what modules import from each other. */
export function readCoreType(reader: WasmReader, depth = 0): void {
  if (depth > MAX_DEPTH) reader.fail(`types are nested deeper than ${MAX_DEPTH}`);
  switch (reader.u8()) {
    case 0x60:
      reader.list(() => readValueType(reader));
      reader.list(() => readValueType(reader));
      return;
    case 0x50:
      reader.list(() => readModuleDeclaration(reader, depth + 1));
      return;
    default:
      reader.fail("a core type is neither a function's nor a module's");
  }
}

function readModuleDeclaration(reader: WasmReader, depth: number): void {
  switch (reader.u8()) {
    case 0x00:
      reader.name();
      reader.name();
      readCoreExtern(reader);
      return;
    case 0x01:
      readCoreType(reader, depth);
      return;
    case 0x02:
      // Only an alias of a type outside of the module type can stand here: sort, target, depth, index.
      if (reader.u8() !== 0x10 || reader.u8() !== 0x01) reader.fail("a module type has an alias of something else");
      reader.u32();
      reader.u32();
      return;
    case 0x03:
      reader.name();
      readCoreExtern(reader);
      return;
    default:
      reader.fail("there is no such declaration in a module type");
  }
}

function readCoreExtern(reader: WasmReader): void {
  switch (reader.u8()) {
    case 0x00:
      reader.u32();
      return;
    case 0x01:
      readTableType(reader);
      return;
    case 0x02:
      readMemoryType(reader);
      return;
    case 0x03:
      readGlobalType(reader);
      return;
    case 0x04:
      reader.u8();
      reader.u32();
      return;
    default:
      reader.fail("there is no such kind of import");
  }
}

function readNonEmpty<T>(reader: WasmReader, read: () => T): T[] {
  const items = reader.list(read);
  if (items.length === 0) reader.fail("a type has no parts");
  return items;
}

/** What follows a byte of 1; nothing after a byte of 0. */
export function readOption<T>(reader: WasmReader, read: () => T): T | undefined {
  const isThere = reader.u8();
  if (isThere > 1) reader.fail(`an optional part begins with ${isThere}`);
  return isThere === 1 ? read() : undefined;
}

function refuse(reader: WasmReader, code: number): never {
  const name = REFUSED[code];
  return reader.fail(name === undefined ? `there is no type 0x${code.toString(16)}` : `${name} are not supported`);
}
