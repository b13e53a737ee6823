/**
 * One SQLite database with the methods of Cloudflare's D1, as far as drizzle-orm's `d1` driver uses them.
 *
 * Every statement runs at once and to its end; only its result is a promise. So a batch, which is one transaction, can
 * never have another statement in its middle. Does not choose pragmas and does not translate errors.
 *
 * @see https://developers.cloudflare.com/d1/worker-api/
 */

import type { SQLInputValue } from "node:sqlite";
import { DatabaseSync } from "node:sqlite";

/** Column name → value. */
export type Row = Readonly<Record<string, unknown>>;

/** What a statement did. `changes` and `last_row_id` are 0 for statements that return rows. */
export interface D1Result {
  readonly success: true;
  readonly results: readonly Row[];
  readonly meta: { readonly changes: number; readonly last_row_id: number };
}

/** How a statement reaches its database. */
interface Runner {
  rows(statement: D1Statement): D1Result;
  arrays(statement: D1Statement): unknown[][];
}

/** SQL with its values: plain data until one of its methods runs it. */
export class D1Statement {
  readonly #runner: Runner;
  readonly sql: string;
  readonly values: readonly SQLInputValue[];

  constructor(runner: Runner, sql: string, values: readonly SQLInputValue[] = []) {
    this.#runner = runner;
    this.sql = sql;
    this.values = values;
  }

  /**
   * A copy with these values.
   *
   * @throws {TypeError} when SQLite has no type for a value.
   */
  bind(...values: readonly unknown[]): D1Statement {
    return new D1Statement(this.#runner, this.sql, values.map(toSqlValue));
  }

  async run(): Promise<D1Result> {
    return this.#runner.rows(this);
  }

  async all(): Promise<D1Result> {
    return this.#runner.rows(this);
  }

  /** The first row, or one column of it; `null` when there is none. */
  async first(column?: string): Promise<unknown> {
    const row = this.#runner.rows(this).results[0];
    if (row === undefined) return null;
    return column === undefined ? row : row[column];
  }

  /** Rows as lists, which keeps columns apart that have the same name. */
  async raw(): Promise<unknown[][]> {
    return this.#runner.arrays(this);
  }
}

/** An open database. Its errors are those of `node:sqlite`. */
export class D1 implements Disposable {
  readonly #db: DatabaseSync;
  readonly #runner: Runner = {
    rows: (statement) => this.#rows(statement),
    arrays: (statement) => this.#arrays(statement),
  };

  /** Opens or makes the file. `busyMs` is how long a statement waits, blocking the thread, for another process. */
  constructor(path: string, options: { busyMs: number }) {
    this.#db = new DatabaseSync(path, { timeout: options.busyMs, enableForeignKeyConstraints: true });
  }

  prepare(sql: string): D1Statement {
    return new D1Statement(this.#runner, sql);
  }

  /** Runs all of them in one transaction, or none. */
  async batch(statements: readonly D1Statement[]): Promise<D1Result[]> {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const results = statements.map((statement) => this.#rows(statement));
      this.#db.exec("COMMIT");
      return results;
    } catch (error) {
      // Some failures (a full disk) have ended the transaction already.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  /** Runs SQL without values, several statements if need be. */
  async exec(sql: string): Promise<void> {
    this.#db.exec(sql);
  }

  /** Closes the file; a second time is quiet. */
  [Symbol.dispose](): void {
    if (this.#db.isOpen) this.#db.close();
  }

  #rows({ sql, values }: D1Statement): D1Result {
    const statement = this.#db.prepare(sql);
    if (statement.columns().length > 0) {
      return { success: true, results: statement.all(...values), meta: { changes: 0, last_row_id: 0 } };
    }
    const { changes, lastInsertRowid } = statement.run(...values);
    return { success: true, results: [], meta: { changes: Number(changes), last_row_id: Number(lastInsertRowid) } };
  }

  #arrays({ sql, values }: D1Statement): unknown[][] {
    const statement = this.#db.prepare(sql);
    statement.setReturnArrays(true);
    return statement.all(...values).map((row) => Object.values(row));
  }
}

function toSqlValue(value: unknown): SQLInputValue {
  if (typeof value === "boolean") return value ? 1 : 0;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "bigint")
    return value;
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`Cannot bind a value to SQL: SQLite has no type for ${typeof value}`);
}
