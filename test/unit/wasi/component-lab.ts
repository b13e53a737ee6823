/** Components of test/fixtures/wasm, linked for tests. */

import { readFileSync } from "node:fs";
import type { HostImports } from "../../../src/engine/wasi/component/host-function.guest.ts";
import { type ComponentInstance, compileComponent } from "../../../src/engine/wasi/component/linker.guest.ts";
import { decodeComponent } from "../../../src/wasm/component/decode.ts";

export function readFixture(name: string): Uint8Array {
  return readFileSync(new URL(`../../fixtures/wasm/${name}.wasm`, import.meta.url));
}

export function compile(bytes: Uint8Array, host: HostImports) {
  const compileModule = (core: Uint8Array) => new WebAssembly.Module(core);
  return compileComponent(decodeComponent(bytes), { host, compileModule });
}

export const PLAIN = {
  instantiate: (
    module: WebAssembly.Module,
    _number: number,
    imports: Record<string, Record<string, unknown>>,
  ): WebAssembly.Instance => new WebAssembly.Instance(module, imports),
};

export function open(name: string, host: HostImports): ComponentInstance {
  return compile(readFixture(name), host).instantiate(host, PLAIN);
}
