/**
 * The statements of one database, each prepared once and kept while it is asked again.
 */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { D1_SQLITE_LIMITS, type D1Value } from "../../model/d1.ts";
import { findErrno } from "../../model/errno.ts";
import type { Authorizer, StatementTraits } from "./authorizer.storage.ts";
import { listParameters } from "./parameters.storage.ts";
import { QueryError } from "./query-error.storage.ts";

/** One statement that is ready to run. */
export interface Prepared {
  readonly statement: StatementSync;
  readonly traits: StatementTraits;
  readonly columns: readonly string[];
  readonly hasParameters: boolean;
  /** Runs it, and gives its rows as lists as they come. */
  rows(params: readonly D1Value[]): Iterable<readonly unknown[]>;
}

type SqlValue = null | number | string | Uint8Array;

/** Statements kept: more texts than a function usually has. */
const MAX_KEPT = 200;
const HIDDEN_RENAME = /\brename\s+to\s+["'`[]?_cf_/i;

/** Prepares statements under the authorizer's eyes. */
export class Statements {
  readonly #db: DatabaseSync;
  readonly #authorizer: Authorizer;
  /** The one that was asked last is the last. */
  readonly #kept = new Map<string, Prepared>();

  constructor(db: DatabaseSync, authorizer: Authorizer) {
    this.#db = db;
    this.#authorizer = authorizer;
  }

  /** @throws {Error} SQLite's own, and {QueryError} for what D1 does not allow. */
  prepare(sql: string): Prepared {
    const kept = this.#kept.get(sql);
    if (kept !== undefined) {
      this.#kept.delete(sql);
      this.#kept.set(sql, kept);
      return kept;
    }
    const prepared = this.#prepare(sql);
    this.#kept.set(sql, prepared);
    if (this.#kept.size > MAX_KEPT) {
      for (const oldest of this.#kept.keys()) {
        this.#kept.delete(oldest);
        break;
      }
    }
    return prepared;
  }

  /** Tables have changed: what was prepared may have other columns now. */
  forget(): void {
    this.#kept.clear();
  }

  #prepare(sql: string): Prepared {
    if (sql.length > D1_SQLITE_LIMITS.sqlLength) throw new QueryError("statement too long: SQLITE_TOOBIG");
    let statement: StatementSync;
    try {
      statement = this.#authorizer.watch(() => this.#db.prepare(sql));
    } catch (thrown) {
      const { refusal } = this.#authorizer.traits;
      if (isEmpty(thrown)) throw new QueryError("SQL code did not contain a statement.", { cause: thrown });
      throw refusal === undefined ? thrown : new QueryError(refusal, { cause: thrown });
    }
    statement.setReturnArrays(true);
    const { traits } = this.#authorizer;
    // SQLite does not ask about the new name.
    if (traits.isSchema && HIDDEN_RENAME.test(sql)) throw new QueryError("not authorized: SQLITE_AUTH");
    const columns = statement.columns().map(({ name }) => name);
    // What writes cannot run twice, as `rows` may: it is asked for the widest integers at once.
    if (!traits.isRead && columns.length > 0) statement.setReadBigInts(true);
    const names = listParameters(sql);
    return {
      statement,
      traits,
      columns,
      hasParameters: names.length > 0,
      rows: (params) => this.#run(statement, names, params),
    };
  }

  #run(
    statement: StatementSync,
    names: readonly (string | undefined)[],
    params: readonly D1Value[],
  ): Iterable<readonly unknown[]> {
    if (names.length !== params.length) throw new QueryError("Wrong number of parameter bindings for SQL query.");
    const values = params.map(toSqlValue);
    const hasNames = names.some((name) => name !== undefined && !name.startsWith("?"));
    // SAFETY: lists, because of setReturnArrays.
    if (!hasNames) return statement.iterate(...values) as Iterable<never>;
    const named = Object.fromEntries(names.flatMap((name, i) => (isNamed(name) ? [[name, values[i] ?? null]] : [])));
    const others = values.filter((_, i) => !isNamed(names[i]));
    return statement.iterate(named, ...others) as Iterable<never>;
  }
}

/** How `node:sqlite` says that there is nothing but comments. */
function isEmpty(thrown: unknown): boolean {
  return findErrno(thrown) === "ERR_INVALID_ARG_VALUE";
}

function isNamed(name: string | undefined): name is string {
  return name !== undefined && !name.startsWith("?");
}

function toSqlValue(value: D1Value): SqlValue {
  return typeof value === "object" && value !== null ? Uint8Array.from(value) : value;
}
