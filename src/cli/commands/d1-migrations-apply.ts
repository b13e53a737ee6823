/**
 * `nebula d1 migrations apply`: brings a database on without a deployment.
 */

import { applyMigrations } from "../../client/storage.ts";
import { defineCommand } from "../command.ts";
import { NODE_ENV } from "../common-args.ts";
import { readLocalMigrations } from "../local-migrations.ts";
import { reachNode } from "../named-function.ts";
import { DATABASE_ARGS } from "../named-storage.ts";

const { database, env, stateDir } = DATABASE_ARGS;

export default defineCommand({
  meta: {
    name: "d1 migrations apply",
    about:
      "Applies the migrations of a database's folder that the running node has not applied: in the order of their names, each as one " +
      "transaction. Every deployment does the same, so this is for a database that no function of this folder has yet.",
    examples: [{ line: "nebula d1 migrations apply DB", summary: "of the binding DB of this folder" }],
    env: NODE_ENV,
  },
  args: { database, env, stateDir },
  async run({ args, io, print, signal }) {
    const { place, table, files } = await readLocalMigrations(args, io.cwd);
    const client = await reachNode(args.stateDir, io);
    const applied = await applyMigrations(client, place, { table, files, signal });
    const text = applied.length === 0 ? "nothing to apply" : applied.map((name) => `applied ${name}`).join("\n");
    print.result({ database: place.id, applied }, text);
    return 0;
  },
});
