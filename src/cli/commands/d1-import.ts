/**
 * `nebula d1 import`: a file of SQL into a database, as an export or a dump of sqlite3 is.
 */

import { resolve } from "node:path";
import { queryDatabase } from "../../client/storage.ts";
import { NebulaError } from "../../model/errors.ts";
import { type SqlStatement, splitStatements } from "../../model/sql-statements.ts";
import { MAX_QUERIES, MAX_QUERY_BYTES } from "../../model/storage-api.ts";
import { formatMs, MIB } from "../../model/units.ts";
import { usageError } from "../args.ts";
import { defineCommand } from "../command.ts";
import { NODE_ENV } from "../common-args.ts";
import { decodeText, readInput } from "../files.ts";
import { DATABASE_ARGS, reachDatabase } from "../named-storage.ts";

const MAX_FILE_BYTES = 384 * MIB;
/** One transaction: what JSON makes of it has to fit a request. */
const PART_BYTES = MAX_QUERY_BYTES / 2;
/** Rows may come before those that they refer to. */
const DEFER = "PRAGMA defer_foreign_keys = TRUE";
/** What the transaction does that everything runs in. */
const TRANSACTION = /^(?:(?:BEGIN|COMMIT|END)\b|PRAGMA\s+(?:defer_)?foreign_keys\b)/i;

export default defineCommand({
  meta: {
    name: "d1 import",
    about:
      "Runs a file of SQL in a database of the running node. Up to 12 MiB it is one transaction; a larger file is several, in its " +
      "order, and a failure tells the line it came to. Dumps of sqlite3 are taken as they are.",
    examples: [{ line: "nebula d1 import DB memes.sql", summary: "what nebula d1 export has written" }],
    env: NODE_ENV,
  },
  args: {
    ...DATABASE_ARGS,
    file: { type: "positional", summary: "The file; - is standard input" },
  },
  async run({ args, io, print, signal }) {
    const { file } = args;
    const startMs = performance.now();
    const where = { path: resolve(io.cwd, file), shown: file };
    const text = decodeText(await readInput(where, { stdin: io.stdin, maxBytes: MAX_FILE_BYTES }), file);
    const statements = splitStatements(text).filter(({ sql }) => !TRANSACTION.test(sql));
    const ordered = isDump(statements) ? toTablesFirst(statements) : statements;
    if (statements.length === 0) throw usageError(`Cannot import "${file}": there is no statement in it`);
    const { client, place } = await reachDatabase(args, io);
    let done = 0;
    for (const part of toParts(ordered)) {
      const queries = [{ sql: DEFER }, ...part.map(({ sql }) => ({ sql }))];
      await queryDatabase(client, place, { queries, signal }).catch((thrown: unknown) => {
        throw withLine(thrown, { part, file, done });
      });
      done += part.length;
    }
    const took = formatMs(performance.now() - startMs);
    print.result({ database: place.id, statements: done }, `imported ${done} statements into ${place.id} in ${took}`);
    return 0;
  },
});

/** Nothing in it takes anything away, so that tables may be made before their turn. */
function isDump(statements: readonly SqlStatement[]): boolean {
  return statements.every(({ sql }) => /^(?:CREATE|INSERT|ANALYZE|DELETE FROM "?sqlite_sequence)\b/i.test(sql));
}

/** Dumps make each table before its own rows; those may refer to a table that comes later. */
function toTablesFirst(statements: readonly SqlStatement[]): readonly SqlStatement[] {
  const isTable = ({ sql }: SqlStatement) => /^CREATE TABLE\b(?!.*\bAS\s+(?:SELECT|WITH|VALUES)\b)/is.test(sql);
  return [...statements.filter(isTable), ...statements.filter((each) => !isTable(each))];
}

function* toParts(statements: readonly SqlStatement[]): Generator<readonly SqlStatement[]> {
  let part: SqlStatement[] = [];
  let bytes = 0;
  for (const statement of statements) {
    const size = Buffer.byteLength(statement.sql);
    if (part.length > 0 && (bytes + size > PART_BYTES || part.length >= MAX_QUERIES - 1)) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(statement);
    bytes += size;
  }
  if (part.length > 0) yield part;
}

function withLine(
  thrown: unknown,
  { part, file, done }: { part: readonly SqlStatement[]; file: string; done: number },
): unknown {
  if (!(thrown instanceof NebulaError) || thrown.code !== "NEBULA_SQL_FAILED") return thrown;
  const { details, message } = thrown;
  // The first is ours.
  const line = part[Number(details.index) - 1]?.line;
  const why = typeof details.sqlite === "string" ? details.sqlite : message;
  return new NebulaError(
    "NEBULA_SQL_FAILED",
    `Cannot import "${file}": ${line === undefined ? "" : `line ${line}: `}${why}`,
    {
      hint: done === 0 ? "Nothing was changed" : `What stands before line ${part[0]?.line} is in the database`,
      details,
      cause: thrown,
    },
  );
}
