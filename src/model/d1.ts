/**
 * D1 databases: what a function's side and the storage agree on. Limits and words are Cloudflare's.
 *
 *     POST http://d1/query   D1Query[]   ─▶   D1Answer       all of them in one transaction
 *
 * @see https://developers.cloudflare.com/d1/platform/limits/
 */

import { MIB } from "./units.ts";

/** What databases are asked at; no request leaves the node for it. */
export const D1_URL = "http://d1/query";

/** A value that is bound: a blob is a list of its bytes. */
export type D1Value = null | number | string | readonly number[];

/** One piece of SQL: a statement, or several of which the last may have values. */
export interface D1Query {
  readonly sql: string;
  readonly params?: readonly D1Value[];
}

/** What a query did, and what it cost. */
export interface D1Meta {
  readonly served_by: string;
  /** Milliseconds within SQLite. */
  readonly duration: number;
  /** Rows inserted, updated and deleted, by triggers and foreign keys too. */
  readonly changes: number;
  readonly last_row_id: number;
  readonly changed_db: boolean;
  /** Bytes of the database. */
  readonly size_after: number;
  /** As SQLite tells it: steps of full scans, or the rows of the result where there are more. */
  readonly rows_read: number;
  readonly rows_written: number;
}

/** The rows of one query. */
export interface D1Rows {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  readonly meta: D1Meta;
}

/** What a database answers: a result for each query, or what was wrong with one of them; then nothing is changed. */
export type D1Answer =
  | { readonly results: readonly D1Rows[]; readonly bookmark: string }
  /** In D1's words. `at`: which query it was, where that is known. */
  | { readonly error: string; readonly at?: number };

/** One call, batch or not. */
export const D1_CALL_MS = 30_000;
/** One database; Cloudflare's paid plan has as much. */
export const MAX_DATABASE_BYTES = 10_000_000_000;
/** All rows of one call, with what they cost in memory; as JSON it is less. */
export const MAX_D1_ANSWER_BYTES = 32 * MIB;
/** Queries of one call. */
export const MAX_D1_QUERIES = 10_000;
/** SQLite's own ceilings, by the names that `node:sqlite` has for them. Those that Cloudflare does not tell are workerd's. */
export const D1_SQLITE_LIMITS = {
  /** One text, blob or row. */
  length: 2_000_000,
  sqlLength: 100_000,
  variableNumber: 100,
  column: 100,
  functionArg: 32,
  likePatternLength: 50,
  exprDepth: 100,
  compoundSelect: 5,
  vdbeOp: 25_000,
  triggerDepth: 10,
} as const;
