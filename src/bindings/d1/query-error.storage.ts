/**
 * What D1 itself refuses, before or after SQLite.
 */

/** A refusal in words for whoever wrote the SQL. */
export class QueryError extends Error {
  override readonly name = "QueryError";
}
