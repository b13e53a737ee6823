/**
 * One core module, compiled once and instantiated for every request.
 *
 *     bytes ─▶ memory imported ─▶ data split off ─▶ compiled, or loaded from machine code kept on disk
 *
 * The memory comes from a pool; large data is mapped copy-on-write instead of copied, where the add-on is there.
 */

import { importMemory, POOLED_MEMORY, type PooledMemory } from "../../wasm/import-memory.ts";
import { decodeModule, type ModuleInfo } from "../../wasm/module.ts";
import { type ImagePart, splitData } from "../../wasm/split-data.ts";
import type { Addon } from "./addon/load-addon.guest.ts";
import { ProgramFailure } from "./failures.guest.ts";
import type { Memories, MemoryKind } from "./memories.guest.ts";

/** What modules are compiled with. */
export interface CompileOptions {
  readonly addon: Addon | undefined;
  readonly memories: Memories;
  /** The most that one memory may grow to. */
  readonly memoryBytes: number;
  /** Machine code of before; what V8 refuses is compiled anew. */
  readonly code?: Uint8Array | undefined;
}

/** An instance, and the memory it has of ours. */
export interface CoreInstance {
  readonly instance: WebAssembly.Instance;
  readonly memory: WebAssembly.Memory | undefined;
}

const PAGE_BYTES = 65_536;
/** Images below this are copied as fast as they are mapped (docs/decisions/0013). */
const MAPPED_FROM_BYTES = 128 * 1024;

/** A module that is ready to be instantiated. */
export class CoreModule {
  readonly module: WebAssembly.Module;
  /** Whether machine code of before was good. */
  readonly isFromCode: boolean;
  /** It has a start function: code that runs outside of any call, and cannot wait. */
  readonly hasStart: boolean;
  readonly #options: CompileOptions;
  readonly #wanted: readonly { readonly module: string; readonly name: string }[];
  #kind: MemoryKind | undefined;
  #grownToBytes = 0;

  /**
   * `info` is what is known of the module, decoded once for all steps: a snapshot may have ten thousand segments.
   * Throws V8's CompileError, or a ProgramFailure where more memory is asked for than there may be.
   */
  constructor(bytes: Uint8Array, options: CompileOptions, info: ModuleInfo = decodeModule(bytes)) {
    const { code, ...rest } = options;
    const { addon } = rest;
    // Without the code, which is a view of all that was sent.
    this.#options = rest;
    this.hasStart = info.start !== undefined;
    const imported = importMemory(bytes, info);
    const { memory } = imported;
    this.#kind = memory && this.#toKind(memory);
    const image = memory && addon && findImage(imported.bytes, { info, addon });
    if (this.#kind !== undefined && image !== undefined) this.#kind = { ...this.#kind, image: image.id };
    const final = image?.rest ?? imported.bytes;
    const kept = code === undefined ? undefined : addon?.deserialize(final, code);
    this.isFromCode = kept !== undefined;
    this.module = kept ?? new WebAssembly.Module(final);
    this.#wanted = WebAssembly.Module.imports(this.module);
  }

  /** The most that its memory may grow to. */
  get memoryLimitBytes(): number {
    return (this.#kind?.maximumPages ?? 0) * PAGE_BYTES;
  }

  /** How large its memory has become in a run, where that is more than it began with: such a memory cannot be used again. */
  get grownToBytes(): number | undefined {
    const initialBytes = (this.#kind?.initialPages ?? 0) * PAGE_BYTES;
    return this.#grownToBytes > initialBytes ? this.#grownToBytes : undefined;
  }

  /** Makes an instance on a memory from the pool, which is shown before the module's start function runs. */
  instantiate(
    imports: Record<string, Record<string, unknown>>,
    onMemory?: (memory: WebAssembly.Memory) => void,
  ): CoreInstance {
    const { memories } = this.#options;
    const memory = this.#kind && memories.take(this.#kind);
    if (memory !== undefined) onMemory?.(memory);
    try {
      return { instance: new WebAssembly.Instance(this.module, this.#toImports(imports, memory)), memory };
    } catch (thrown) {
      if (memory !== undefined) memories.drop(memory.buffer.byteLength);
      throw thrown;
    }
  }

  /**
   * Just what the module imports, and just where it is an own property: V8 would look further, and a module that imports
   * "constructor" "keys" would find a function of JavaScript.
   */
  #toImports(
    given: Record<string, Record<string, unknown>>,
    memory: WebAssembly.Memory | undefined,
  ): Record<string, Record<string, unknown>> {
    const bags: Record<string, Record<string, unknown>> = Object.create(null);
    for (const { module, name } of this.#wanted) {
      const bag = bags[module] ?? Object.create(null);
      bags[module] = bag;
      const isPooled = memory !== undefined && module === POOLED_MEMORY.module && name === POOLED_MEMORY.name;
      if (isPooled) bag[name] = memory;
      else if (Object.hasOwn(given, module) && Object.hasOwn(given[module] ?? {}, name))
        bag[name] = given[module]?.[name];
    }
    return bags;
  }

  /** Takes back the memory of an instance that never runs again. */
  release({ memory }: CoreInstance): void {
    this.#grownToBytes = Math.max(this.#grownToBytes, memory?.buffer.byteLength ?? 0);
    if (memory !== undefined && this.#kind !== undefined) this.#options.memories.give(memory, this.#kind);
  }

  /** What V8 has compiled so far; nothing without the add-on. */
  serialize(): Uint8Array | undefined {
    return this.#options.addon?.serialize(this.module);
  }

  /** Lets go of what is outside of V8's heap. */
  [Symbol.dispose](): void {
    if (this.#kind === undefined) return;
    this.#options.memories.forget(this.#kind);
    if (this.#kind.image !== undefined) this.#options.addon?.closeImage(this.#kind.image);
  }

  #toKind({ initialPages, maximumPages }: PooledMemory): MemoryKind {
    const limitPages = Math.floor(this.#options.memoryBytes / PAGE_BYTES);
    if (initialPages > limitPages) {
      const asked = `${initialPages * PAGE_BYTES} bytes of memory to begin with`;
      throw new ProgramFailure("outOfMemory", `it asks for ${asked}, and may have ${limitPages * PAGE_BYTES}`);
    }
    return { initialPages, maximumPages: Math.min(maximumPages ?? limitPages, limitPages) };
  }
}

/** Takes large data out of a module and makes a mappable image of it. */
function findImage(
  bytes: Uint8Array,
  { info, addon }: { info: ModuleInfo; addon: Addon },
): { id: number; rest: Uint8Array } | undefined {
  const split = splitData(bytes, info);
  if (split.image === undefined) return undefined;
  const dataBytes = split.image.reduce((sum, part) => sum + part.bytes.byteLength, 0);
  if (dataBytes < MAPPED_FROM_BYTES) return undefined;
  const { at, content } = layOut(split.image);
  try {
    return { id: addon.createImage(content, at), rest: split.bytes };
  } catch {
    // because a process may have no room for one more; data is copied then
    return undefined;
  }
}

/** The part of the memory that is not zero after instantiation, in whole pages. */
function layOut(parts: readonly ImagePart[]): { at: number; content: Uint8Array } {
  const first = Math.min(...parts.map(({ offset }) => offset));
  const at = first - (first % PAGE_BYTES);
  const end = Math.max(...parts.map(({ offset, bytes }) => offset + bytes.byteLength));
  const content = new Uint8Array(Math.ceil((end - at) / PAGE_BYTES) * PAGE_BYTES);
  for (const { offset, bytes } of parts) content.set(bytes, offset - at);
  return { at, content };
}
