/**
 * Migrations: SQL files that bring a database from one form to the next. They travel with a deployment.
 */

import type { Blob } from "./artifact.ts";
import { MIB } from "./units.ts";

/** One file; it is applied once, as one transaction. */
export interface MigrationFile extends Blob {
  /** Without its folder: `0001_memes.sql`. */
  readonly name: string;
}

/** The migrations of one database. */
export interface Migrations {
  /** The database's id. */
  readonly database: string;
  /** In the database: which files have been applied. */
  readonly table: string;
  /** In the order in which they are applied. */
  readonly files: readonly MigrationFile[];
}

/** wrangler's own. */
export const DEFAULT_MIGRATIONS_DIR = "migrations";
/** wrangler's own. */
export const DEFAULT_MIGRATIONS_TABLE = "d1_migrations";

/** Of one database. */
export const MAX_MIGRATIONS = 1_000;
/** Of one file: it is held in memory, and applied in one transaction. */
export const MAX_MIGRATION_BYTES = 4 * MIB;

/** Whether a file may be a migration. The name stands in messages and in a table. */
export function isMigrationName(name: unknown): name is string {
  return typeof name === "string" && /^[^\p{Cc}/\\]{1,200}\.sql$/u.test(name);
}

/** Whether a table may have this name: it stands in statements. */
export function isMigrationsTable(name: unknown): name is string {
  return typeof name === "string" && /^(?!sqlite_)[A-Za-z_]\w{0,127}$/i.test(name);
}

/** The order in which files are applied: by name, as wrangler does. */
export function compareMigrations(one: { readonly name: string }, other: { readonly name: string }): number {
  return one.name < other.name ? -1 : one.name > other.name ? 1 : 0;
}
