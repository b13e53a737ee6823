/**
 * Runs a module of WASI preview 1 to its end.
 */

import { randomFillSync } from "node:crypto";
import { createWasiClock } from "../../src/engine/wasi/clock.guest.ts";
import { CoreModule } from "../../src/engine/wasi/core-module.guest.ts";
import { Preview1, ProcExit } from "../../src/engine/wasi/preview1/preview1.guest.ts";
import type { Started } from "./wasi-guest-options.ts";

const NAMESPACES = ["wasi_snapshot_preview1", "wasi_unstable"] as const;

/** The exit code. Throws what it was stopped by. */
export async function runModule({ bytes, memories, memoryBytes, ...given }: Started): Promise<number> {
  const core = new CoreModule(bytes, { addon: undefined, memories, memoryBytes });
  const host = new Preview1({ ...given, clock: createWasiClock(), random: (into) => void randomFillSync(into) });
  const wanted = WebAssembly.Module.imports(core.module).filter(({ kind }) => kind === "function");
  const [namespace = NAMESPACES[0]] = NAMESPACES.filter((name) => wanted.some(({ module }) => module === name));
  const names = wanted.filter(({ module }) => module === namespace).map(({ name }) => name);
  const imports = { [namespace]: host.imports(names, namespace) };
  const { instance, memory = instance.exports.memory } = core.instantiate(imports);
  if (!(memory instanceof WebAssembly.Memory)) throw new TypeError('it exports no "memory"');
  host.bind(memory);
  try {
    await WebAssembly.promising(instance.exports._start)();
    return 0;
  } catch (thrown) {
    if (isExit(thrown)) return thrown.code;
    throw thrown;
  }
}

function isExit(thrown: unknown): thrown is ProcExit {
  return thrown instanceof ProcExit;
}
