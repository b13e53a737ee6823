/** WebAssembly's JavaScript interface as far as guests use it; Node's types have little more than its name. */
declare namespace WebAssembly {
  type Exports = Readonly<Record<string, unknown>>;
  function validate(bytes: Uint8Array): boolean;
  class Module {
    constructor(bytes: Uint8Array);
    static imports(module: Module): { module: string; name: string; kind: string }[];
    static exports(module: Module): { name: string; kind: string }[];
  }
  class Instance {
    constructor(module: Module, imports?: Record<string, Record<string, unknown>>);
    readonly exports: Exports;
  }
  class Memory {
    constructor(limits: { initial: number; maximum?: number });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  class Table {
    constructor(limits: { initial: number; maximum?: number; element: "anyfunc" | "externref" });
    readonly length: number;
    get(index: number): unknown;
    set(index: number, value: unknown): void;
  }
  class Global {
    constructor(type: { value: string; mutable?: boolean }, value?: unknown);
    value: unknown;
  }
  class RuntimeError extends Error {}
  class CompileError extends Error {}
  class LinkError extends Error {}
  /** An exception that Wasm code threw and nobody caught. */
  class Exception {}
  /** A host function that may return a promise: the program is suspended until it settles. */
  class Suspending {
    // biome-ignore lint/suspicious/noExplicitAny: WebAssembly calls it with numbers and bigints, as the import's type says
    constructor(run: (...args: any[]) => unknown);
  }
  /** An exported function as one that returns a promise, within which Suspending imports may suspend. */
  function promising(run: unknown): (...args: unknown[]) => Promise<unknown>;
}
