/**
 * Databases in memory that answer as those of a node do.
 */

import { DatabaseSync } from "node:sqlite";
import type { Databases, SqlCall, SqlResult, SqlValue } from "../../src/model/databases.ts";
import { NebulaError } from "../../src/model/errors.ts";

export interface MemoryDatabases extends Databases, Disposable {
  /** The calls that were made, by database. */
  readonly calls: { readonly id: string; readonly sql: readonly string[] }[];
  open(id: string): DatabaseSync;
}

export function openMemoryDatabases(): MemoryDatabases {
  const opened = new Map<string, DatabaseSync>();
  const open = (id: string) => {
    const db = opened.get(id) ?? new DatabaseSync(":memory:");
    opened.set(id, db);
    return db;
  };
  const calls: { id: string; sql: readonly string[] }[] = [];
  return {
    calls,
    open,
    list: async () => [...opened.keys()],
    // Takes a turn of the event loop, as a process would.
    run: async (id, statements) => {
      calls.push({ id, sql: statements.map(({ sql }) => sql) });
      await new Promise((resolve) => setImmediate(resolve));
      return runAll(open(id), statements);
    },
    [Symbol.dispose]: () => {
      for (const db of opened.values()) db.close();
    },
  };
}

function runAll(db: DatabaseSync, statements: readonly SqlCall[]): SqlResult[] {
  db.exec("BEGIN");
  try {
    const results = statements.map((call, index) => runOne(db, call, index));
    db.exec("COMMIT");
    return results;
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}

function runOne(db: DatabaseSync, { sql, params = [] }: SqlCall, index: number): SqlResult {
  try {
    const statement = db.prepare(sql);
    const columns = statement.columns().map(({ name }) => name);
    const meta = { changes: 0, lastRowId: 0, rowsRead: 0, rowsWritten: 0, durationMs: 0 };
    if (columns.length === 0) {
      const { changes, lastInsertRowid } = statement.run(...params);
      return { columns, rows: [], meta: { ...meta, changes: Number(changes), lastRowId: Number(lastInsertRowid) } };
    }
    statement.setReturnArrays(true);
    const rows = statement.all(...params).map((row) => Object.values(row) as SqlValue[]);
    return { columns, rows, meta };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new NebulaError("NEBULA_SQL_FAILED", `Cannot run it: ${message}`, {
      details: { index, sqlite: message },
      cause,
    });
  }
}
