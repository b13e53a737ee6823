/**
 * `nebula d1 export`: a database as SQL, while it serves.
 */

import { resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { exportDatabase } from "../../client/storage.ts";
import { usageError } from "../args.ts";
import { defineCommand } from "../command.ts";
import { NODE_ENV } from "../common-args.ts";
import { writeWhole } from "../files.ts";
import { DATABASE_ARGS, reachDatabase } from "../named-storage.ts";

export default defineCommand({
  meta: {
    name: "d1 export",
    about:
      "Writes a database of the running node as SQL that makes it anew: nebula d1 import, wrangler and sqlite3 take it. It " +
      "is the database of one moment, whatever is written meanwhile. Tables of fts5 are written with what they search.",
    examples: [
      { line: "nebula d1 export DB --output memes.sql", summary: "tables and rows, to a file" },
      { line: "nebula d1 export DB --table memes --no-schema", summary: "the rows of one table" },
    ],
    env: NODE_ENV,
  },
  args: {
    ...DATABASE_ARGS,
    output: { type: "text", value: "file", summary: "Where to; standard output unless given" },
    table: { type: "list", value: "name", summary: "Only this table" },
    noSchema: { type: "flag", summary: "Only the rows" },
    noData: { type: "flag", summary: "Only the tables" },
  },
  async run({ args, io, print, signal }) {
    const { output, table: tables, noSchema, noData } = args;
    if (noSchema && noData) throw usageError("Cannot export: --no-schema and --no-data leave nothing");
    if (print.isJson && output === undefined) throw usageError("Cannot export: --json needs --output");
    const { client, place } = await reachDatabase(args, io);
    const sql = exportDatabase(client, place, { tables, withSchema: !noSchema, withData: !noData, signal });
    if (output === undefined) {
      await pipeline(sql, io.stdout, { signal, end: false });
      return 0;
    }
    await writeWhole({ path: resolve(io.cwd, output), shown: output }, sql);
    print.result({ database: place.id, output }, `exported ${place.id} to ${output}`);
    return 0;
  },
});
