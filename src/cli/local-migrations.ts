/**
 * The migrations of a database as this folder has them.
 */

import { readMigrations } from "../build/steps/collect-migrations.ts";
import type { ResourcePlace } from "../client/storage.ts";
import type { Project } from "../model/function.ts";
import { findDatabase } from "./named-storage.ts";

/** Which they are, and where they go. */
export interface LocalMigrations {
  readonly project: Project;
  readonly place: ResourcePlace;
  readonly table: string;
  /** Absolute; absent where there are none. */
  readonly dir: string | undefined;
  /** In the order in which they are applied. */
  readonly files: readonly { readonly name: string; readonly sql: string }[];
}

/** @throws {NebulaError} NEBULA_USAGE when there is no such database, NEBULA_BUILD_FAILED when a file cannot be read. */
export async function readLocalMigrations(
  named: { readonly database: string; readonly env: string | undefined },
  cwd: string,
): Promise<LocalMigrations> {
  const { project, database } = await findDatabase(named, cwd);
  const decoder = new TextDecoder();
  const files = (await readMigrations(database, project.dir)).map(({ name, content }) => ({
    name,
    sql: decoder.decode(content),
  }));
  return {
    project,
    place: { id: database.id, isConfigured: true },
    table: database.migrationsTable,
    dir: database.migrationsDir,
    files,
  };
}
