/**
 * What goes wrong in a storage process, sorted by what the host can do about it.
 */

/**
 * `full`: no room on the disk. `damaged`: the file is no sound database. `memory`: there was none left. `too large`: a call
 * brought more than it may.
 */
export type StorageTrouble = "full" | "damaged" | "memory" | "io" | "ended" | "too large";

/** A failure of the storage itself, not of what was asked of it. */
export class StorageError extends Error {
  override readonly name = "StorageError";
  /** Told to the host with the failure. */
  readonly reason: StorageTrouble;

  constructor(reason: StorageTrouble, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** SQLite's result codes (the low eight bits of an extended one) that are no fault of the SQL. */
const TROUBLES: Readonly<Record<number, StorageTrouble>> = {
  7: "memory",
  10: "io",
  11: "damaged",
  13: "full",
  14: "io",
  26: "damaged",
};

/** SQLite's number for a failure, the extended one; undefined for what is none of SQLite's. @see https://sqlite.org/rescode.html */
export function findSqliteCode(thrown: unknown): number | undefined {
  return thrown instanceof Error && "errcode" in thrown && typeof thrown.errcode === "number"
    ? thrown.errcode
    : undefined;
}

/** What a failure says of the storage; undefined when only the SQL was at fault. */
export function findTrouble(thrown: unknown): StorageTrouble | undefined {
  return TROUBLES[(findSqliteCode(thrown) ?? 0) & 0xff];
}
