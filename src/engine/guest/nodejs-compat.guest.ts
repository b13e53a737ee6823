/**
 * The documented modules of nodejs_compat: Node's own, less the parts that reach out of the isolate.
 */

import { type Compatibility, mayImportNodeModule } from "../../model/nodejs-compat.ts";

/** What a module of the list offers beyond the function's own isolate. */
const WITHHELD: Readonly<Record<string, readonly string[]>> = {
  async_hooks: ["createHook", "executionAsyncResource", "asyncWrapProviders"],
  crypto: ["setEngine", "setFips", "secureHeapUsed"],
  perf_hooks: ["monitorEventLoopDelay", "createHistogram"],
  util: ["transferableAbortController", "transferableAbortSignal"],
  zlib: ["ZipFile", "zipFiles", "setMaxZipContentSize"],
};

/** What a module exports, by name. */
export type Exports = Readonly<Record<string, unknown>>;

/** What decides which modules a function has. */
export interface CompatOptions {
  readonly compatibility: Compatibility;
  /** What a function gets in place of Node's own module, by name. */
  readonly substitutes: Readonly<Record<string, object>>;
}

/**
 * Looks up modules by name, `node:buffer` or `buffer`; finds those that the function may import.
 * Called once at load; takes Node's own look-up, which is then out of reach for everyone.
 */
export function createCompat(
  getBuiltin: (name: string) => unknown,
  { compatibility, substitutes }: CompatOptions,
): (specifier: string) => Exports | undefined {
  return (specifier) => {
    const name = specifier.startsWith("node:") ? specifier.slice("node:".length) : specifier;
    if (!mayImportNodeModule(name, compatibility)) return undefined;
    const substitute = substitutes[name];
    if (substitute !== undefined) return { ...substitute, default: substitute };
    const exports: unknown = getBuiltin(`node:${name}`);
    if (exports === null || (typeof exports !== "object" && typeof exports !== "function")) return undefined;
    const withheld = WITHHELD[name] ?? [];
    const visible = Object.fromEntries(Object.entries(exports).filter(([key]) => !withheld.includes(key)));
    // Some modules are a function with properties (assert, events), and their default export must stay callable.
    return { ...visible, default: withheld.length === 0 ? exports : visible };
  };
}

/** Makes `process` as a function sees it: its own environment and harmless facts. Called while the real one is there. */
export function bindProcess(): (vars: Readonly<Record<string, string>>) => Exports {
  const { nextTick, hrtime, uptime, version, versions, arch } = process;
  const listen = function (this: unknown) {
    return this;
  };
  return (vars) => ({
    env: { ...vars },
    nextTick,
    hrtime,
    uptime,
    version,
    versions: { node: versions.node, v8: versions.v8 },
    arch,
    platform: "linux",
    release: { name: "node" },
    title: "nebula",
    pid: 1,
    ppid: 0,
    argv: [],
    argv0: "",
    execArgv: [],
    execPath: "",
    exitCode: undefined,
    features: {},
    cwd: () => "/",
    emitWarning: (warning: unknown) => console.warn(warning),
    memoryUsage: () => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 }),
    on: listen,
    once: listen,
    off: listen,
    addListener: listen,
    removeListener: listen,
    removeAllListeners: listen,
    listeners: () => [],
    listenerCount: () => 0,
    emit: () => false,
    getBuiltinModule: () => undefined,
    exit: () => {
      throw new TypeError("Cannot exit: a function ends when its response does");
    },
  });
}
