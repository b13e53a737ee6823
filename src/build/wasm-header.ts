/**
 * Tells a WebAssembly module from what only has its file name, before a node refuses it.
 */

import { findWasmForm } from "../wasm/form.ts";

/** What is wrong with the first bytes, as the end of "Cannot import X: …"; `undefined` when they begin a module. */
export function findWasmProblem(content: Uint8Array): string | undefined {
  const form = findWasmForm(content);
  if (form === "module") return undefined;
  return form === "component"
    ? "it is a WebAssembly component, and an import needs a core module"
    : "it is not a WebAssembly module";
}
