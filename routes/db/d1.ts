/**
 * As much of a D1 database as this site asks of one: what Cloudflare, Nebula and `routes/elsewhere/sqlite.ts` all have.
 *
 * @see https://developers.cloudflare.com/d1/worker-api/
 */

export interface D1Result {
  readonly success: boolean;
  readonly results: readonly Readonly<Record<string, unknown>>[];
  readonly meta: { readonly changes: number; readonly last_row_id: number };
}

export interface D1Statement {
  bind(...values: readonly unknown[]): D1Statement;
  run(): Promise<D1Result>;
  all(): Promise<D1Result>;
  raw(): Promise<unknown[][]>;
  first(column?: string): Promise<unknown>;
}

export interface D1Database {
  prepare(sql: string): D1Statement;
  /** One transaction: all of them, or none. */
  batch(statements: readonly D1Statement[]): Promise<D1Result[]>;
}
