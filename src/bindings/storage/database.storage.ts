/**
 * Opens one SQLite file so that what was committed is on the disk, whatever happens next. SQLite brings the names of new
 * files to the disk too, with the first commit.
 *
 *     db.sqlite       the database
 *     db.sqlite-wal   what is committed and not yet in it; gone after a clean end
 *     db.sqlite-shm   an index of that, made anew when it is missing
 */

import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { MIB } from "../../model/units.ts";
import { findTrouble, StorageError } from "./storage-error.storage.ts";

/** How a database is opened. */
export interface DatabaseOptions {
  /** The most that the file may become. */
  readonly maxBytes: number;
  /** SQLite's own ceilings; those left out are SQLite's. Other files can never be attached. */
  readonly limits?: { readonly [name: string]: number };
}

/** How long to wait for a process that had the file and is on its way out. */
const BUSY_MS = 5_000;
/** A larger file is not read whole after an unclean end: that would take longer than anybody waits. */
const CHECKED_BYTES = 512 * MIB;
const CACHE_KIB = 16_384;
/** What is kept of the log after it has grown beyond this. */
const LOG_KEPT_BYTES = 64 * MIB;

/** @throws {StorageError} when the file cannot be opened, or is damaged. */
export function openDatabase(path: string, { maxBytes, limits = {} }: DatabaseOptions): DatabaseSync {
  const wasCut = (sizeOf(`${path}-wal`) ?? 0) > 0;
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, {
      timeout: BUSY_MS,
      enableForeignKeyConstraints: true,
      limits: { ...limits, attach: 0 },
    });
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY");
    db.exec(`PRAGMA cache_size = -${CACHE_KIB}; PRAGMA journal_size_limit = ${LOG_KEPT_BYTES}`);
    const pageBytes = Number(db.prepare("PRAGMA page_size").get()?.page_size);
    db.exec(`PRAGMA max_page_count = ${Math.floor(maxBytes / pageBytes)}`);
    db.enableDefensive(true);
    if (wasCut && (sizeOf(path) ?? 0) <= CHECKED_BYTES) check(db);
    return db;
  } catch (thrown) {
    db?.close();
    if (thrown instanceof StorageError) throw thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    throw new StorageError(findTrouble(thrown) ?? "io", message, { cause: thrown });
  }
}

/** What is committed goes into the database itself, and the log away: the mark of a clean end. Quiet when repeated. */
export function closeDatabase(db: DatabaseSync): void {
  if (!db.isOpen) return;
  try {
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch {
    // because the log that stays is read at the next start
  }
  db.close();
}

function check(db: DatabaseSync): void {
  const found = db.prepare("PRAGMA quick_check(1)").get()?.quick_check;
  if (found !== "ok") throw new StorageError("damaged", String(found));
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}
