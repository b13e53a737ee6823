/**
 * `nebula d1 migrations create`: an empty file with the next number. Needs no node.
 */

import { mkdir, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { DEFAULT_MIGRATIONS_DIR, isMigrationName } from "../../model/migrations.ts";
import { usageError } from "../args.ts";
import { defineCommand } from "../command.ts";
import { readLocalMigrations } from "../local-migrations.ts";
import { DATABASE_ARGS } from "../named-storage.ts";

const { database, env } = DATABASE_ARGS;

export default defineCommand({
  meta: {
    name: "d1 migrations create",
    about: "Makes an empty migration with the next number in the folder of a database, as wrangler does.",
    examples: [{ line: "nebula d1 migrations create DB 'add votes'", summary: "migrations/0002_add_votes.sql" }],
  },
  args: { database, message: { type: "positional", summary: "What it does" }, env },
  async run({ args, io, print }) {
    const { project, dir, files } = await readLocalMigrations(args, io.cwd);
    const numbers = files.map(({ name }) => Number.parseInt(name, 10)).filter((number) => !Number.isNaN(number));
    const number = String(Math.max(0, ...numbers) + 1).padStart(4, "0");
    const name = `${number}_${args.message.trim().replaceAll(/\s+/g, "_")}.sql`;
    if (!isMigrationName(name)) throw usageError(`Cannot make "${name}": a file cannot have this name`);
    const folder = dir ?? resolve(project.dir, DEFAULT_MIGRATIONS_DIR);
    await mkdir(folder, { recursive: true });
    const path = join(folder, name);
    await writeFile(path, `-- Migration number: ${number} \t ${new Date().toISOString()}\n`, { flag: "wx" });
    const shown = relative(io.cwd, path);
    print.result({ file: shown }, shown);
    return 0;
  },
});
