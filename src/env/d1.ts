/**
 * `env.DB`: a D1 database as a function sees it. Arguments are taken, and refused, as Workers take them.
 *
 * @see https://developers.cloudflare.com/d1/worker-api/
 */

import { D1_URL, type D1Answer, type D1Meta, type D1Query, type D1Rows, type D1Value } from "../model/d1.ts";
import { type Ask, readAll } from "./ask.ts";

/** A row as an object; of columns with one name the last is there. */
export type D1Row = Record<string, unknown>;

/** What a statement gave. */
export interface D1Result {
  readonly success: true;
  readonly meta: D1Meta;
  readonly results: D1Row[];
}

/** What sends queries on, and where the session stands. */
interface Session {
  send(queries: readonly D1Query[]): Promise<readonly D1Rows[]>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const HEADERS = ["content-type", "application/json"];
/** A session that has not seen the database yet stands nowhere. */
const CONSTRAINTS = ["first-primary", "first-unconstrained"];

/** SQL with its values. Nothing is sent before one of its methods asks for what it gives. */
export class D1PreparedStatement {
  readonly #session: Session;
  readonly statement: string;
  readonly params: readonly D1Value[];

  constructor(session: Session, statement: string, params: readonly D1Value[]) {
    this.#session = session;
    this.statement = statement;
    this.params = params;
  }

  /** The same SQL with these values. @throws {Error} D1_TYPE_ERROR when SQLite has no type for one of them. */
  bind(...values: readonly unknown[]): D1PreparedStatement {
    return prepare(this.#session, this.statement, values.map(toValue));
  }

  /** The first row, or one column of it; null when there is no row. */
  async first(column?: string): Promise<unknown> {
    const { columns, rows } = await this.#run();
    const [row] = rows;
    if (row === undefined) return null;
    const object = toObject(columns, row);
    if (column === undefined) return object;
    const value = object[column];
    if (value === undefined) throw toError("D1_COLUMN_NOTFOUND", `Column not found (${column})`, "Column not found");
    return value;
  }

  async all(): Promise<D1Result> {
    return toResult(await this.#run());
  }

  async run(): Promise<D1Result> {
    return toResult(await this.#run());
  }

  /** Rows as lists, which keeps columns apart that have one name; their names first when asked for. */
  async raw(options?: { readonly columnNames?: boolean }): Promise<(readonly unknown[])[]> {
    const { columns, rows } = await this.#run();
    return options?.columnNames ? [columns, ...rows] : [...rows];
  }

  async #run(): Promise<D1Rows> {
    const [result] = await this.#session.send([{ sql: this.statement, params: this.params }]);
    if (result === undefined) throw toError("D1_ERROR", "Something went wrong");
    return result;
  }
}

/** Queries that see what those before them have written. Here all of them do: there is one copy of the database. */
export class D1DatabaseSession {
  readonly #ask: Ask;
  #bookmark: string | null;
  readonly #session: Session = { send: (queries) => this.#send(queries) };

  constructor(ask: Ask, bookmark: string | null) {
    this.#ask = ask;
    this.#bookmark = bookmark;
  }

  prepare(sql: string): D1PreparedStatement {
    return prepare(this.#session, sql, []);
  }

  /** Runs all of them in one transaction, or none. */
  async batch(statements: readonly D1PreparedStatement[]): Promise<D1Result[]> {
    const queries = statements.map(({ statement, params }) => ({ sql: statement, params }));
    return (await this.#session.send(queries)).map(toResult);
  }

  /** How far the session has seen the database; null before its first query. */
  getBookmark(): string | null {
    return this.#bookmark;
  }

  async #send(queries: readonly D1Query[]): Promise<readonly D1Rows[]> {
    const answer = await send(this.#ask, queries);
    if ("error" in answer) throw toError("D1_ERROR", answer.error);
    if (this.#bookmark === null || this.#bookmark < answer.bookmark) this.#bookmark = answer.bookmark;
    return answer.results;
  }
}

/** One database. All that it knows of it is how to ask. */
export class D1Database {
  readonly #ask: Ask;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  prepare(sql: string): D1PreparedStatement {
    return this.withSession().prepare(sql);
  }

  /** Runs all of them in one transaction, or none. */
  async batch(statements: readonly D1PreparedStatement[]): Promise<D1Result[]> {
    return await this.withSession().batch(statements);
  }

  /** Runs SQL without values, each line of it for itself, in one transaction. */
  async exec(sql: string): Promise<{ count: number; duration: number }> {
    const lines = sql.trim().split("\n");
    const queries = lines.map((line) => ({ sql: line }));
    const answer = await send(this.#ask, queries);
    // Workers name the first line, whichever it was.
    if ("error" in answer) throw toError("D1_EXEC_ERROR", `Error in line 1: ${lines[0]}: ${answer.error}`);
    const duration = answer.results.reduce((sum, { meta }) => sum + meta.duration, 0);
    return { count: answer.results.length, duration };
  }

  /** Queries that belong together, from a bookmark on. */
  withSession(constraintOrBookmark?: string): D1DatabaseSession {
    const from = constraintOrBookmark?.trim() ?? "";
    return new D1DatabaseSession(this.#ask, from === "" || CONSTRAINTS.includes(from) ? null : from);
  }

  /** Was for databases of D1's first version, and is refused. */
  async dump(): Promise<never> {
    throw toError("D1_DUMP_ERROR", "Status + 404", "Status 404");
  }
}

/** Outside of the class, so that a bundler need not give that another name. */
function prepare(session: Session, sql: string, params: readonly D1Value[]): D1PreparedStatement {
  return new D1PreparedStatement(session, sql, params);
}

async function send(ask: Ask, queries: readonly D1Query[]): Promise<D1Answer> {
  const body = encoder.encode(JSON.stringify(queries));
  const answer = await ask({ method: "POST", url: D1_URL, headers: HEADERS, body });
  return fromHost(JSON.parse(decoder.decode(await readAll(answer.body))));
}

/** The border with the host, whose words are trusted. */
function fromHost(answer: unknown): D1Answer {
  return answer as D1Answer;
}

function toValue(value: unknown): D1Value {
  switch (typeof value) {
    case "number":
    case "string":
      return value;
    case "boolean":
      return value ? 1 : 0;
    case "object": {
      if (value === null) return null;
      if (Array.isArray(value) && value.every(isByte)) return value;
      if (value instanceof ArrayBuffer) return Array.from(new Uint8Array(value));
      if (ArrayBuffer.isView(value)) return listBytes(value);
    }
  }
  const what = `Type '${typeof value}' not supported for value '${value}'`;
  throw toError("D1_TYPE_ERROR", what);
}

/** Of a view the elements, each cut to a byte where it is stored, as Workers have it; of a DataView, nothing. */
function listBytes(view: ArrayBufferView): number[] {
  return "length" in view ? Array.from(view as ArrayLike<number> & ArrayBufferView) : [];
}

function isByte(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < 256;
}

function toResult({ columns, rows, meta }: D1Rows): D1Result {
  return { success: true, meta, results: rows.map((row) => toObject(columns, row)) };
}

function toObject(columns: readonly string[], row: readonly unknown[]): D1Row {
  // A column may have any name, `__proto__` too.
  return Object.fromEntries(columns.map((name, i) => [name, row[i]]));
}

function toError(kind: string, message: string, cause = message): Error {
  return new Error(`${kind}: ${message}`, { cause: new Error(cause) });
}
