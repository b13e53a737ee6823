/**
 * Databases on the control port: SQL, migrations, exports. What goes over the wire is in model/storage-api.ts.
 */

import { Hono } from "hono";
import { type ExportOptions, exportSql, type RunSql } from "../bindings/d1/export-sql.ts";
import type { Migrator } from "../migrate.ts";
import type { Databases, SqlResult, SqlValue } from "../model/databases.ts";
import { NebulaError, toNebulaError } from "../model/errors.ts";
import { isMigrationName, isMigrationsTable, MAX_MIGRATIONS } from "../model/migrations.ts";
import { toOwnedStream } from "../model/owned-stream.ts";
import type { Log } from "../model/ports.ts";
import { between, type Check, either, hasShape, isNumber, isText, listOf, oneOf, optional } from "../model/shape.ts";
import {
  EXPORT_END,
  EXPORT_FAILED,
  MAX_QUERIES,
  type MigrateAnswer,
  type MigrateRequest,
  type MigrationList,
  type QueryAnswer,
  type QueryRequest,
  type QueryResult,
  type WireValue,
} from "../model/storage-api.ts";
import { MIB } from "../model/units.ts";
import { isResourceId } from "./deployment-input.ts";
import { invalid, readJson } from "./read-json.ts";

/** A database as it was at one moment, until it is disposed. */
export interface DatabaseSnapshot extends AsyncDisposable {
  readonly run: RunSql;
}

/** What the databases are asked through. */
export interface D1ApiParts {
  readonly databases: Databases;
  readonly migrator: Migrator;
  openSnapshot(id: string): Promise<DatabaseSnapshot>;
  readonly log: Log;
}

const BODY_LIMIT_BYTES = 32 * MIB;
const MAX_PARAMS = 1_000;
const MAX_TABLES = 1_000;

const isByte = between(0, 255);
const isValue: Check = either(oneOf(null), isText, isNumber, listOf(isByte));
const isQueryRequest = hasShape({
  queries: listOf(hasShape({ sql: isText, params: optional(listOf(isValue, MAX_PARAMS)) }), MAX_QUERIES),
});
const isMigrateRequest = hasShape({
  table: isMigrationsTable,
  files: listOf(hasShape({ name: isMigrationName, sql: isText }), MAX_MIGRATIONS),
});

/** Makes the routes, to be mounted below the version of the API. */
export function createD1Api({ databases, migrator, openSnapshot, log }: D1ApiParts): Hono {
  const app = new Hono();

  app.post("/d1/:id/query", async (c) => {
    const id = await toDatabaseId(c.req.param("id"), c.req.query("create"));
    const { queries } = await readShape<QueryRequest>(c.req.raw, isQueryRequest, '"queries"');
    const calls = queries.map(({ sql, params = [] }) => ({ sql, params: params.map(toSqlValue) }));
    const results = await databases.run(id, calls, { signal: c.req.raw.signal });
    return c.json({ results: results.map(toQueryResult) } satisfies QueryAnswer);
  });

  app.get("/d1/:id/migrations", async (c) => {
    const database = await toDatabaseId(c.req.param("id"), c.req.query("create"));
    const table = toTable(c.req.query("table"));
    return c.json({ applied: await migrator.list({ database, table }) } satisfies MigrationList);
  });

  app.post("/d1/:id/migrations", async (c) => {
    const database = await toDatabaseId(c.req.param("id"), c.req.query("create"));
    const { table, files } = await readShape<MigrateRequest>(c.req.raw, isMigrateRequest, '"table" or "files"');
    const applied = await migrator.apply({ database, table, files }, { signal: c.req.raw.signal });
    if (applied.length > 0) log.write("info", "migrations applied", { database, count: applied.length });
    return c.json({ applied } satisfies MigrateAnswer);
  });

  app.get("/d1/:id/export", async (c) => {
    const id = await toDatabaseId(c.req.param("id"), c.req.query("create"));
    const tables = c.req.queries("table") ?? [];
    if (tables.length > MAX_TABLES) throw invalid(`it names more than ${MAX_TABLES} tables`);
    const options = { tables, withSchema: c.req.query("schema") !== "no", withData: c.req.query("data") !== "no" };
    const text = exportFrom(await openSnapshot(id), options);
    // What is wrong with the request itself is told as any other failure is.
    const first = await text.next();
    const bytes = toOwnedStream(encode(first.done === true ? "" : first.value, text), () => text.return(undefined));
    return c.body(bytes, 200, { "content-type": "application/sql" });
  });

  /** A name that was mistyped is no wish for another database. */
  async function toDatabaseId(id: string, create: string | undefined): Promise<string> {
    if (!isResourceId(id)) throw invalid("its path does not name a database");
    if (create === "yes" || (await databases.list()).includes(id)) return id;
    throw new NebulaError("NEBULA_REQUEST_INVALID", `Cannot find a database "${id}" on this node`, {
      hint: "A database is made when a function that has it is deployed",
    });
  }

  return app;
}

async function* exportFrom(snapshot: DatabaseSnapshot, options: ExportOptions): AsyncGenerator<string> {
  await using source = snapshot;
  yield* exportSql(source.run, options);
}

/** The reader knows by the last line that it has everything: a failure in between only ends the connection. */
async function* encode(first: string, rest: AsyncGenerator<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  try {
    yield encoder.encode(first);
    for await (const text of rest) yield encoder.encode(text);
    yield encoder.encode(`${EXPORT_END}\n`);
  } catch (thrown) {
    yield encoder.encode(`${EXPORT_FAILED}${JSON.stringify(toNebulaError(thrown).message)}\n`);
  } finally {
    await rest.return(undefined);
  }
}

async function readShape<T>(request: Request, check: Check, what: string): Promise<T> {
  const value = await readJson(request, { limitBytes: BODY_LIMIT_BYTES });
  if (!check(value)) throw invalid(`${what} is missing or not as it should be`);
  return fromUnknown<T>(value);
}

function toTable(table: string | undefined): string {
  if (isMigrationsTable(table)) return table;
  throw invalid('"table" is not a name for a table of migrations');
}

function toSqlValue(value: WireValue): SqlValue {
  return typeof value === "object" && value !== null ? Uint8Array.from(value) : value;
}

function toQueryResult({ columns, rows, meta }: SqlResult): QueryResult {
  return {
    columns,
    rows: rows.map((row) => row.map((value) => (value instanceof Uint8Array ? Array.from(value) : value))),
    meta,
  };
}

/** Only after a check has looked at the value. */
function fromUnknown<T>(value: unknown): T {
  return value as T;
}
