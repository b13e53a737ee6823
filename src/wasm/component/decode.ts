/**
 * Decodes a component into its definitions.
 *
 * Pure and bounded: hostile bytes end in a WasmError. Core modules are not looked into, only cut out.
 *
 * @see https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md#component-definitions
 */

import { findWasmForm, HEADER_BYTES } from "../form.ts";
import { WasmError, WasmReader } from "../reader.ts";
import type { Component, Definition } from "./component.ts";
import { readCanon } from "./decode-canon.ts";
import { readAlias, readArgument, readExternName, readExternType, readNamed, readNamedCore } from "./decode-externs.ts";
import { readCoreType, readOption, readTypeDefinition } from "./decode-types.ts";

/** Components within components deeper than this are not made by any tool. */
const MAX_DEPTH = 50;
/** More than any tool ever made: an interpreter of JavaScript with all of WASI has 3 000. */
const MAX_DEFINITIONS = 200_000;

const CORE_INSTANCE = 0x12;

/**
 * Reads a component in the binary format of components, version 13 (what all of today's tools write).
 *
 * @throws {WasmError} when the bytes are no component, end inside a definition, or have what is not supported.
 */
export function decodeComponent(bytes: Uint8Array): Component {
  if (findWasmForm(bytes) !== "component") throw new WasmError("it does not begin as a WebAssembly component", 0);
  return new Decoder().component(new WasmReader(bytes), 0);
}

/** Counts over the whole file. */
class Decoder {
  #modules = 0;
  #definitions = 0;

  component(reader: WasmReader, depth: number): Component {
    if (depth > MAX_DEPTH) reader.fail(`components are nested deeper than ${MAX_DEPTH}`);
    if (findWasmForm(reader.take(HEADER_BYTES)) !== "component") reader.fail("a nested component has no header");
    const definitions: Definition[] = [];
    while (!reader.isAtEnd) this.#section(reader, depth, definitions);
    return { definitions };
  }

  #section(reader: WasmReader, depth: number, into: Definition[]): void {
    const id = reader.u8();
    const content = reader.slice(reader.u32());
    const count = (definition: Definition) => {
      this.#definitions += 1;
      if (this.#definitions > MAX_DEFINITIONS) content.fail(`it has more than ${MAX_DEFINITIONS} definitions`);
      into.push(definition);
    };
    switch (id) {
      case 0:
        return;
      case 1:
        count({ kind: "core module", bytes: content.take(content.left), number: this.#modules });
        this.#modules += 1;
        return;
      case 4:
        count({ kind: "component", component: this.component(content, depth + 1) });
        return;
    }
    const read = ENTRIES[id] ?? content.fail(`there is no section ${id}`);
    content.list(() => count(read(content)));
    if (!content.isAtEnd) content.fail(`section ${id} is longer than its content`);
  }
}

/** One entry of each section that is a list. */
const ENTRIES: Readonly<Record<number, (reader: WasmReader) => Definition>> = {
  2: readCoreInstance,
  3: (reader) => {
    readCoreType(reader);
    return { kind: "core type" };
  },
  5: readInstance,
  6: readAlias,
  7: (reader) => ({ kind: "type", type: readTypeDefinition(reader) }),
  8: readCanon,
  9: (reader) => reader.fail("start functions of components are not supported"),
  10: (reader) => ({ kind: "import", name: readExternName(reader), what: readExternType(reader) }),
  11: (reader) => {
    const item = readNamed(reader);
    // What an export is declared as may hide what it is, but cannot change how it behaves.
    readOption(reader, () => readExternType(reader));
    return { kind: "export", item };
  },
  12: (reader) => reader.fail("values are not supported"),
};

function readCoreInstance(reader: WasmReader): Definition {
  const form = reader.u8();
  if (form === 0x01) return { kind: "core bundle", exports: reader.list(() => readNamedCore(reader)) };
  if (form !== 0x00) reader.fail(`there is no core instance of form ${form}`);
  const module = reader.u32();
  const args = reader.list(() => {
    const name = reader.name();
    if (reader.u8() !== CORE_INSTANCE) reader.fail("an argument of a core module is no instance");
    return { name, instance: reader.u32() };
  });
  return { kind: "core instantiate", module, args };
}

function readInstance(reader: WasmReader): Definition {
  const form = reader.u8();
  if (form === 0x01) return { kind: "bundle", exports: reader.list(() => readNamed(reader)) };
  if (form !== 0x00) reader.fail(`there is no instance of form ${form}`);
  return { kind: "instantiate", component: reader.u32(), args: reader.list(() => readArgument(reader)) };
}
