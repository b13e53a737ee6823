/**
 * `nebula d1 execute`: SQL for a database of the node, as one transaction.
 */

import { resolve } from "node:path";
import { queryDatabase } from "../../client/storage.ts";
import { NebulaError } from "../../model/errors.ts";
import { type SqlStatement, splitStatements } from "../../model/sql-statements.ts";
import { MAX_QUERIES, MAX_QUERY_BYTES } from "../../model/storage-api.ts";
import { usageError } from "../args.ts";
import { defineCommand } from "../command.ts";
import { NODE_ENV } from "../common-args.ts";
import { decodeText, readInput } from "../files.ts";
import { DATABASE_ARGS, reachDatabase } from "../named-storage.ts";
import { formatResults, toJsonResults } from "../sql-table.ts";

export default defineCommand({
  meta: {
    name: "d1 execute",
    about:
      "Runs SQL in a database of the running node: all statements in one transaction, or none of them. With --json it " +
      "prints a list with the rows of each statement, as wrangler does.",
    examples: [
      { line: "nebula d1 execute DB --command 'SELECT * FROM memes'", summary: "the binding DB of this folder" },
      { line: "nebula d1 execute memes --id --file fix.sql --json", summary: "a file, a database by its id" },
    ],
    env: NODE_ENV,
  },
  args: {
    ...DATABASE_ARGS,
    command: { type: "text", value: "sql", summary: "The SQL" },
    file: { type: "text", value: "file", summary: "A file with the SQL; - is standard input" },
  },
  async run({ args, io, print, signal }) {
    const { command, file } = args;
    if ((command === undefined) === (file === undefined))
      throw usageError("Cannot run SQL: give it with --command, or a file with --file");
    const sql =
      command ??
      decodeText(
        await readInput(
          { path: resolve(io.cwd, file ?? ""), shown: file ?? "" },
          { stdin: io.stdin, maxBytes: MAX_QUERY_BYTES },
        ),
        file ?? "",
      );
    const statements = splitStatements(sql);
    if (statements.length === 0) throw usageError("Cannot run SQL: there is no statement in it");
    if (statements.length > MAX_QUERIES) {
      throw usageError(`Cannot run SQL: it has more than ${MAX_QUERIES} statements`, "See nebula d1 import --help");
    }
    const { client, place } = await reachDatabase(args, io);
    const queries = statements.map((each) => ({ sql: each.sql }));
    const results = await queryDatabase(client, place, { queries, signal }).catch((thrown: unknown) => {
      throw withLine(thrown, statements);
    });
    print.result(toJsonResults(results), formatResults(results));
    return 0;
  },
});

/** The failure of one statement, with the line on which it begins. */
function withLine(thrown: unknown, statements: readonly SqlStatement[]): unknown {
  if (!(thrown instanceof NebulaError) || thrown.code !== "NEBULA_SQL_FAILED") return thrown;
  const line = statements[Number(thrown.details.index)]?.line;
  if (line === undefined) return thrown;
  const why = typeof thrown.details.sqlite === "string" ? thrown.details.sqlite : thrown.message;
  return new NebulaError("NEBULA_SQL_FAILED", `Cannot run the statement on line ${line}: ${why}`, {
    hint: "Nothing was changed",
    details: { ...thrown.details, line },
    cause: thrown,
  });
}
