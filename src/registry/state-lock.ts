/**
 * One node per state directory.
 *
 * The lock is SQLite's own lock on a small file, held by a transaction that stays open. The operating system frees it
 * with the process, however that ends, so nothing stale can be left. Nothing else in this process may open the file:
 * closing it anywhere would free the lock (POSIX record locks belong to the process).
 *
 * @see https://sqlite.org/howtocorrupt.html (section 2.2)
 */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { NebulaError } from "../model/errors.ts";
import { findResultCode, toRegistryError } from "./registry-error.ts";

const SQLITE_BUSY = 5;

/**
 * Takes a state directory for this process, making it where it is missing; dispose to give it back.
 *
 * @throws {NebulaError} NEBULA_STATE_FAILED when another node has it, or it cannot be written.
 */
export async function lockStateDir(dir: string): Promise<AsyncDisposable> {
  let lock: DatabaseSync | undefined;
  try {
    // Closed to other users: the registry holds what authors configure.
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    lock = new DatabaseSync(join(dir, "lock.db"), { timeout: 0 });
    lock.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    lock?.close();
    if (findResultCode(error) !== SQLITE_BUSY) throw toRegistryError("lock the state directory", dir, error);
    throw new NebulaError("NEBULA_STATE_FAILED", `Cannot open "${dir}": state directory is in use by another node`, {
      hint: "Stop the other node, or set NEBULA_STATE_DIR to another directory",
      cause: error,
    });
  }
  const held = lock;
  return {
    async [Symbol.asyncDispose]() {
      if (held.isOpen) held.close();
    },
  };
}
