/**
 * Step "migrations": the `.sql` files of each database, in the order in which they are applied.
 *
 *     migrations/0000_memes.sql  migrations/0001_votes.sql       what else lies in the folder stays behind
 */

import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import type { ProjectDatabase } from "../../model/function.ts";
import {
  compareMigrations,
  isMigrationName,
  MAX_MIGRATION_BYTES,
  MAX_MIGRATIONS,
  type MigrationFile,
  type Migrations,
} from "../../model/migrations.ts";
import { formatBytes } from "../../model/units.ts";
import { type BlobSource, toBlob } from "../blob-source.ts";
import { buildFailed, type Step } from "../step.ts";

/** Which databases. */
export interface MigrationsOptions {
  /** Messages show paths relative to it. */
  readonly projectDir: string;
  readonly databases: readonly ProjectDatabase[];
}

/** The step fails with NEBULA_BUILD_FAILED, which names folder or file, when something cannot go along. */
export function openMigrationsStep({ projectDir, databases }: MigrationsOptions): Step {
  return {
    async run({ signal }) {
      const found = new Map<string, Migrations>();
      const sources = new Map<MigrationFile["digest"], BlobSource>();
      const dirs = databases.flatMap(({ migrationsDir }) => migrationsDir ?? []);
      for (const database of databases) {
        signal.throwIfAborted();
        const { id, migrationsTable: table } = database;
        const files: MigrationFile[] = [];
        for (const { name, content } of await readMigrations(database, projectDir)) {
          const blob = toBlob(content);
          files.push({ name, ...blob });
          sources.set(blob.digest, { from: "memory", content });
        }
        const key = JSON.stringify([id, table]);
        const before = found.get(key);
        if (before !== undefined && JSON.stringify(before.files) !== JSON.stringify(files)) {
          throw buildFailed(
            "migrations",
            `Cannot take the migrations of "${id}" along: two bindings name it with others`,
          );
        }
        if (files.length > 0) found.set(key, { database: id, table, files });
      }
      const migrations = [...found.values()];
      const count = migrations.reduce((sum, { files }) => sum + files.length, 0);
      return { migrations, blobs: sources, inputs: dirs, note: count === 1 ? "1 file" : `${count} files` };
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** The files of one database, in the order in which they are applied. Throws as the step does. */
export async function readMigrations(
  { binding, migrationsDir: dir, isNamed }: ProjectDatabase,
  projectDir: string,
): Promise<{ name: string; content: Uint8Array }[]> {
  if (dir === undefined) return [];
  const shown = relative(projectDir, dir) || ".";
  const names = await readdir(dir).catch((cause: unknown) => {
    if (isNamed !== true) return [];
    throw buildFailed("migrations", `Cannot read the migrations of "${binding}": there is no folder "${shown}"`, {
      cause,
    });
  });
  const files = names.filter((name) => name.endsWith(".sql")).map((name) => ({ name }));
  if (files.length > MAX_MIGRATIONS) {
    throw buildFailed("migrations", `Cannot take "${shown}" along: it has more than ${MAX_MIGRATIONS} migrations`);
  }
  const read = [];
  for (const { name } of files.sort(compareMigrations)) {
    read.push({ name, content: await readMigration(join(dir, name), { name, shown: join(shown, name) }) });
  }
  return read;
}

async function readMigration(path: string, { name, shown }: { name: string; shown: string }): Promise<Uint8Array> {
  const refuse = (why: string) => buildFailed("migrations", `Cannot take "${shown}" along: ${why}`);
  if (!isMigrationName(name)) throw refuse("a migration cannot have this name");
  const found = await stat(path);
  if (!found.isFile()) throw refuse("it is not a file");
  if (found.size > MAX_MIGRATION_BYTES) throw refuse(`it is larger than ${formatBytes(MAX_MIGRATION_BYTES)}`);
  const content = await readFile(path);
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(content);
  } catch {
    throw refuse("it is not valid UTF-8");
  }
  return content;
}
