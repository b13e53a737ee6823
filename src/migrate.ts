/**
 * Brings databases to the form that a function expects: files of SQL, each applied once, in their order.
 *
 *     CREATE TABLE IF NOT EXISTS d1_migrations …  ─▶  SELECT name  ─▶  for each file that is not there:
 *                                                     one transaction { its statements, INSERT its name }
 *
 * The table is wrangler's, so a database can move between it and a node. One database is brought on by one at a time.
 */

import type { Databases } from "./model/databases.ts";
import { NebulaError, toNebulaError } from "./model/errors.ts";
import type { Migrations } from "./model/migrations.ts";
import type { BlobReader } from "./model/ports.ts";
import { quoteName, type SqlStatement, splitStatements } from "./model/sql-statements.ts";
import { Turns } from "./model/turns.ts";

/** Files on their way into a database. */
export interface PendingMigrations {
  /** Its id. */
  readonly database: string;
  readonly table: string;
  /** In the order in which they are applied. */
  readonly files: readonly { readonly name: string; readonly sql: string }[];
}

/** What has been applied, as the table has it. */
export interface AppliedMigration {
  readonly name: string;
  /** In UTC, as SQLite writes it: `2026-11-21 10:30:00`. */
  readonly appliedAt: string;
}

/** Applies migrations. */
export class Migrator {
  readonly #databases: Databases;
  readonly #turns = new Turns();

  constructor(databases: Databases) {
    this.#databases = databases;
  }

  /** What has been applied, in that order; nothing where there is no table yet, and none is made. */
  async list({ database, table }: Pick<PendingMigrations, "database" | "table">): Promise<readonly AppliedMigration[]> {
    const sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?";
    const [found] = await this.#databases.run(database, [{ sql, params: [table] }]);
    return (found?.rows.length ?? 0) === 0 ? [] : await this.#listApplied(database, table);
  }

  /**
   * Applies those that have not been; their names, in that order. When one fails, those before it stay applied.
   *
   * @throws {NebulaError} NEBULA_MIGRATION_FAILED with file, line and SQLite's reason; what `Databases.run` throws besides.
   */
  async apply(
    { database, table, files }: PendingMigrations,
    { signal }: { signal: AbortSignal },
  ): Promise<readonly string[]> {
    return await this.#turns.take(database, async () => {
      signal.throwIfAborted();
      await this.#databases.run(database, [{ sql: toTable(table) }]);
      const applied = new Set((await this.#listApplied(database, table)).map(({ name }) => name));
      const pending = files.filter(({ name }) => !applied.has(name));
      for (const { name, sql } of pending) {
        signal.throwIfAborted();
        await this.#applyOne({ database, table, name, statements: splitStatements(sql) });
      }
      return pending.map(({ name }) => name);
    });
  }

  async #listApplied(database: string, table: string): Promise<readonly AppliedMigration[]> {
    const sql = `SELECT name, applied_at FROM ${quoteName(table)} ORDER BY id`;
    const [result] = await this.#databases.run(database, [{ sql }]);
    return (result?.rows ?? []).map(([name, appliedAt]) => ({ name: String(name), appliedAt: String(appliedAt) }));
  }

  async #applyOne({
    database,
    table,
    name,
    statements,
  }: {
    database: string;
    table: string;
    name: string;
    statements: readonly SqlStatement[];
  }): Promise<void> {
    const note = { sql: `INSERT INTO ${quoteName(table)} (name) VALUES (?)`, params: [name] };
    try {
      await this.#databases.run(database, [...statements.map(({ sql }) => ({ sql })), note]);
    } catch (thrown) {
      throw toMigrationError(toNebulaError(thrown), { database, name, statements });
    }
  }
}

/** Reads the files of a deployment. */
export async function readMigrations(
  { database, table, files }: Migrations,
  blobs: BlobReader,
): Promise<PendingMigrations> {
  const read = [];
  for (const { name, digest } of files) read.push({ name, sql: new TextDecoder().decode(await blobs.read(digest)) });
  return { database, table, files: read };
}

/** Files that were there before with another text: what has been applied is not applied again. */
export function listChanged(
  before: readonly Migrations[] = [],
  now: readonly Migrations[] = [],
): readonly { readonly database: string; readonly name: string }[] {
  const toKey = (database: string, table: string, name: string) => JSON.stringify([database, table, name]);
  const known = new Map(
    before.flatMap(({ database, table, files }) =>
      files.map(({ name, digest }) => [toKey(database, table, name), digest] as const),
    ),
  );
  return now.flatMap(({ database, table, files }) =>
    files
      .filter(({ name, digest }) => (known.get(toKey(database, table, name)) ?? digest) !== digest)
      .map(({ name }) => ({ database, name })),
  );
}

function toTable(table: string): string {
  return `CREATE TABLE IF NOT EXISTS ${quoteName(table)} (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT UNIQUE,
    applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
  )`;
}

interface Failed {
  readonly database: string;
  readonly name: string;
  readonly statements: readonly SqlStatement[];
}

/** What is no fault of the SQL keeps its code. */
function toMigrationError(error: NebulaError, { database, name, statements }: Failed): NebulaError {
  const { code, message, hint, details } = error;
  const what = `Cannot apply "${name}" to the database "${database}"`;
  const options = { hint, details: { ...details, database, migration: name }, cause: error };
  if (code !== "NEBULA_SQL_FAILED") return new NebulaError(code, `${what}: ${message}`, options);
  const line = statements[Number(details.index)]?.line;
  const reason = typeof details.sqlite === "string" ? details.sqlite : message;
  return new NebulaError("NEBULA_MIGRATION_FAILED", `${what}: ${line === undefined ? "" : `line ${line}: `}${reason}`, {
    ...options,
    hint: "Nothing of this file was kept, and what served before serves on; correct it and deploy again",
  });
}
