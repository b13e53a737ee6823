/**
 * Runs the queries of one call, and says what they did as D1 does. Whether in a transaction or not is for others to see to.
 */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type D1Meta, type D1Query, type D1Rows, type D1Value, MAX_D1_ANSWER_BYTES } from "../../model/d1.ts";
import { findErrno } from "../../model/errno.ts";
import { splitStatements } from "../../model/sql-statements.ts";
import type { WorkKind } from "../storage/commits.storage.ts";
import { Authorizer, SETTINGS } from "./authorizer.storage.ts";
import { QueryError } from "./query-error.storage.ts";
import { type Prepared, Statements } from "./statements.storage.ts";

/** A failure, and which query of the call it was. */
export class FailedQuery extends Error {
  override readonly name = "FailedQuery";
  readonly at: number;

  constructor(at: number, cause: unknown) {
    super("a query failed", { cause });
    this.at = at;
  }
}

interface Counts {
  readonly changes: number;
  readonly lastRowId: number;
}

/** A result whose meta is not whole yet. */
type Result = Omit<D1Rows, "meta"> & { readonly meta: { -readonly [Name in keyof D1Meta]: D1Meta[Name] } };

const ONLY_LAST =
  "When executing multiple SQL statements in a single call, only the last statement can have parameters.";
const SERVED_BY = "nebula";
const NOTHING: readonly string[] = [];
/** What a row and a value cost besides their content, in memory or as JSON. */
const ROW_BYTES = 48;
const VALUE_BYTES = 8;
/** And a byte of a blob, which JSON has as a number. */
const BLOB_BYTE_BYTES = 8;

/** The queries of one open database. */
export class Queries {
  readonly #authorizer = new Authorizer();
  readonly #statements: Statements;
  readonly #counter: StatementSync;
  readonly #resets: readonly StatementSync[];
  readonly #size: StatementSync;
  readonly #pageBytes: number;
  #counts: Counts;
  #sizeBytes: number;

  constructor(db: DatabaseSync) {
    this.#statements = new Statements(db, this.#authorizer);
    this.#counter = db.prepare("SELECT total_changes() AS changes, last_insert_rowid() AS lastRowId");
    this.#counter.setReadBigInts(true);
    this.#size = db.prepare("PRAGMA page_count");
    this.#pageBytes = Number(db.prepare("PRAGMA page_size").get()?.page_size);
    this.#resets = Object.entries(SETTINGS).map(([name, value]) => db.prepare(`PRAGMA ${name} = ${value}`));
    for (const each of this.#resets) each.setReadBigInts(true);
    this.#counts = this.#count();
    this.#sizeBytes = this.#measure();
    db.setAuthorizer(this.#authorizer.callback);
  }

  /** How a call must run. What cannot be prepared yet, or not at all, shows when it does. */
  kindOf(queries: readonly D1Query[]): WorkKind {
    let kind: WorkKind = "read";
    for (const { sql } of queries) {
      for (const statement of split(sql)) {
        try {
          const { traits } = this.#statements.prepare(statement);
          if (traits.isSetting) return "alone";
          if (!traits.isRead) kind = "write";
        } catch {
          // because what stands before it may make the table that it needs
          kind = "write";
        }
      }
    }
    return kind;
  }

  /**
   * Runs all of them, or throws at the first that fails. `isAgain`: they have run, and were taken back.
   * @throws {FailedQuery}
   */
  run(queries: readonly D1Query[], { isAgain = false } = {}): D1Rows[] {
    if (isAgain) this.#recall();
    const room = { leftBytes: MAX_D1_ANSWER_BYTES };
    const before = this.#counts;
    const results = queries.map(({ sql, params = [] }, at) => {
      try {
        return this.#runQuery(split(sql), params, room);
      } catch (thrown) {
        this.#recall();
        throw new FailedQuery(at, thrown);
      }
    });
    // Once for all of them: asked after each, it would cost as much as the insert of a row.
    if (this.#counts !== before) this.#sizeBytes = this.#measure();
    for (const { meta } of results) meta.size_after = this.#sizeBytes;
    return results;
  }

  /** What was done is undone: tables and counts may be others than they were. */
  #recall(): void {
    this.#statements.forget();
    this.#counts = this.#count();
    this.#sizeBytes = this.#measure();
  }

  /** Puts back what pragmas have set; outside of a transaction. */
  reset(): void {
    this.#authorizer.trust(() => {
      for (const each of this.#resets) each.run();
    });
  }

  #runQuery(statements: readonly string[], params: readonly D1Value[], room: { leftBytes: number }): Result {
    const before = this.#counts;
    const startMs = performance.now();
    let result = { columns: NOTHING, rows: [] as (readonly unknown[])[] };
    let scanned = 0;
    let isRead = true;
    let isSchema = false;
    for (const [i, sql] of statements.entries()) {
      const prepared = this.#statements.prepare(sql);
      const isLast = i === statements.length - 1;
      if (!isLast && prepared.hasParameters) throw new QueryError(ONLY_LAST);
      result = {
        columns: prepared.columns,
        rows: this.#collect(prepared, isLast ? params : [], room),
      };
      scanned += Math.max(result.rows.length, prepared.statement.stat("fullscanStep"));
      prepared.statement.resetStats();
      if (!prepared.traits.isRead) isRead = false;
      if (!prepared.traits.isSchema) continue;
      isSchema = true;
      this.#statements.forget();
    }
    if (!isRead) this.#counts = this.#count();
    return { ...result, meta: toMeta(before, this.#counts, { startMs, scanned, isSchema }) };
  }

  #collect(prepared: Prepared, params: readonly D1Value[], room: { leftBytes: number }): (readonly unknown[])[] {
    const { leftBytes } = room;
    try {
      return collect(prepared.rows(params), room);
    } catch (thrown) {
      if (!prepared.traits.isRead || !isTooLarge(thrown)) throw thrown;
    }
    // An integer beyond 2^53: again, with what JSON makes of it.
    room.leftBytes = leftBytes;
    prepared.statement.setReadBigInts(true);
    try {
      return collect(prepared.rows(params), room);
    } finally {
      prepared.statement.setReadBigInts(false);
    }
  }

  #count(): Counts {
    const row = this.#authorizer.trust(() => this.#counter.get());
    return { changes: Number(row?.changes), lastRowId: Number(row?.lastRowId) };
  }

  #measure(): number {
    return this.#pageBytes * Number(this.#authorizer.trust(() => this.#size.get())?.page_count);
  }
}

/** Statements of a query. The split is for those that may be several. */
function split(sql: string): readonly string[] {
  const end = sql.indexOf(";");
  if (end < 0 || sql.slice(end + 1).trim() === "") return [sql];
  return splitStatements(sql).map((each) => each.sql);
}

/** Whether a query is left out, as D1 does with empty ones. */
export function isBlank({ sql }: D1Query): boolean {
  // The comment may be missing, so that white space is looked at once, however much of it there is.
  return (sql.includes("--") ? sql.replace(/^\s+(?:--.*)?/gm, "") : sql).trim() === "";
}

function collect(rows: Iterable<readonly unknown[]>, room: { leftBytes: number }): (readonly unknown[])[] {
  const all: (readonly unknown[])[] = [];
  for (const row of rows) {
    room.leftBytes -= ROW_BYTES;
    all.push(row.map((value) => toJson(value, room)));
    if (room.leftBytes < 0) throw new QueryError(`The result is larger than ${MAX_D1_ANSWER_BYTES} bytes.`);
  }
  return all;
}

function toJson(value: unknown, room: { leftBytes: number }): unknown {
  room.leftBytes -= VALUE_BYTES;
  if (typeof value === "string") room.leftBytes -= value.length;
  else if (typeof value === "bigint") return Number(value);
  else if (value instanceof Uint8Array) {
    room.leftBytes -= BLOB_BYTE_BYTES * value.byteLength;
    return room.leftBytes < 0 ? null : Array.from(value);
  }
  return value;
}

function isTooLarge(thrown: unknown): boolean {
  return findErrno(thrown) === "ERR_OUT_OF_RANGE";
}

function toMeta(
  before: Counts,
  after: Counts,
  { startMs, scanned, isSchema }: { startMs: number; scanned: number; isSchema: boolean },
): Result["meta"] {
  const changes = after.changes - before.changes;
  return {
    served_by: SERVED_BY,
    duration: performance.now() - startMs,
    changes,
    last_row_id: after.lastRowId,
    changed_db: isSchema || changes !== 0 || after.lastRowId !== before.lastRowId,
    size_after: 0,
    rows_read: scanned,
    rows_written: changes,
  };
}
