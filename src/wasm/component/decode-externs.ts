/**
 * Decodes how components name things: sorts, aliases, imports and exports.
 *
 * @see https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md#import-and-export-definitions
 */

import type { WasmReader } from "../reader.ts";
import type { Alias, CoreSort, ExternType, Named, Sort } from "./component.ts";

const CORE_SORTS: Readonly<Record<number, CoreSort>> = {
  0: "function",
  1: "table",
  2: "memory",
  3: "global",
  4: "tag",
  16: "type",
  17: "module",
  18: "instance",
};

const SORTS: Readonly<Record<number, Sort>> = { 1: "function", 3: "type", 4: "component", 5: "instance" };

const CORE = 0x00;
const VALUE = 0x02;

/** A kind of core things. */
export function readCoreSort(reader: WasmReader): CoreSort {
  const code = reader.u8();
  return CORE_SORTS[code] ?? reader.fail(`there is no core sort 0x${code.toString(16)}`);
}

/** A kind of things that a component can hand on; of core things these are modules alone. */
export function readSort(reader: WasmReader): Sort {
  const code = reader.u8();
  if (code === VALUE) reader.fail("values as imports or exports are not supported");
  if (code !== CORE) return SORTS[code] ?? reader.fail(`there is no sort 0x${code.toString(16)}`);
  return readCoreSort(reader) === "module" ? "core module" : reader.fail("a core definition cannot be handed on");
}

/** A name, a sort and an index. */
export function readNamedCore(reader: WasmReader): Named<CoreSort> {
  return { name: reader.name(), sort: readCoreSort(reader), index: reader.u32() };
}

/** An argument of an instantiation. */
export function readArgument(reader: WasmReader): Named<Sort> {
  return { name: reader.name(), sort: readSort(reader), index: reader.u32() };
}

/** An export of a bundle, or the begin of one of a component. */
export function readNamed(reader: WasmReader): Named<Sort> {
  return { name: readExternName(reader), sort: readSort(reader), index: reader.u32() };
}

/** The name of an import or an export; both of its forms mean the same. */
export function readExternName(reader: WasmReader): string {
  const form = reader.u8();
  if (form > 0x01) reader.fail(`there is no form ${form} of a name`);
  return reader.name();
}

/** What an import is, or what an export is declared to be. */
export function readExternType(reader: WasmReader): ExternType {
  const code = reader.u8();
  switch (code) {
    case 0x00:
      if (reader.u8() !== 0x11) reader.fail("a core definition cannot be imported");
      return { kind: "core module", index: reader.u32() };
    case 0x01:
      return { kind: "function", index: reader.u32() };
    case 0x02:
      return reader.fail("values as imports or exports are not supported");
    case 0x03:
      return readTypeBound(reader);
    case 0x04:
      return { kind: "component", index: reader.u32() };
    case 0x05:
      return { kind: "instance", index: reader.u32() };
    default:
      return reader.fail(`there is no import of form 0x${code.toString(16)}`);
  }
}

function readTypeBound(reader: WasmReader): ExternType {
  const code = reader.u8();
  if (code > 0x01) reader.fail(`there is no bound of form ${code}`);
  return code === 0x00 ? { kind: "type", equals: reader.u32() } : { kind: "type" };
}

/** A second name for something. */
export function readAlias(reader: WasmReader): Alias {
  const code = reader.u8();
  const coreSort = code === CORE ? readCoreSort(reader) : undefined;
  const target = reader.u8();
  if (target === 0x00) {
    const sort = toSort(reader, code, coreSort);
    return { kind: "alias", sort, instance: reader.u32(), name: reader.name() };
  }
  if (target === 0x01) {
    if (coreSort === undefined) return reader.fail("a core instance has core exports only");
    return { kind: "core alias", sort: coreSort, instance: reader.u32(), name: reader.name() };
  }
  if (target !== 0x02) reader.fail(`there is no alias of form ${target}`);
  const sort = coreSort === "type" ? "core type" : toSort(reader, code, coreSort);
  if (sort === "function" || sort === "instance") reader.fail("what exists once per instance has no outer alias");
  return { kind: "outer alias", sort, depth: reader.u32(), index: reader.u32() };
}

function toSort(reader: WasmReader, code: number, coreSort: CoreSort | undefined): Sort {
  if (code === VALUE) reader.fail("values as imports or exports are not supported");
  if (coreSort === "module") return "core module";
  return SORTS[code] ?? reader.fail(`there is no alias of sort 0x${code.toString(16)}`);
}
