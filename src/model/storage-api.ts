/**
 * Databases, namespaces and backups on the control port, as plain data.
 *
 *     POST   /v1/d1/:id/query         QueryRequest                  → QueryAnswer
 *     GET    /v1/d1/:id/migrations?table=                           → MigrationList
 *     POST   /v1/d1/:id/migrations    MigrateRequest                → MigrateAnswer
 *     GET    /v1/d1/:id/export?schema=&data=&table=                 → SQL, as it comes
 *     …      /v1/kv/:id/value|keys    as functions ask them (kv.ts)
 *     POST   /v1/backup?key=                                        → a tar, as it comes
 */

import type { SqlResult, SqlValue } from "./databases.ts";
import { MIB } from "./units.ts";

/** A value on the wire: a blob is a list of its bytes. */
export type WireValue = Exclude<SqlValue, Uint8Array> | readonly number[];

/** Statements for one transaction. */
export interface QueryRequest {
  readonly queries: readonly { readonly sql: string; readonly params?: readonly WireValue[] }[];
}

/** What one statement did. */
export interface QueryResult extends Omit<SqlResult, "rows"> {
  readonly rows: readonly (readonly WireValue[])[];
}

/** What each statement did. */
export interface QueryAnswer {
  readonly results: readonly QueryResult[];
}

/** What has been applied, in that order. */
export interface MigrationList {
  readonly applied: readonly { readonly name: string; readonly appliedAt: string }[];
}

/** Files to apply where they have not been. */
export interface MigrateRequest {
  readonly table: string;
  readonly files: readonly { readonly name: string; readonly sql: string }[];
}

/** Which have been applied now. */
export interface MigrateAnswer {
  readonly applied: readonly string[];
}

/** The last line of an export that is whole; SQL takes it for a comment. */
export const EXPORT_END = "-- end of export";
/** Begins the last line of one that is not; the reason follows as JSON. */
export const EXPORT_FAILED = "-- export failed: ";

/** Statements of one request. */
export const MAX_QUERIES = 10_000;
/** All of them with their values: the rest of what a database takes at once is for the JSON around them. */
export const MAX_QUERY_BYTES = 24 * MIB;
