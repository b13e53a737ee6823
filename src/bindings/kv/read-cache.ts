/**
 * What has been read lately, so that keys that many ask for are not asked of the storage process again and again.
 *
 * It is never behind: all writes of the node pass here, and a write takes away what is kept of its key and what is being
 * read of it, when it begins and once more when it is over.
 */

import { LRUCache } from "lru-cache";
import { KIB } from "../../model/units.ts";

/** What a key has; `isFound` is false where there is nothing. */
export interface Stored {
  readonly isFound: boolean;
  readonly value: Uint8Array;
  /** As JSON. */
  readonly metadata?: string | undefined;
  /** Seconds since 1970. */
  readonly expiration?: number | undefined;
}

/** A read under way: a write may make it worthless for others. */
interface Reading {
  isCurrent: boolean;
  readers: number;
}

/** Larger values are rare, and cost more to send than to find. */
const MAX_VALUE_BYTES = 64 * KIB;
/** What an entry costs beside its texts and its value. */
const ENTRY_BYTES = 256;

/** The memory that all namespaces share. */
export type Recent = LRUCache<string, Stored>;

/** Makes one that holds so many bytes. */
export function createRecent(maxBytes: number): Recent {
  return new LRUCache({
    maxSize: maxBytes,
    sizeCalculation: ({ value, metadata = "" }, key) =>
      value.byteLength + 2 * (metadata.length + key.length) + ENTRY_BYTES,
  });
}

/** What of it belongs to one namespace. */
export class ReadCache {
  readonly #recent: Recent;
  readonly #prefix: string;
  readonly #readings = new Map<string, Reading>();

  constructor(recent: Recent, namespace: string) {
    this.#recent = recent;
    this.#prefix = `${namespace} `;
  }

  /** What is kept of a key, unless it has expired. */
  find(key: string, nowSeconds: number): Stored | undefined {
    const stored = this.#recent.get(this.#prefix + key);
    return stored?.expiration !== undefined && stored.expiration <= nowSeconds ? undefined : stored;
  }

  /** Reads, and keeps what came unless a write has begun or ended meanwhile. What is `undefined` is not kept. */
  async read<T>(key: string, read: () => Promise<T>, toStored: (result: T) => Stored | undefined): Promise<T> {
    const reading = this.#readings.get(key) ?? { isCurrent: true, readers: 0 };
    this.#readings.set(key, reading);
    reading.readers += 1;
    try {
      const result = await read();
      const stored = reading.isCurrent ? toStored(result) : undefined;
      if (stored !== undefined && stored.value.byteLength <= MAX_VALUE_BYTES)
        this.#recent.set(this.#prefix + key, stored);
      return result;
    } finally {
      reading.readers -= 1;
      if (reading.readers === 0 && reading.isCurrent) this.#readings.delete(key);
    }
  }

  /** Writes; whatever came of it, what was kept of the key is gone. */
  async write<T>(key: string, write: () => Promise<T>): Promise<T> {
    this.#forget(key);
    try {
      return await write();
    } finally {
      this.#forget(key);
    }
  }

  #forget(key: string): void {
    this.#recent.delete(this.#prefix + key);
    const reading = this.#readings.get(key);
    if (reading === undefined) return;
    reading.isCurrent = false;
    this.#readings.delete(key);
  }
}
