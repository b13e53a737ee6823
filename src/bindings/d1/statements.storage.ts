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
const NO_NAMES = Object.freeze({});
const HIDDEN_RENAME = /\brename\s+to\s+["'`[]?_cf_/i;

/** Prepares statements under the authorizer's eyes. */
export class Statements {
  readonly #db: DatabaseSync;
  readonly #authorizer: Authorizer;
  /** The one that was asked last is the last. */
  readonly #kept = new Map<string, Prepared>();
  /** A batch often has one text many times. */
  #last: { readonly sql: string; readonly prepared: Prepared } | undefined;

  constructor(db: DatabaseSync, authorizer: Authorizer) {
    this.#db = db;
    this.#authorizer = authorizer;
  }

  /** @throws {Error} SQLite's own, and {QueryError} for what D1 does not allow. */
  prepare(sql: string): Prepared {
    if (this.#last?.sql === sql) return this.#last.prepared;
    const prepared = this.#kept.get(sql) ?? this.#prepare(sql);
    this.#last = { sql, prepared };
    this.#kept.delete(sql);
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
    this.#last = undefined;
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
      rows: (params) => run(params, { statement, names, hasRows: columns.length > 0 }),
    };
  }
}

function run(
  params: readonly D1Value[],
  of: { statement: StatementSync; names: readonly (string | undefined)[]; hasRows: boolean },
): Iterable<readonly unknown[]> {
  const { statement, names, hasRows } = of;
  if (names.length !== params.length) throw new QueryError("Wrong number of parameter bindings for SQL query.");
  const values = params.map(toSqlValue);
  const hasNames = names.some(isNamed);
  const named = hasNames ? Object.fromEntries(names.flatMap((name, i) => toPair(name, values[i]))) : NO_NAMES;
  const others = hasNames ? values.filter((_, i) => !isNamed(names[i])) : values;
  // Where no rows come, an iterator would cost ten times the insert of a row.
  const rows = hasRows ? statement.iterate(named, ...others) : statement.all(named, ...others);
  return toLists(rows);
}

/** They are lists, because of setReturnArrays; the types know objects alone. */
function toLists(rows: Iterable<unknown>): Iterable<readonly unknown[]> {
  return rows as Iterable<readonly unknown[]>;
}

function toPair(name: string | undefined, value: SqlValue | undefined): [string, SqlValue][] {
  return isNamed(name) ? [[name, value ?? null]] : [];
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
