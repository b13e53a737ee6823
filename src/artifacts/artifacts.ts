/**
 * Blobs on disk, named by their digest.
 *
 *     <dir>/ab/cdef…      the blob sha256:abcdef…
 *     <dir>/incoming/…    files being written; they move to their name once their digest is known to be right
 *
 * So a blob is there whole or not at all, and its bytes never change. Knows nothing of deployments: whoever sweeps says
 * what to keep. One node at a time uses a folder (the registry's lock sees to that).
 */

import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Blob, Digest } from "../model/artifact.ts";
import { isDigest } from "../model/artifact.ts";
import { findErrno } from "../model/errno.ts";
import { NebulaError } from "../model/errors.ts";
import type { BlobReader } from "../model/ports.ts";
import { streamBlob, writeBlob } from "./blob-file.ts";
import { digestOf } from "./digest.ts";
import { toStateError } from "./state-error.ts";

/** How much may come, and until when. */
export interface PutOptions {
  /** More bytes than this are refused. */
  readonly limitBytes: number;
  /** Aborting rejects with the signal's reason and leaves nothing behind. */
  readonly signal?: AbortSignal;
}

/** Which blobs are too young to be swept. */
export interface SweepOptions {
  /**
   * Spares blobs written at this time or later (milliseconds since 1970): an author uploads blobs before the deployment
   * that names them. Default: no time; what is put while the sweep runs is spared in any case.
   */
  readonly writtenBeforeMs?: number;
}

/** What a sweep removed. */
export interface Swept {
  readonly count: number;
  readonly bytes: number;
}

const INCOMING = "incoming";
const SHARD = /^[0-9a-f]{2}$/;

/**
 * Opens a folder of blobs, making it where it is missing.
 *
 * @throws {NebulaError} NEBULA_STATE_FAILED when it cannot be made or written.
 */
export async function openArtifacts(dir: string): Promise<Artifacts> {
  try {
    await mkdir(join(dir, INCOMING), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw toStateError("open artifacts in", dir, error);
  }
  return new Artifacts(dir);
}

/** Made by `openArtifacts`. Every method is safe to call at the same time as any other. */
export class Artifacts implements BlobReader {
  readonly #dir: string;
  /** Files in `incoming/` that a put is still writing. */
  readonly #writing = new Set<string>();
  /** One set for each sweep that runs: the blobs that came meanwhile, which it spares. */
  readonly #sweeps = new Set<Set<string>>();
  /** How many want everything to stay that is here. */
  #holds = 0;
  /** The last of the moves and removals, which happen one after another. */
  #lastMove: Promise<unknown> = Promise.resolve();

  constructor(dir: string) {
    this.#dir = dir;
  }

  /**
   * Whether the blob is here. Its bytes are not looked at.
   *
   * @throws {NebulaError} NEBULA_ARTIFACT_INVALID when the text is not a digest.
   */
  async has(digest: string): Promise<boolean> {
    return (await this.#findSize(digest)) !== undefined;
  }

  /**
   * Sees that every blob is here, and as long as it is said to be. Throws as `has` does.
   * @throws {NebulaError} NEBULA_ARTIFACT_INVALID when one is not.
   */
  async check(blobs: Iterable<Blob>): Promise<void> {
    let missing = 0;
    for (const { digest, bytes } of blobs) {
      const size = await this.#findSize(digest);
      if (size === undefined) missing += 1;
      else if (size !== bytes) throw wrongSize(digest, { size, bytes });
    }
    if (missing > 0) throw missingBlobs(missing);
  }

  /** Those of the digests that are not here, each once, in the order given. Throws as `has` does. */
  async missing(digests: Iterable<Digest>): Promise<Digest[]> {
    const absent: Digest[] = [];
    // One after another: a thousand at once would take every thread that file operations share.
    for (const digest of new Set(digests)) {
      if (!(await this.has(digest))) absent.push(digest);
    }
    return absent;
  }

  /**
   * Stores a blob. Storing it again is quiet, and mends a damaged file. A stream is read to its end or cancelled; what
   * it throws itself passes unchanged.
   *
   * @throws {NebulaError} NEBULA_ARTIFACT_INVALID when the bytes have another digest.
   * @throws {NebulaError} NEBULA_BODY_TOO_LARGE when there are more than `limitBytes`.
   * @throws {NebulaError} NEBULA_STATE_FAILED when the disk refuses.
   */
  async put(digest: string, bytes: Uint8Array | ReadableStream<Uint8Array>, options: PutOptions): Promise<void> {
    const name = randomUUID();
    const incoming = join(this.#dir, INCOMING, name);
    const { limitBytes, signal } = options;
    this.#writing.add(name);
    try {
      const path = this.#pathOf(digest);
      const actual = await writeBlob(incoming, bytes, { subject: digest, limitBytes, signal });
      if (actual !== digest) {
        throw new NebulaError("NEBULA_ARTIFACT_INVALID", `Cannot store "${digest}": the bytes have another digest`, {
          hint: "Send the blob again; it was changed on its way",
          details: { actual },
        });
      }
      await this.#publish(incoming, path, digest);
    } catch (error) {
      // The stream's own failure to stop changes nothing any more.
      if (!(bytes instanceof Uint8Array)) void bytes.cancel(error).catch(() => {});
      await removeIfThere(incoming);
      throw error;
    } finally {
      this.#writing.delete(name);
    }
  }

  /**
   * Reads a blob and checks it against its digest.
   *
   * @throws {NebulaError} NEBULA_ARTIFACT_INVALID when the text is not a digest.
   * @throws {NebulaError} NEBULA_STATE_FAILED when the blob is missing or damaged.
   */
  async read(digest: string): Promise<Uint8Array> {
    const path = this.#pathOf(digest);
    const bytes = await readFile(path).catch((error: unknown) => {
      throw toStateError("read", digest, error);
    });
    if (digestOf(bytes) !== digest) {
      throw new NebulaError("NEBULA_STATE_FAILED", `Cannot read "${digest}": the file is damaged`, {
        hint: "Deploy the function again, and check the disk",
      });
    }
    return bytes;
  }

  /**
   * Reads a blob as it is needed, without checking its digest. The stream fails with NEBULA_STATE_FAILED when the file
   * is missing or shorter than the range. It must be read to its end or cancelled.
   *
   * @throws {NebulaError} NEBULA_ARTIFACT_INVALID when the text is not a digest.
   */
  stream(digest: string, range?: { start: number; end: number }): ReadableStream<Uint8Array> {
    return streamBlob(this.#pathOf(digest), { subject: digest, range });
  }

  /** Nothing is removed until it is disposed; sweeps leave for the next one what they would have removed. */
  hold(): Disposable {
    this.#holds += 1;
    return {
      [Symbol.dispose]: () => {
        this.#holds -= 1;
      },
    };
  }

  /**
   * Removes every blob that is not kept, and what interrupted puts left behind.
   *
   * @throws {NebulaError} NEBULA_STATE_FAILED when the disk refuses.
   */
  async sweep(keep: ReadonlySet<string>, options: SweepOptions = {}): Promise<Swept> {
    const writtenBeforeMs = options.writtenBeforeMs ?? Number.POSITIVE_INFINITY;
    const arrived = new Set<string>();
    this.#sweeps.add(arrived);
    let count = 0;
    let bytes = 0;
    const remove = async (path: string, isSpared: () => boolean) => {
      const size = await this.#inTurn(() =>
        isSpared() || this.#holds > 0 ? undefined : removeOlder(path, writtenBeforeMs),
      );
      if (size === undefined) return;
      count += 1;
      bytes += size;
    };
    try {
      for (const shard of await readdir(this.#dir)) {
        if (!SHARD.test(shard)) continue;
        for (const rest of await readdir(join(this.#dir, shard))) {
          const digest = `sha256:${shard}${rest}`;
          await remove(join(this.#dir, shard, rest), () => keep.has(digest) || arrived.has(digest));
        }
      }
      for (const name of await readdir(join(this.#dir, INCOMING))) {
        await remove(join(this.#dir, INCOMING, name), () => this.#writing.has(name));
      }
    } catch (error) {
      throw toStateError("sweep", this.#dir, error);
    } finally {
      this.#sweeps.delete(arrived);
    }
    return { count, bytes };
  }

  async #findSize(digest: string): Promise<number | undefined> {
    const path = this.#pathOf(digest);
    try {
      const found = await stat(path);
      return found.isFile() ? found.size : undefined;
    } catch (error) {
      if (findErrno(error) === "ENOENT") return undefined;
      throw toStateError("look for", digest, error);
    }
  }

  /** The only way from a digest to a path: nothing else than 64 hexadecimal digits gets into one. */
  #pathOf(digest: string): string {
    if (!isDigest(digest)) {
      const shown = JSON.stringify(digest.slice(0, 80));
      throw new NebulaError("NEBULA_ARTIFACT_INVALID", `Cannot name a blob ${shown}: it is not a digest`, {
        hint: 'A digest is "sha256:" and 64 lower-case hexadecimal digits',
      });
    }
    const hex = digest.slice("sha256:".length);
    return join(this.#dir, hex.slice(0, 2), hex.slice(2));
  }

  async #publish(incoming: string, path: string, digest: string): Promise<void> {
    const shard = dirname(path);
    try {
      await this.#inTurn(async () => {
        if ((await mkdir(shard, { recursive: true, mode: 0o700 })) !== undefined) await syncDir(this.#dir);
        await rename(incoming, path);
        for (const arrived of this.#sweeps) arrived.add(digest);
      });
      // A power cut after this must not take the name away: the registry is about to rely on it.
      await syncDir(shard);
    } catch (error) {
      throw toStateError("store", digest, error);
    }
  }

  /** Runs moves and removals one at a time, so that a sweep never removes what has just arrived. */
  #inTurn<T>(move: () => T | Promise<T>): Promise<T> {
    const turn = this.#lastMove.then(move, move);
    this.#lastMove = turn;
    return turn;
  }
}

async function syncDir(path: string): Promise<void> {
  await using dir = await open(path, "r");
  await dir.sync();
}

/** Removes a file written before a time and returns its size; `undefined` when it is newer or gone. */
async function removeOlder(path: string, writtenBeforeMs: number): Promise<number | undefined> {
  try {
    const { size, mtimeMs } = await stat(path);
    if (mtimeMs >= writtenBeforeMs) return undefined;
    await unlink(path);
    return size;
  } catch (error) {
    if (findErrno(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch {
    // Ignored because the failure that led here is the one to report, and the next sweep removes what stayed.
  }
}

function wrongSize(digest: Digest, { size, bytes }: { size: number; bytes: number }): NebulaError {
  const message = `Cannot use a blob: the manifest gives it ${bytes} bytes, and it has ${size}`;
  return new NebulaError("NEBULA_ARTIFACT_INVALID", message, { hint: "build it again", details: { digest } });
}

function missingBlobs(count: number): NebulaError {
  return new NebulaError(
    "NEBULA_ARTIFACT_INVALID",
    `Cannot use an artifact: ${count} of its blobs are not on this node`,
    {
      hint: "upload what POST /v1/blobs/missing names, then deploy again",
    },
  );
}
