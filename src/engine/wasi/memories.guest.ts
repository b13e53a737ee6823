/**
 * Linear memories, used again: a fresh one reserves gigabytes of address space and goes only when garbage is collected.
 *
 *     taken ─▶ given back ─▶ as at first ─▶ taken          grown, or too many: dropped
 *
 * A memory is made as at first when it comes back and not when it is taken, because then nobody waits for it. V8's collector
 * does not see how much hangs on one that was dropped, so it is called when that has become much.
 */

import type { Addon } from "./addon/load-addon.guest.ts";

/** What memories of one kind have in common; they are exchanged freely within a kind, and never between two. */
export interface MemoryKind {
  readonly initialPages: number;
  readonly maximumPages: number;
  /** The image of its first content, mapped copy-on-write; without it every byte is zero. */
  readonly image?: number;
}

/** Bytes of idle memories that a process keeps. */
const KEPT_BYTES = 96 * 1024 * 1024;
/** Bytes of memories that have been dropped and may still be there. */
const DROPPED_BYTES = 128 * 1024 * 1024;
const PAGE_BYTES = 65_536;
/** A memory this small is zeroed faster than the add-on finds out which of its pages were written. */
const ZEROED_BYTES = 4 * PAGE_BYTES;

/** The idle memories of one process. */
export class Memories {
  readonly #addon: Addon | undefined;
  readonly #collect: () => void;
  /** Plain ones by their limits; those with an image by their kind itself. The first has not come back for longest. */
  readonly #idle = new Map<string | MemoryKind, WebAssembly.Memory[]>();
  readonly #forgotten = new WeakSet<MemoryKind>();
  #keptBytes = 0;
  #droppedBytes = 0;

  /** `collect` has V8 collect all garbage there is. */
  constructor(addon: Addon | undefined, collect: () => void = () => {}) {
    this.#addon = addon;
    this.#collect = collect;
  }

  /** A memory as a new one would be. Throws V8's RangeError, or the system's error, when there is none to be had. */
  take(kind: MemoryKind): WebAssembly.Memory {
    const { initialPages, maximumPages } = kind;
    const idle = this.#idle.get(toKey(kind))?.pop();
    if (idle !== undefined) {
      this.#keptBytes -= initialPages * PAGE_BYTES;
      return idle;
    }
    const memory = new WebAssembly.Memory({ initial: initialPages, maximum: maximumPages });
    if (kind.image !== undefined) this.#addon?.mapImage(kind.image, memory);
    return memory;
  }

  /** Takes a memory back that nothing runs on any more. */
  give(memory: WebAssembly.Memory, kind: MemoryKind): void {
    const bytes = kind.initialPages * PAGE_BYTES;
    const { byteLength } = memory.buffer;
    if (byteLength !== bytes || bytes > KEPT_BYTES || this.#forgotten.has(kind) || !this.#reset(memory, kind)) {
      this.drop(byteLength);
      return;
    }
    const key = toKey(kind);
    const idle = this.#idle.get(key) ?? [];
    idle.push(memory);
    this.#idle.delete(key);
    this.#idle.set(key, idle);
    this.#keptBytes += bytes;
    while (this.#keptBytes > KEPT_BYTES) this.#evict();
  }

  /** A memory of so many bytes will not come back. */
  drop(bytes: number): void {
    this.#droppedBytes += bytes + PAGE_BYTES;
    if (this.#droppedBytes < DROPPED_BYTES) return;
    this.#droppedBytes = 0;
    this.#collect();
  }

  /** Lets go of the memories of a kind that nobody asks for any more; plain ones are of use to others. */
  forget(kind: MemoryKind): void {
    this.#forgotten.add(kind);
    if (kind.image === undefined) return;
    const bytes = (this.#idle.get(kind)?.length ?? 0) * kind.initialPages * PAGE_BYTES;
    this.#idle.delete(kind);
    this.#keptBytes -= bytes;
    this.drop(bytes);
  }

  #evict(): void {
    for (const [key, idle] of this.#idle) {
      const bytes = idle.pop()?.buffer.byteLength;
      if (idle.length === 0) this.#idle.delete(key);
      if (bytes === undefined) continue;
      this.#keptBytes -= bytes;
      this.drop(bytes);
      return;
    }
  }

  #reset(memory: WebAssembly.Memory, { image }: MemoryKind): boolean {
    const { byteLength } = memory.buffer;
    if (this.#addon === undefined || (image === undefined && byteLength <= ZEROED_BYTES)) {
      new Uint8Array(memory.buffer).fill(0);
      return true;
    }
    try {
      this.#addon.resetMemory(memory);
      return true;
    } catch {
      // because a system that has no room for it now may have later; this memory is dropped
      return false;
    }
  }
}

function toKey(kind: MemoryKind): string | MemoryKind {
  return kind.image === undefined ? `${kind.initialPages}:${kind.maximumPages}` : kind;
}
