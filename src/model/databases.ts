/**
 * Databases as the node's own work asks them: migrations, the command line. Functions have another way, in their `env`.
 */

/** What a column holds. */
export type SqlValue = null | number | string | Uint8Array;

/** One statement with what stands for its question marks. */
export interface SqlCall {
  readonly sql: string;
  readonly params?: readonly SqlValue[];
}

/** What one statement gave. */
export interface SqlResult {
  /** Of rows, also when there are none; none where the statement gives no rows. */
  readonly columns: readonly string[];
  readonly rows: readonly (readonly SqlValue[])[];
  readonly meta: {
    /** Rows that it changed. */
    readonly changes: number;
    readonly lastRowId: number;
    readonly rowsRead: number;
    readonly rowsWritten: number;
    readonly durationMs: number;
  };
}

/** Databases by id; one that is not there yet is made when it is first asked. */
export interface Databases {
  /**
   * Runs all statements in one transaction; what they did is on the disk when it fulfils.
   *
   * @throws {NebulaError} NEBULA_SQL_FAILED when SQLite refuses one, with its place in the list as `details.index`; nothing is
   * kept then. NEBULA_STORAGE_TIMEOUT when it takes too long, NEBULA_STATE_FAILED when the disk refuses.
   */
  run(id: string, calls: readonly SqlCall[], options?: { signal?: AbortSignal }): Promise<readonly SqlResult[]>;
  /** Those that there are. */
  list(): Promise<readonly string[]>;
}
