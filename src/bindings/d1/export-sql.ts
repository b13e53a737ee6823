/**
 * A database as SQL that makes it anew: here, with wrangler, or with sqlite3.
 *
 *     PRAGMA defer_foreign_keys   tables   their rows   counters   full-text search   indexes   views   triggers
 *
 * Triggers come last, so that they do not run for rows that they have run for. Of full-text search only the table itself
 * is written, not its parts: one over another table is rebuilt from that. Asks page by page: whoever hands over `run` sees
 * to it that nobody writes meanwhile.
 */

import type { SqlCall, SqlResult, SqlValue } from "../../model/databases.ts";
import { NebulaError } from "../../model/errors.ts";
import { quoteName } from "../../model/sql-statements.ts";

/** Runs statements in the database that is exported. */
export type RunSql = (calls: readonly SqlCall[]) => Promise<readonly SqlResult[]>;

/** What is wanted of it. */
export interface ExportOptions {
  /** All unless given. */
  readonly tables?: readonly string[];
  readonly withSchema: boolean;
  readonly withData: boolean;
}

interface SchemaEntry {
  readonly type: string;
  readonly name: string;
  readonly table: string;
  readonly sql: string;
}

type Kind = "table" | "virtual" | "shadow" | "view";

const PAGE_ROWS = 1_000;
/** A statement of D1 may have 100 kB; of some texts a character has three bytes. */
const STATEMENT_LENGTH = 60_000;
const PIECE_LENGTH = 20_000;
const BYTES = /(?:[0-9A-F]{2}){1,10000}/g;
const CHARACTERS = /(?:''|[^']){1,10000}/gu;

/**
 * Writes a database, statement by statement.
 *
 * @throws {NebulaError} NEBULA_REQUEST_INVALID when a table is not there, NEBULA_SQL_FAILED when one cannot be written as SQL.
 */
export async function* exportSql(run: RunSql, options: ExportOptions): AsyncGenerator<string> {
  const { withSchema, withData } = options;
  const entries = await readSchema(run);
  const kinds = await readKinds(run);
  const kindOf = (name: string) => kinds.get(name) ?? "table";
  const wanted = toWanted(options, entries);
  const chosen = entries.filter(({ table }) => wanted === undefined || wanted.has(table));
  const tables = chosen.filter(({ type, name }) => type === "table" && kindOf(name) === "table");
  yield "PRAGMA defer_foreign_keys=TRUE;\n";
  // All tables first: a row cannot refer to one that is not there yet.
  if (withSchema) for (const { sql } of tables) yield `${sql};\n`;
  if (withData) for (const { name } of tables) yield* exportRows(run, name);
  if (withData) yield* exportCounters(run, new Set(tables.map(({ name }) => name)));
  for (const { name, sql } of chosen.filter((each) => each.type === "table" && kindOf(each.name) === "virtual")) {
    yield* exportSearch(run, { name, sql, options });
  }
  if (!withSchema) return;
  for (const type of ["index", "view", "trigger"]) {
    for (const { sql } of chosen.filter((each) => each.type === type)) yield `${sql};\n`;
  }
}

function toWanted({ tables }: ExportOptions, entries: readonly SchemaEntry[]): ReadonlySet<string> | undefined {
  if (tables === undefined || tables.length === 0) return undefined;
  const missing = tables.find((name) => !entries.some((each) => each.type === "table" && each.name === name));
  if (missing === undefined) return new Set(tables);
  throw new NebulaError("NEBULA_REQUEST_INVALID", `Cannot export "${missing}": the database has no such table`);
}

async function readSchema(run: RunSql): Promise<SchemaEntry[]> {
  const sql = `SELECT type, name, tbl_name, sql FROM sqlite_schema
    WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\' ORDER BY rowid`;
  const rows = await readRows(run, sql);
  return rows.map(([type, name, table, text]) => ({
    type: String(type),
    name: String(name),
    table: String(table),
    sql: String(text),
  }));
}

async function readKinds(run: RunSql): Promise<ReadonlyMap<string, Kind>> {
  const [result] = await run([{ sql: "PRAGMA table_list" }]);
  const name = result?.columns.indexOf("name") ?? -1;
  const type = result?.columns.indexOf("type") ?? -1;
  return new Map((result?.rows ?? []).map((row) => [String(row[name]), toKind(String(row[type]))]));
}

function toKind(type: string): Kind {
  return type === "virtual" || type === "shadow" || type === "view" ? type : "table";
}

/** Columns that a row is inserted with: those that are computed are not. */
async function readColumns(run: RunSql, table: string): Promise<{ names: string[]; all: string[] }> {
  const [result] = await run([{ sql: `PRAGMA table_xinfo(${quoteName(table)})` }]);
  const at = (column: string) => result?.columns.indexOf(column) ?? -1;
  const [name, hidden] = [at("name"), at("hidden")];
  const rows = result?.rows ?? [];
  return {
    all: rows.map((row) => String(row[name])),
    names: rows.filter((row) => row[hidden] === 0).map((row) => String(row[name])),
  };
}

async function* exportRows(run: RunSql, table: string, { withRowid = false } = {}): AsyncGenerator<string> {
  const { names, all } = await readColumns(run, table);
  const taken = new Set(all.map((name) => name.toLowerCase()));
  const rowid = ["rowid", "_rowid_", "oid"].find((name) => !taken.has(name));
  const into = [...(withRowid ? ["rowid"] : []), ...names.map(quoteName)];
  const head = `INSERT INTO ${quoteName(table)} (${into.join(",")}) VALUES`;
  const values = [...(withRowid ? ["rowid"] : []), ...names.map(quoteName)].map(toLiteral);
  let rows: string[] = [];
  let length = 0;
  const flush = () => {
    const statement = `${head}${rows.join(",\n")};\n`;
    rows = [];
    length = 0;
    return statement;
  };
  for await (const row of readPages(run, { table, values, rowid })) {
    const text = `(${row.map(String).join(",")})`;
    if (text.length > STATEMENT_LENGTH && rowid !== undefined) {
      if (rows.length > 0) yield flush();
      yield* toPieces(row.map(String), { head, into, target: `${quoteName(table)}`, rowid });
      continue;
    }
    if (rows.length > 0 && length + text.length > STATEMENT_LENGTH) yield flush();
    rows.push(text);
    length += text.length;
  }
  if (rows.length > 0) yield flush();
}

interface Pieces {
  readonly head: string;
  readonly into: readonly string[];
  readonly target: string;
  readonly rowid: string;
}

/** A row that is too long for one statement: begun by one, and added to by others. */
function* toPieces(row: readonly string[], { head, into, target, rowid }: Pieces): Generator<string> {
  const cut = row.map(cutLiteral);
  yield `${head}(${cut.map(([first]) => first).join(",")});\n`;
  for (const [i, [, ...rest]] of cut.entries()) {
    for (const piece of rest) {
      const whole = `${into[i]} || ${piece}`;
      const value = piece.startsWith("X") ? `CAST(${whole} AS BLOB)` : whole;
      yield `UPDATE ${target} SET ${into[i]} = ${value} WHERE ${rowid} = last_insert_rowid();\n`;
    }
  }
}

/** What SQLite's `quote` wrote, in pieces that together are the same value. */
function cutLiteral(literal: string): readonly [string, ...string[]] {
  const [, mark = "", content = ""] = /^(X?)'([\s\S]*)'$/.exec(literal) ?? [];
  if (literal.length <= PIECE_LENGTH || content === "") return [literal];
  // Neither a byte nor a quote that is written as two is torn, nor a character.
  const pieces = content.match(mark === "X" ? BYTES : CHARACTERS) ?? [];
  const [first = literal, ...rest] = pieces.map((piece) => `${mark}'${piece}'`);
  return [first, ...rest];
}

/** The value as SQL writes it; a text with a NUL would end there. */
function toLiteral(column: string): string {
  const isCut = `typeof(${column}) = 'text' AND instr(${column}, char(0)) > 0`;
  return `CASE WHEN ${isCut} THEN 'CAST(' || quote(CAST(${column} AS BLOB)) || ' AS TEXT)' ELSE quote(${column}) END`;
}

interface Page {
  readonly table: string;
  readonly values: readonly string[];
  /** What leads to the next page; absent where rows have none. */
  readonly rowid: string | undefined;
}

async function* readPages(run: RunSql, { table, values, rowid }: Page): AsyncGenerator<readonly SqlValue[]> {
  const name = quoteName(table);
  const isOrdered = rowid !== undefined && (await hasRowid(run, name, rowid));
  let size = PAGE_ROWS;
  let last: SqlValue | undefined;
  let count = 0;
  for (;;) {
    const from = last === undefined ? "" : `WHERE ${rowid} > CAST(? AS INTEGER)`;
    const order = isOrdered ? `${from} ORDER BY ${rowid} LIMIT ${size}` : `LIMIT ${size} OFFSET ${count}`;
    // As text, since not every number that SQLite has is one here.
    const place = isOrdered ? `CAST(${rowid} AS TEXT)` : "NULL";
    const params = isOrdered && last !== undefined ? [last] : [];
    let rows: readonly (readonly SqlValue[])[];
    try {
      rows = await readRows(run, `SELECT ${place}, ${values.join(", ")} FROM ${name} ${order}`, params);
    } catch (thrown) {
      // Long rows do not fit one answer together.
      if (size === 1) throw thrown;
      size = Math.max(1, Math.floor(size / 10));
      continue;
    }
    for (const [, ...row] of rows) yield row;
    count += rows.length;
    if (rows.length < size) return;
    last = isOrdered ? rows.at(-1)?.[0] : undefined;
  }
}

async function hasRowid(run: RunSql, name: string, rowid: string): Promise<boolean> {
  try {
    await run([{ sql: `SELECT ${rowid} FROM ${name} LIMIT 0` }]);
    return true;
  } catch {
    // because a table WITHOUT ROWID says so by failing
    return false;
  }
}

/** What AUTOINCREMENT has counted to. */
async function* exportCounters(run: RunSql, tables: ReadonlySet<string>): AsyncGenerator<string> {
  const there = await readRows(run, "SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'");
  if (there.length === 0) return;
  const rows = await readRows(run, "SELECT name, quote(name), quote(seq) FROM sqlite_sequence");
  for (const [name, text, count] of rows) {
    if (!tables.has(String(name))) continue;
    yield `DELETE FROM sqlite_sequence WHERE name = ${text};\nINSERT INTO sqlite_sequence (name, seq) VALUES (${text}, ${count});\n`;
  }
}

/** `content=''`, `content="memes"`, `content = memes`: nothing when the table has its own. */
const CONTENT = /\bcontent\s*=\s*(?:'((?:[^']|'')*)'|"((?:[^"]|"")*)"|(\w+))/i;

async function* exportSearch(
  run: RunSql,
  { name, sql, options: { withSchema, withData } }: { name: string; sql: string; options: ExportOptions },
): AsyncGenerator<string> {
  if (!/\bUSING\s+fts5\b/i.test(sql)) {
    throw new NebulaError("NEBULA_SQL_FAILED", `Cannot export "${name}": it is a virtual table, and not of fts5`, {
      hint: "Export the other tables by name with --table, and make this one anew",
    });
  }
  const found = CONTENT.exec(sql);
  const content = found === null ? undefined : (found[1] ?? found[2] ?? found[3] ?? "");
  if (content === "" && withData) {
    throw new NebulaError("NEBULA_SQL_FAILED", `Cannot export "${name}": it keeps an index, and no content`, {
      hint: "Export the other tables by name with --table, and fill this one anew",
    });
  }
  if (withSchema) yield `${sql};\n`;
  if (!withData) return;
  if (content === undefined) yield* exportRows(run, name, { withRowid: true });
  else yield `INSERT INTO ${quoteName(name)} (${quoteName(name)}) VALUES ('rebuild');\n`;
}

async function readRows(run: RunSql, sql: string, params: readonly SqlValue[] = []) {
  const [result] = await run([{ sql, params }]);
  return result?.rows ?? [];
}
