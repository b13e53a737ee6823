/**
 * Everything that a node keeps, as one stream of bytes, while it serves.
 *
 *     hold artifacts ─▶ copy the registry, and its keys ─▶ stream: registry, keys, the blobs that it names,
 *                                                          each database and namespace copied when it is its turn, states
 *
 * Deployments and artifacts fit together; each database is consistent by itself, at a moment after the backup was begun.
 * A copy takes room on the disk while it is being sent, one at a time.
 */

import { type FileHandle, mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Artifacts } from "./artifacts/artifacts.ts";
import { toStateError } from "./artifacts/state-error.ts";
import { isBackupName } from "./backup/format.ts";
import { type BackupHead, type BackupSource, writeBackup } from "./backup/write-backup.ts";
import type { Copies } from "./bindings/storage/copies.ts";
import type { Digest } from "./model/artifact.ts";
import { findErrno } from "./model/errno.ts";
import { NebulaError } from "./model/errors.ts";
import type { Clock } from "./model/ports.ts";
import { KIB } from "./model/units.ts";
import type { Registry } from "./registry/registry.ts";

/** What a backup is made of. */
export interface BackupParts {
  /** Absolute. */
  readonly stateDir: string;
  readonly version: string;
  readonly artifacts: Pick<Artifacts, "hold">;
  readonly registry: Pick<Registry, "copyTo">;
  /** Copies databases of a folder of the state directory. */
  openCopies(dir: string): Copies;
  readonly clock: Clock;
}

/** How a backup is made. */
export interface BackupOptions {
  /** Without them it opens neither the secrets nor the control API. */
  readonly withKey: boolean;
}

/** Of a backup on its way: copies, which go with it. */
const DIR = "backup";
const CHUNK_BYTES = 256 * KIB;
const DATABASE_DIRS = ["d1", "kv"] as const;

/** Makes backups of one node, one at a time. */
export class Backups {
  readonly #parts: BackupParts;
  #isBusy = false;

  constructor(parts: BackupParts) {
    this.#parts = parts;
  }

  /**
   * Begins a backup; what is acknowledged before this is called is in it. The stream has to be read or cancelled.
   *
   * @throws {NebulaError} NEBULA_OVERLOADED while another one is under way, NEBULA_STATE_FAILED when the registry cannot be
   * copied. What fails later is told at the end of the stream.
   */
  async create({ withKey }: BackupOptions): Promise<ReadableStream<Uint8Array>> {
    if (this.#isBusy) {
      throw new NebulaError("NEBULA_OVERLOADED", "Cannot begin a backup: another one is under way", {
        hint: "Wait until it has ended",
      });
    }
    this.#isBusy = true;
    const { stateDir, registry, artifacts, version, clock } = this.#parts;
    const dir = join(stateDir, DIR);
    const held = artifacts.hold();
    const end = async () => {
      held[Symbol.dispose]();
      await rm(dir, { recursive: true, force: true });
      this.#isBusy = false;
    };
    try {
      await rm(dir, { recursive: true, force: true });
      await mkdir(dir, { mode: 0o700 });
      const { digests, hasKey } = await registry.copyTo({
        path: join(dir, "registry.db"),
        keyPath: join(dir, "secrets.key"),
      });
      const isWithKey = withKey && hasKey;
      const head: BackupHead = { version, createdAtMs: clock.dateMs(), hasKey: isWithKey };
      return writeBackup(this.#list({ dir, digests, withKey, isWithKey, end }), head);
    } catch (thrown) {
      await end();
      throw toStateError("back up", stateDir, thrown);
    }
  }

  async *#list({
    dir,
    digests,
    withKey,
    isWithKey,
    end,
  }: {
    dir: string;
    digests: ReadonlySet<Digest>;
    withKey: boolean;
    isWithKey: boolean;
    end(): Promise<void>;
  }): AsyncGenerator<BackupSource> {
    const { stateDir } = this.#parts;
    try {
      yield* openSource("registry.db", join(dir, "registry.db"));
      if (isWithKey) yield* openSource("secrets.key", join(dir, "secrets.key"));
      if (withKey) yield* openSource("token", join(stateDir, "token"));
      for (const digest of digests) {
        const name = toArtifactName(digest);
        yield* openSource(name, join(stateDir, name));
      }
      for (const folder of DATABASE_DIRS) yield* this.#listDatabases(folder);
      for (const file of await listFiles(join(stateDir, "states"))) {
        const name = `states/${file}`;
        if (isBackupName(name)) yield* openSource(name, join(stateDir, name));
      }
    } finally {
      await end();
    }
  }

  async *#listDatabases(folder: string): AsyncGenerator<BackupSource> {
    const dir = join(this.#parts.stateDir, folder);
    const files = await listDatabaseFiles(dir);
    if (files.length === 0) return;
    await using copies = this.#parts.openCopies(dir);
    for (const file of files) {
      const name = `${folder}/${file}`;
      if (!isBackupName(name)) {
        throw new NebulaError("NEBULA_STATE_FAILED", `Cannot back up "${name}": no database of a node has this name`);
      }
      await using copy = await copies.copy(file);
      yield* openSource(name, copy.path);
    }
  }
}

/** In the folder, or in a folder of it: `memes/db.sqlite`. */
async function listDatabaseFiles(dir: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await listFiles(dir)) {
    if (entry.startsWith(".")) continue;
    if (entry.endsWith(".sqlite")) found.push(entry);
    else if ((await stat(join(dir, entry))).isDirectory()) {
      for (const inner of await listFiles(join(dir, entry))) {
        if (inner.endsWith(".sqlite")) found.push(`${entry}/${inner}`);
      }
    }
  }
  return found;
}

async function listFiles(dir: string): Promise<string[]> {
  try {
    return (await readdir(dir)).sort();
  } catch (thrown) {
    if (findErrno(thrown) === "ENOENT") return [];
    throw toStateError("back up", dir, thrown);
  }
}

/** One file as it is now: when it is replaced meanwhile, it is read on as it was. */
async function* openSource(name: string, path: string): AsyncGenerator<BackupSource> {
  try {
    await using file = await open(path, "r");
    const { size: bytes } = await file.stat();
    yield { name, bytes, content: readChunks(file) };
  } catch (thrown) {
    throw toStateError("back up", name, thrown);
  }
}

async function* readChunks(file: FileHandle): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { bytesRead, buffer } = await file.read(new Uint8Array(CHUNK_BYTES));
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

function toArtifactName(digest: Digest): string {
  const hex = digest.slice("sha256:".length);
  return `artifacts/${hex.slice(0, 2)}/${hex.slice(2)}`;
}
