/**
 * Reaches the core modules inside a component, and puts others in their places.
 *
 * A core module is a section of its component and has no other name than its place, so that only lengths change.
 *
 * @see https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md#component-definitions
 */

import { findWasmForm, HEADER_BYTES } from "./form.ts";
import { WasmError, WasmReader } from "./reader.ts";
import { concatBytes, toSection } from "./writer.ts";

const CORE_MODULE = 1;
const COMPONENT = 4;
const MAX_DEPTH = 50;

/** The modules in the order in which they stand, those of nested components where these stand. Views of the bytes. */
export function listCoreModules(component: Uint8Array): Uint8Array[] {
  const modules: Uint8Array[] = [];
  mapModules(component, (module) => {
    modules.push(module);
    return module;
  });
  return modules;
}

/** The component with other modules, one for each that `listCoreModules` gives. */
export function replaceCoreModules(component: Uint8Array, modules: readonly Uint8Array[]): Uint8Array {
  let index = 0;
  return mapModules(component, (module) => modules[index++] ?? module);
}

function mapModules(bytes: Uint8Array, map: (module: Uint8Array) => Uint8Array, depth = 0): Uint8Array {
  if (findWasmForm(bytes) !== "component") throw new WasmError("it does not begin as a WebAssembly component", 0);
  if (depth > MAX_DEPTH) throw new WasmError(`components are nested deeper than ${MAX_DEPTH}`, 0);
  const reader = new WasmReader(bytes.subarray(HEADER_BYTES), HEADER_BYTES);
  const parts = [bytes.subarray(0, HEADER_BYTES)];
  while (!reader.isAtEnd) {
    const start = reader.offset;
    const id = reader.u8();
    const content = reader.take(reader.u32());
    if (id === CORE_MODULE) parts.push(toSection(id, map(content)));
    else if (id === COMPONENT) parts.push(toSection(id, mapModules(content, map, depth + 1)));
    else parts.push(bytes.subarray(start, reader.offset));
  }
  return concatBytes(parts);
}
