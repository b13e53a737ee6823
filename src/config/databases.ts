/**
 * Which databases a project has, and where their migrations are.
 */

import { resolve } from "node:path";
import type { ProjectDatabase } from "../model/function.ts";
import { DEFAULT_MIGRATIONS_DIR, isMigrationsTable } from "../model/migrations.ts";
import { readPath } from "./build-settings.ts";
import { Findings } from "./findings.ts";
import { readKind } from "./folder.ts";
import { findSetting, type Settings } from "./settings.ts";
import { readDatabases } from "./state-bindings.ts";
import { findChild, findText, listElements } from "./value.ts";

/** What decides what the paths mean. */
export interface DatabasesOptions {
  /** The name of the function. */
  readonly owner: string;
  /** Absolute. */
  readonly dir: string;
  /** A build command may be what makes the files. */
  readonly isMade: boolean;
  readonly findings: Findings;
}

/** Reads them. Notes folders that are named and not there; one that is not named may be missing. */
export async function readProjectDatabases(
  settings: Settings,
  { owner, dir, isMade, findings }: DatabasesOptions,
): Promise<readonly ProjectDatabase[]> {
  for (const each of listElements(findSetting(settings, "d1_databases"))) {
    const table = findChild(each, "migrations_table");
    const name = findText(table);
    if (table === undefined || name === undefined || isMigrationsTable(name)) continue;
    findings.onValue(table.path, "must be letters, digits and '_', at most 128, and no digit first");
  }
  // What is wrong with their ids has been told where the bindings were read.
  const databases = readDatabases(owner, settings, new Findings(dir));
  return await Promise.all(
    databases.map(async ({ name, id, title, migrations: { dir: named, table } }) => {
      const isThere = async (path: string) => isMade || (await readKind(path)) === "folder";
      const byDefault = resolve(dir, DEFAULT_MIGRATIONS_DIR);
      const migrationsDir =
        named === undefined
          ? (await isThere(byDefault)) && byDefault
          : isMade
            ? resolve(dir, findText(named) ?? ".")
            : await readPath(named, { dir, kind: "folder", findings });
      return {
        binding: name,
        id,
        ...(title !== undefined && { title }),
        ...(migrationsDir && { migrationsDir, isNamed: named !== undefined }),
        migrationsTable: table,
      };
    }),
  );
}
