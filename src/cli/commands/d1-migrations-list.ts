/**
 * `nebula d1 migrations list`: which files of the folder a database has.
 */

import { listMigrations } from "../../client/storage.ts";
import { defineCommand } from "../command.ts";
import { NODE_ENV } from "../common-args.ts";
import { readLocalMigrations } from "../local-migrations.ts";
import { reachNode } from "../named-function.ts";
import { DATABASE_ARGS } from "../named-storage.ts";
import { formatTable } from "../style.ts";

const { database, env, stateDir } = DATABASE_ARGS;

export default defineCommand({
  meta: {
    name: "d1 migrations list",
    about: "Lists the migrations of a database: those of its folder, and when the running node has applied them.",
    examples: [{ line: "nebula d1 migrations list DB", summary: "of the binding DB of this folder" }],
    env: NODE_ENV,
  },
  args: { database, env, stateDir },
  async run({ args, io, print, signal }) {
    const { place, table, files } = await readLocalMigrations(args, io.cwd);
    const client = await reachNode(args.stateDir, io);
    const applied = await listMigrations(client, place, { table, signal });
    const times = new Map(applied.map(({ name, appliedAt }) => [name, appliedAt]));
    const gone = applied.filter(({ name }) => !files.some((file) => file.name === name)).map(({ name }) => name);
    const migrations = [...gone, ...files.map(({ name }) => name)].map((name) => ({
      name,
      appliedAt: times.get(name) ?? null,
      ...(gone.includes(name) && { isGone: true }),
    }));
    const rows = migrations.map(({ name, appliedAt, isGone }) => [
      name,
      `${appliedAt ?? "not applied"}${isGone ? " (its file is gone)" : ""}`,
    ]);
    const text = rows.length === 0 ? "no migrations" : formatTable([["migration", "applied"], ...rows]);
    print.result({ database: place.id, migrations }, text);
    return 0;
  },
});
