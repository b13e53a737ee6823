/**
 * Tells core modules, components and everything else apart by the first eight bytes.
 */

/** A core module, or a component of the component model. */
export type WasmForm = "module" | "component";

/** How long the header is. */
export const HEADER_BYTES = 8;

/**
 * `\0asm`, then version and layer.
 *
 * @see https://webassembly.github.io/spec/core/binary/modules.html#binary-module
 * @see https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
 */
const HEADERS: Readonly<Record<WasmForm, readonly number[]>> = {
  module: [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  component: [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00],
};

/** What the bytes begin as; `undefined` when they are neither. */
export function findWasmForm(bytes: Uint8Array): WasmForm | undefined {
  for (const form of ["module", "component"] as const) {
    if (HEADERS[form].every((byte, at) => bytes[at] === byte)) return form;
  }
  return undefined;
}
