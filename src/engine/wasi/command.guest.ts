/**
 * A WASI preview 1 program: one core module that is started anew for every request.
 *
 * A command is started by `_start`; a reactor that exports `handle` is initialised and then asked through that.
 */

import type { CoreInstance, CoreModule } from "./core-module.guest.ts";
import { ProgramFailure } from "./failures.guest.ts";
import { type InvocationIo, invokeProgram, type ProgramInstance, type ProgramSettings } from "./invocation.guest.ts";
import { Preview1, ProcExit } from "./preview1/preview1.guest.ts";
import type { Program } from "./program.guest.ts";

/** The names under which programs import preview 1; the second is that of its first edition. */
const NAMESPACES = ["wasi_snapshot_preview1", "wasi_unstable"] as const;

/** How the module is entered, and what it imports. */
interface Entry {
  readonly core: CoreModule;
  readonly entry: string;
  readonly isReactor: boolean;
  /** What it imports of preview 1, by the name that it imports it under. */
  readonly imports: readonly { readonly namespace: (typeof NAMESPACES)[number]; readonly names: readonly string[] }[];
}

/** Makes the program. Throws a ProgramFailure when the module has no entry. */
export function createCommand(settings: ProgramSettings, core: CoreModule): Program {
  const entry = findEntry(core);
  const parts = { ...settings, make: (io: InvocationIo) => makeInstance(entry, io) };
  return {
    answer: (head, call) => invokeProgram(parts, head, call),
    get grownToBytes() {
      return core.grownToBytes;
    },
    serialize: () => core.serialize(),
    [Symbol.dispose]: () => core[Symbol.dispose](),
  };
}

function findEntry(core: CoreModule): Entry {
  const exports = new Set(WebAssembly.Module.exports(core.module).map(({ name }) => name));
  const entry = ["_start", "handle"].find((name) => exports.has(name));
  if (entry === undefined) throw new ProgramFailure("refused", 'it exports neither "_start" nor "handle"');
  const imports = WebAssembly.Module.imports(core.module).filter(({ kind }) => kind === "function");
  const listed = NAMESPACES.map((namespace) => ({
    namespace,
    names: imports.filter(({ module }) => module === namespace).map(({ name }) => name),
  }));
  const isReactor = entry === "handle" && exports.has("_initialize");
  return { core, entry, isReactor, imports: listed.filter(({ names }) => names.length > 0) };
}

function makeInstance({ core, entry, isReactor, imports }: Entry, io: InvocationIo): ProgramInstance {
  const host = new Preview1(io);
  const functions: Record<string, Record<string, unknown>> = {};
  for (const { namespace, names } of imports) {
    functions[namespace] = host.imports(names, namespace, { maySuspend: !core.hasStart });
  }
  const made = instantiate(core, functions, host);
  if (isExit(made)) return toEnded(made.code, host);
  const memory = made.memory ?? made.instance.exports.memory;
  if (!(memory instanceof WebAssembly.Memory)) throw new ProgramFailure("refused", 'it exports no "memory"');
  if (made.memory === undefined) host.bind(memory);
  const { exports } = made.instance;
  return {
    run: async () => {
      try {
        if (isReactor) await WebAssembly.promising(exports._initialize)();
        const code = await io.watch.run(() => WebAssembly.promising(exports[entry])());
        return typeof code === "number" ? code : 0;
      } catch (thrown) {
        if (isExit(thrown)) return thrown.code;
        throw thrown;
      }
    },
    memory: () => ({ bytes: memory.buffer.byteLength, limitBytes: core.memoryLimitBytes }),
    release: () => {
      host[Symbol.dispose]();
      core.release(made);
    },
  };
}

/** An instance; or the exit that its start function made. */
function instantiate(
  core: CoreModule,
  functions: Record<string, Record<string, unknown>>,
  host: Preview1,
): CoreInstance | ProcExit {
  try {
    return core.instantiate(functions, (memory) => host.bind(memory));
  } catch (thrown) {
    if (isExit(thrown)) return thrown;
    throw thrown;
  }
}

function toEnded(code: number, host: Preview1): ProgramInstance {
  return { run: async () => code, memory: () => undefined, release: () => host[Symbol.dispose]() };
}

function isExit(thrown: unknown): thrown is ProcExit {
  return thrown instanceof ProcExit;
}
