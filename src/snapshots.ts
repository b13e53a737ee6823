/**
 * Databases as they were at one moment, for backups and exports. Part of the composition root.
 */

import { randomUUID } from "node:crypto";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type D1Databases, openDatabases } from "./bindings/d1/databases.ts";
import { COPIES_DIR, type Copies, openCopies } from "./bindings/storage/copies.ts";
import { toFolderName } from "./bindings/storage/folder-name.ts";
import { readPacked } from "./engines.ts";
import type { DatabaseSnapshot } from "./http/d1-api.ts";
import type { StorageSettings } from "./storages.ts";

const FILE = "db.sqlite";

/** Copies databases below one folder of the state directory. */
export function openStateCopies(dir: string, { stateDir: _, ...rest }: StorageSettings): Copies {
  return openCopies({ ...rest, dir, bundle: () => readPacked("bindings/storage/copy.storage") });
}

/** Removes what copies a node left behind that was killed. */
export async function removeCopies(stateDir: string): Promise<void> {
  for (const folder of ["d1", "kv"]) await rm(join(stateDir, folder, COPIES_DIR), { recursive: true, force: true });
}

/** Makes snapshots: a copy, and a process of its own that is asked as the database is. */
export function createSnapshots(
  databases: Pick<D1Databases, "run">,
  settings: StorageSettings,
): (id: string) => Promise<DatabaseSnapshot> {
  const dir = join(settings.stateDir, "d1");
  return async (id) => {
    // One that nobody has asked yet has no file.
    await databases.run(id, [{ sql: "SELECT 1" }]);
    const own = join(dir, COPIES_DIR, randomUUID());
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rm(own, { recursive: true, force: true }));
    await copyInto(join(own, toFolderName(id), FILE), { dir, id, settings });
    const { stateDir: _, ...rest } = settings;
    const copied = openDatabases({ ...rest, dir: own, bundle: () => readPacked("bindings/d1/main.storage") });
    stack.use(copied);
    const owned = stack.move();
    return {
      run: (calls) => copied.run(id, calls),
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  };
}

async function copyInto(
  path: string,
  { dir, id, settings }: { dir: string; id: string; settings: StorageSettings },
): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await using copies = openStateCopies(dir, settings);
  await using copy = await copies.copy(join(toFolderName(id), FILE));
  await rename(copy.path, path);
}
