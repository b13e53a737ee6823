/**
 * A backup becomes a state directory, whole or not at all.
 *
 *     restoring/   what comes out of the backup, until all of it is known to be right
 *     replaced/    what was there before, until the new is in place
 *
 *     unpack and verify ─▶ old into replaced/ ─▶ mark ─▶ new into its place ─▶ both folders go
 *                          └──────── interrupted here, a node does not start, and the next restore takes it back first
 *
 * Nothing but what a backup has is touched: caches and the state of `nebula dev` stay. The caller holds the directory's lock.
 */

import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { findErrno } from "../model/errno.ts";
import { NebulaError } from "../model/errors.ts";
import { KEY_NAMES, type Manifest, STATE_NAMES } from "./format.ts";
import { readBackup } from "./read-backup.ts";

/** How a backup is restored. */
export interface RestoreOptions {
  /** Absolute; it is there, and nobody else uses it. */
  readonly stateDir: string;
  /** Whether state that is there already may go. */
  readonly isReplacing: boolean;
  readonly signal?: AbortSignal;
}

const RESTORING = "restoring";
const REPLACED = "replaced";
/** In `replaced/`, once everything that must go is in it: the names that come, one on each line. */
const MARK = "coming";
/** What belongs to files of before, and would be taken for a part of the new ones. */
const LEFTOVERS = ["registry.db-wal", "registry.db-shm", "secrets.key.new", "token.new"];
const PLACES: readonly string[] = [...STATE_NAMES, ...LEFTOVERS];

/**
 * Restores a backup into a directory without state, or in place of what is there.
 *
 * @throws {NebulaError} NEBULA_BACKUP_INVALID when it is none that can be trusted, NEBULA_USAGE when there is state and it
 * may not be replaced, NEBULA_STATE_FAILED when the disk refuses. What was there before is there still.
 */
export async function restoreBackup(
  path: string,
  { stateDir, isReplacing, signal }: RestoreOptions,
): Promise<Manifest> {
  const restoring = join(stateDir, RESTORING);
  try {
    await takeBack(stateDir);
    await rm(restoring, { recursive: true, force: true });
    const own = await listPlaces(stateDir);
    if (own.length > 0 && !isReplacing) throw notEmpty(stateDir, own);
    await mkdir(restoring, { mode: 0o700 });
    const manifest = await readBackup(path, {
      ...(signal && { signal }),
      take: (name, content) => writeFile(join(restoring, name), content),
    });
    await syncFolders(restoring);
    signal?.throwIfAborted();
    await swap(stateDir, own);
    return manifest;
  } catch (thrown) {
    await takeBack(stateDir).catch(() => {});
    await rm(restoring, { recursive: true, force: true }).catch(() => {});
    signal?.throwIfAborted();
    throw toRestoreError(stateDir, thrown);
  }
}

/**
 * Refuses a directory in which a restore was interrupted, for the node that would start in it.
 *
 * @throws {NebulaError} NEBULA_STATE_FAILED when one was.
 */
export async function checkRestored(stateDir: string): Promise<void> {
  const names: readonly string[] = await readdir(stateDir).catch(() => []);
  if (!names.includes(REPLACED)) return;
  throw new NebulaError("NEBULA_STATE_FAILED", `Cannot start in "${stateDir}": a restore was interrupted there`, {
    hint: "Run nebula restore again; it begins with what was there before",
  });
}

async function listPlaces(dir: string): Promise<string[]> {
  const names = await readdir(dir);
  return PLACES.filter((name) => names.includes(name));
}

async function swap(stateDir: string, own: readonly string[]): Promise<void> {
  const restoring = join(stateDir, RESTORING);
  const replaced = join(stateDir, REPLACED);
  const coming = await listPlaces(restoring);
  const going = own.filter((name) => coming.includes(name) || !KEY_NAMES.includes(name));
  await mkdir(replaced, { mode: 0o700 });
  await sync(stateDir);
  for (const name of going) await rename(join(stateDir, name), join(replaced, name));
  await sync(stateDir);
  await writeFile(join(replaced, MARK), [Buffer.from(coming.join("\n"))]);
  await sync(replaced);
  for (const name of coming) await rename(join(restoring, name), join(stateDir, name));
  await sync(stateDir);
  // With this it is done: nothing is taken back any more, and a node starts.
  await rename(replaced, join(restoring, REPLACED));
  await sync(stateDir);
  await rm(restoring, { recursive: true, force: true });
}

/** Undoes a restore that was interrupted; nothing when there was none. */
async function takeBack(stateDir: string): Promise<void> {
  const replaced = join(stateDir, REPLACED);
  const kept = await readdir(replaced).catch((thrown: unknown) => {
    if (findErrno(thrown) === "ENOENT") return undefined;
    throw thrown;
  });
  if (kept === undefined) return;
  if (kept.includes(MARK)) {
    const come = (await readFile(join(replaced, MARK), "utf8")).split("\n");
    for (const name of come.filter((each) => PLACES.includes(each))) {
      await rm(join(stateDir, name), { recursive: true, force: true });
    }
    // First, so that what is taken back now is not taken for what came when this is interrupted too.
    await rm(join(replaced, MARK));
    await sync(replaced);
  }
  for (const name of kept.filter((each) => PLACES.includes(each))) {
    await rename(join(replaced, name), join(stateDir, name));
  }
  await sync(stateDir);
  await rm(replaced, { recursive: true, force: true });
}

/** Its name has been looked at; nothing of that name is there yet. */
async function writeFile(path: string, content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await using file = await open(path, "wx", 0o600);
  for await (const chunk of content) await file.writeFile(chunk);
  await file.sync();
}

async function syncFolders(dir: string): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    if (entry.isDirectory()) await syncFolders(join(dir, entry.name));
  }
  await sync(dir);
}

async function sync(path: string): Promise<void> {
  await using folder = await open(path, "r");
  await folder.sync();
}

function notEmpty(stateDir: string, own: readonly string[]): NebulaError {
  return new NebulaError("NEBULA_USAGE", `Cannot restore into "${stateDir}": there is state already (${own[0]})`, {
    hint: "Name another directory with --state-dir, or give up what is there with --replace",
  });
}

/** By errno. */
const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "no space is left on the disk",
  EDQUOT: "the disk quota is used up",
  EACCES: "permission is denied",
  EROFS: "the file system is read-only",
};

function toRestoreError(stateDir: string, thrown: unknown): unknown {
  const code = findErrno(thrown);
  if (thrown instanceof NebulaError || code === undefined) return thrown;
  const why = REASONS[code] ?? `the file system failed (${code})`;
  return new NebulaError("NEBULA_STATE_FAILED", `Cannot restore into "${stateDir}": ${why}`, {
    hint: `What was there before is there still; about as much room is needed as the backup takes`,
    details: { errno: code },
    cause: thrown,
  });
}
