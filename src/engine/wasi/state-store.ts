/**
 * The directories that outlive invocations, on disk: for each function one file, written whole and at once.
 *
 * What is in it only the guest knows; the host neither reads paths from it nor makes any.
 */

import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { findErrno } from "../../model/errno.ts";
import { NebulaError } from "../../model/errors.ts";

/** The kept directories of one node. */
export interface StateStore {
  /** Empty when there is none yet. @throws {NebulaError} NEBULA_STATE_FAILED. */
  read(name: string): Promise<Uint8Array>;
  /** On disk when it fulfils. @throws {NebulaError} NEBULA_STATE_FAILED; what was there before is there still. */
  write(name: string, bytes: Uint8Array): Promise<void>;
}

/** Opens a folder of ours alone, which is made when it is first written to. What is asked of one directory is done in turn. */
export function openStateStore(dir: string): StateStore {
  const toPath = (name: string) => join(dir, `${name}.state`);
  const turns = new Map<string, Promise<unknown>>();
  const inTurn = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    // because who comes next has nothing to do with how the one before it went
    const turn = (turns.get(name) ?? Promise.resolve()).then(work, work);
    turns.set(name, turn);
    try {
      return await turn;
    } finally {
      if (turns.get(name) === turn) turns.delete(name);
    }
  };
  const read = async (name: string): Promise<Uint8Array> => {
    try {
      return await readFile(toPath(name));
    } catch (thrown) {
      if (findErrno(thrown) === "ENOENT") return new Uint8Array();
      throw failed("read", name, thrown);
    }
  };
  const write = async (name: string, bytes: Uint8Array): Promise<void> => {
    const path = toPath(name);
    try {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      await writeLasting(`${path}.new`, bytes);
      await rename(`${path}.new`, path);
      await syncFolder(dir);
    } catch (thrown) {
      throw failed("write", name, thrown);
    }
  };
  return {
    read: (name) => inTurn(name, () => read(name)),
    write: (name, bytes) => inTurn(name, () => write(name, bytes)),
  };
}

async function writeLasting(path: string, bytes: Uint8Array): Promise<void> {
  await using file = await open(path, "w", 0o600);
  await file.writeFile(bytes);
  await file.sync();
}

/** The new name of a file lasts when its folder does. */
async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, "r");
  await folder.sync();
}

function failed(what: string, name: string, cause: unknown): NebulaError {
  const why = findErrno(cause) ?? "the disk refused it";
  return new NebulaError("NEBULA_STATE_FAILED", `Cannot ${what} the state directory of "${name}": ${why}`, { cause });
}
