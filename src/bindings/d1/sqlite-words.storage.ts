/**
 * SQLite's failures in the words that D1 has for them.
 *
 *     UNIQUE constraint failed: a.b: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_UNIQUE)
 */

import { findSqliteCode } from "../storage/storage-error.storage.ts";

/** By result code, the low eight bits. @see https://sqlite.org/rescode.html */
const NAMES = [
  "OK ERROR INTERNAL PERM ABORT BUSY LOCKED NOMEM READONLY INTERRUPT IOERR CORRUPT NOTFOUND FULL CANTOPEN PROTOCOL EMPTY",
  "SCHEMA TOOBIG CONSTRAINT MISMATCH MISUSE NOLFS AUTH FORMAT RANGE NOTADB NOTICE WARNING",
]
  .join(" ")
  .split(" ");

/** Kinds of constraints, by what stands above those bits. */
const CONSTRAINTS =
  " CHECK COMMITHOOK FOREIGNKEY FUNCTION NOTNULL PRIMARYKEY TRIGGER UNIQUE VTAB ROWID PINNED DATATYPE".split(" ");
const CONSTRAINT = 19;

/** What a function is told of a failure; undefined when it is none of SQLite's. */
export function describeSqlite(thrown: unknown): string | undefined {
  const code = findSqliteCode(thrown);
  if (code === undefined || !(thrown instanceof Error)) return undefined;
  const primary = code & 0xff;
  const kind = primary === CONSTRAINT ? CONSTRAINTS[code >> 8] : undefined;
  const extended = kind ? ` (extended: SQLITE_CONSTRAINT_${kind})` : "";
  return `${thrown.message}: SQLITE_${NAMES[primary] ?? "ERROR"}${extended}`;
}
