/**
 * Tells a WebAssembly module from what only has its file name, before a node refuses it.
 */

/** @see https://webassembly.github.io/spec/core/binary/modules.html#binary-module */
const MODULE = Buffer.from([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
/** @see https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md */
const COMPONENT = Buffer.from([0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00]);

/** What is wrong with the first bytes, as the end of "Cannot import X: …"; `undefined` when they begin a module. */
export function findWasmProblem(content: Uint8Array): string | undefined {
  const head = content.subarray(0, MODULE.byteLength);
  if (MODULE.equals(head)) return undefined;
  return COMPONENT.equals(head)
    ? "it is a WebAssembly component, and an import needs a core module"
    : "it is not a WebAssembly module";
}
