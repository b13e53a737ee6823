/**
 * A D1 database on `node:sqlite`, for where no platform gives one: Deno, and the tests.
 *
 * Every statement runs at once and to its end, only its result is a promise; so nothing can come into the middle of a
 * batch.
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import type { D1Database, D1Result, D1Statement } from "../db/d1.ts";

/** Opens the file, or a database in memory (`:memory:`). Close it by `using` it. */
export function openSqlite(path: string): D1Database & Disposable {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
  const prepared = new Map<string, StatementSync>();

  /** Keeps what was compiled: the site asks the same few questions again and again. */
  const compile = (sql: string): StatementSync => {
    const statement = prepared.get(sql) ?? db.prepare(sql);
    if (prepared.size > 100) prepared.clear();
    prepared.set(sql, statement);
    return statement;
  };
  const runOne = (sql: string, values: SQLInputValue[]): D1Result => {
    const statement = compile(sql);
    statement.setReturnArrays(false);
    if (statement.columns().length > 0) {
      return { success: true, results: statement.all(...values), meta: { changes: 0, last_row_id: 0 } };
    }
    const { changes, lastInsertRowid } = statement.run(...values);
    return { success: true, results: [], meta: { changes: Number(changes), last_row_id: Number(lastInsertRowid) } };
  };

  class Statement implements D1Statement {
    readonly sql: string;
    readonly values: SQLInputValue[];

    constructor(sql: string, values: SQLInputValue[] = []) {
      this.sql = sql;
      this.values = values;
    }

    bind(...values: readonly unknown[]): Statement {
      return new Statement(this.sql, values.map(toSqlValue));
    }

    run = async () => runOne(this.sql, this.values);
    all = this.run;

    async raw(): Promise<unknown[][]> {
      const statement = compile(this.sql);
      statement.setReturnArrays(true);
      return statement.all(...this.values).map((row) => Object.values(row));
    }

    async first(column?: string): Promise<unknown> {
      const [row] = runOne(this.sql, this.values).results;
      return row === undefined ? null : column === undefined ? row : row[column];
    }
  }

  return {
    prepare: (sql) => new Statement(sql),
    batch: async (statements) => {
      db.exec("BEGIN IMMEDIATE");
      try {
        const results = statements.map((statement) => {
          if (!(statement instanceof Statement)) throw new TypeError("Cannot run a statement of another database");
          return runOne(statement.sql, statement.values);
        });
        db.exec("COMMIT");
        return results;
      } catch (error) {
        if (db.isTransaction) db.exec("ROLLBACK");
        throw error;
      }
    },
    [Symbol.dispose]: () => db.close(),
  };
}

/** Applies what of a folder's `*.sql` is new, in the order of the names, and records it as wrangler does. */
export async function migrate(db: D1Database, folder: string): Promise<void> {
  await db
    .prepare(
      "CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)",
    )
    .run();
  const applied = new Set((await db.prepare("SELECT name FROM d1_migrations").all()).results.map(({ name }) => name));
  const names = readdirSync(folder).filter((name) => name.endsWith(".sql") && !applied.has(name));
  for (const name of names.sort()) {
    const statements = readFileSync(join(folder, name), "utf8").split("--> statement-breakpoint");
    await db.batch([
      ...statements.map((sql) => db.prepare(sql)),
      db.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name),
    ]);
  }
}

function toSqlValue(value: unknown): SQLInputValue {
  if (typeof value === "boolean") return value ? 1 : 0;
  if (value === null || typeof value === "string" || typeof value === "number") return value;
  throw new TypeError(`Cannot bind a value to SQL: there is no type for ${typeof value}`);
}
