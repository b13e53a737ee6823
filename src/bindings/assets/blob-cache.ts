/**
 * Small files in memory: least recently used go first, bounded in bytes.
 *
 * A file that is read by many at once is read once; whoever leaves stops waiting, and the read goes on for the others.
 * The bytes handed out are shared: nobody may change or transfer them.
 */

import type { Blob } from "../../model/artifact.ts";
import { NebulaError } from "../../model/errors.ts";
import { orAborted } from "../../model/or-aborted.ts";
import type { BlobReader } from "../../model/ports.ts";

/** Where blobs come from, and how much of them is kept. */
export interface BlobCacheOptions {
  readonly blobs: BlobReader;
  readonly maxBytes: number;
  /** A blob above this is never kept. */
  readonly maxBlobBytes: number;
}

/** Small blobs in memory, the least recently used leave first. */
export class BlobCache {
  readonly #options: BlobCacheOptions;
  readonly #kept = new Map<string, Uint8Array>();
  readonly #reads = new Map<string, Promise<Uint8Array>>();
  #bytes = 0;

  constructor(options: BlobCacheOptions) {
    this.#options = options;
  }

  /** Whether a blob is small enough to be kept; others are to be streamed. */
  mayKeep(blob: Blob): boolean {
    return blob.bytes <= Math.min(this.#options.maxBlobBytes, this.#options.maxBytes);
  }

  /** The bytes if they are in memory; counts as a use. */
  find(blob: Blob): Uint8Array | undefined {
    const bytes = this.#kept.get(blob.digest);
    if (bytes === undefined) return undefined;
    this.#kept.delete(blob.digest);
    this.#kept.set(blob.digest, bytes);
    return bytes;
  }

  /**
   * Reads a blob and keeps it.
   *
   * @throws {NebulaError} NEBULA_CLIENT_GONE when the signal aborts first.
   * @throws {NebulaError} NEBULA_STATE_FAILED when the blob is missing, damaged or of another size.
   */
  async read(blob: Blob, signal: AbortSignal): Promise<Uint8Array> {
    let reading = this.#reads.get(blob.digest);
    if (reading === undefined) {
      reading = this.#load(blob).finally(() => this.#reads.delete(blob.digest));
      this.#reads.set(blob.digest, reading);
    }
    return await orAborted(reading, signal, toGone);
  }

  async #load(blob: Blob): Promise<Uint8Array> {
    const bytes = await this.#options.blobs.read(blob.digest);
    if (bytes.byteLength !== blob.bytes) {
      const message = `Cannot read asset "${blob.digest}": it has ${bytes.byteLength} bytes, the manifest says ${blob.bytes}`;
      throw new NebulaError("NEBULA_STATE_FAILED", message);
    }
    this.#keep(blob.digest, bytes);
    return bytes;
  }

  #keep(digest: string, bytes: Uint8Array): void {
    this.#kept.set(digest, bytes);
    this.#bytes += bytes.byteLength;
    for (const [oldest, old] of this.#kept) {
      if (this.#bytes <= this.#options.maxBytes) return;
      this.#kept.delete(oldest);
      this.#bytes -= old.byteLength;
    }
  }
}

/** What a request fails with when nobody waits for it any more. */
export function toGone(): NebulaError {
  return new NebulaError("NEBULA_CLIENT_GONE", "Cannot send asset: the client has left");
}
