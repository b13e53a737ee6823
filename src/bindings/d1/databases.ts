/**
 * The D1 databases of a node: by id, each a folder and a process of its own.
 *
 *     <dir>/<id>/db.sqlite
 *
 * Functions that name one id share the database. What is asked passes through as it is: its SQL is read in the database's
 * own process alone.
 */

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { readBody } from "../../frames/read-body.ts";
import {
  D1_CALL_MS,
  type D1Answer,
  type D1Query,
  type D1Rows,
  type D1Value,
  MAX_DATABASE_BYTES,
} from "../../model/d1.ts";
import type { Databases, SqlCall, SqlResult, SqlValue } from "../../model/databases.ts";
import { findErrno } from "../../model/errno.ts";
import { type ErrorCode, NebulaError, toNebulaError } from "../../model/errors.ts";
import type { Answer, Call } from "../../model/exchange.ts";
import type { Clock, Log, Resource } from "../../model/ports.ts";
import type { FindResource } from "../bindings.ts";
import { findId, toFolderName } from "../storage/folder-name.ts";
import { openStorage, type Storage } from "../storage/storage.ts";
import { StorageRoom } from "../storage/storage-room.ts";

/** What databases are opened with. */
export interface DatabasesOptions {
  /** Absolute; each database has a folder in it. */
  readonly dir: string;
  /** The text of `main.storage.ts` and all that it imports; asked for when the first database is opened. */
  readonly bundle: () => Promise<string>;
  /** The path of setpriv (util-linux), where there is one. */
  readonly setpriv: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** How long one call may take. Default D1_CALL_MS. */
  readonly callMs?: number;
  /** How large one database may be. Default MAX_DATABASE_BYTES. */
  readonly maxBytes?: number;
  /** How long a database without work keeps its process. */
  readonly idleMs?: number;
  /** How many processes there may be at once. Default 64. */
  readonly places?: number;
}

/** The databases of a node, for functions and for the node's own work. */
export interface D1Databases extends Databases, AsyncDisposable {
  /** What a function's binding leads to. */
  readonly find: FindResource<"d1">;
  /** Of the process of a database, when there is one. */
  findPid(id: string): number | undefined;
}

const DEFAULT_PLACES = 64;
const JSON_HEADERS = ["content-type", "application/json"];

/** Opens nothing yet. */
export function openDatabases(options: DatabasesOptions): D1Databases {
  const opened = new Map<string, OneDatabase>();
  const room = new StorageRoom(options.places ?? DEFAULT_PLACES);
  const get = (id: string): OneDatabase => {
    const database = opened.get(id) ?? new OneDatabase(id, { ...options, room });
    opened.set(id, database);
    return database;
  };
  return {
    find: ({ id }) => get(id),
    findPid: (id) => opened.get(id)?.pid,
    run: (id, calls, { signal } = {}) => get(id).run(calls, signal),
    list: () => listFolders(options.dir),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...opened.values()].map((each) => each[Symbol.asyncDispose]()));
    },
  };
}

class OneDatabase implements Resource, AsyncDisposable {
  readonly #id: string;
  readonly #options: DatabasesOptions;
  readonly #storage: Storage;
  readonly #callMs: number;

  constructor(id: string, options: DatabasesOptions & { readonly room: StorageRoom }) {
    const { bundle, setpriv, clock, log, room, idleMs, maxBytes = MAX_DATABASE_BYTES } = options;
    this.#id = id;
    this.#options = options;
    this.#callMs = options.callMs ?? D1_CALL_MS;
    const dir = join(options.dir, toFolderName(id));
    this.#storage = openStorage({
      what: `database "${id}"`,
      dir,
      bundle,
      settings: { dir, maxBytes },
      setpriv,
      clock,
      log,
      room,
      ...(idleMs !== undefined && { idleMs }),
    });
  }

  get pid(): number | undefined {
    return this.#storage.pid;
  }

  /** For a function: whatever goes wrong is an answer in D1's words. */
  async fetch({ body, signal }: Call): Promise<Answer> {
    const head = { status: 200, headers: JSON_HEADERS };
    try {
      const answer = await this.#storage.call({}, body, { signal, limitMs: this.#callMs });
      this.#noteTrouble(answer.head);
      return { head, body: answer.body };
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      const error = toNebulaError(thrown);
      this.#log(error);
      return { head, body: new TextEncoder().encode(JSON.stringify({ error: describe(error) } satisfies D1Answer)) };
    }
  }

  async run(calls: readonly SqlCall[], signal?: AbortSignal): Promise<SqlResult[]> {
    const queries = calls.map(({ sql, params = [] }) => ({ sql, params: params.map(toD1Value) }));
    const body = new TextEncoder().encode(JSON.stringify(queries satisfies D1Query[]));
    const answer = await this.#storage.call({}, body, { signal, limitMs: this.#callMs });
    this.#noteTrouble(answer.head);
    const told = fromStorage(JSON.parse(new TextDecoder().decode(await readBody(answer.body))));
    if (!("error" in told)) return told.results.map(toSqlResult);
    const { error, at } = told;
    const details = { sqlite: error, ...(at !== undefined && { index: at }) };
    throw new NebulaError("NEBULA_SQL_FAILED", `Cannot run SQL in database "${this.#id}": ${error}`, { details });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#storage[Symbol.asyncDispose]();
  }

  /** The function is told by the answer; this is for whoever runs the node. */
  #noteTrouble(head: unknown): void {
    const { trouble } = Object(head);
    if (trouble === undefined) return;
    this.#log(new NebulaError("NEBULA_STATE_FAILED", `Cannot use database "${this.#id}"`, { details: { trouble } }));
  }

  #log({ code, message, details, hint, fault }: NebulaError): void {
    const level = fault === "host" ? "error" : "info";
    this.#options.log.write(level, "database failed", { database: this.#id, code, message, ...details, hint });
  }
}

/** By code, what D1 says of a database that cannot be asked. */
const WORDS: Partial<Readonly<Record<ErrorCode, string>>> = {
  NEBULA_STORAGE_TIMEOUT: "D1 DB storage operation exceeded timeout which caused object to be reset.",
  NEBULA_OVERLOADED: "D1 DB is overloaded. Too many requests queued.",
  NEBULA_STATE_FAILED: "Internal error while starting up D1 DB storage caused object to be reset.",
  NEBULA_BODY_TOO_LARGE: "The queries and their values are too large.",
};
const OUT_OF_MEMORY = /heap out of memory|heap limit|Allocation failed|process OOM/;

function describe({ code, details }: NebulaError): string {
  const isFull = OUT_OF_MEMORY.test(String(details.stderr ?? ""));
  if (isFull) return "D1 DB exceeded its memory limit and was reset.";
  return WORDS[code] ?? "Internal error in D1 DB storage caused object to be reset.";
}

/** Ids by the folders that there are. */
async function listFolders(dir: string): Promise<string[]> {
  try {
    return (await readdir(dir)).flatMap((name) => findId(name) ?? []).sort();
  } catch (error) {
    if (findErrno(error) === "ENOENT") return [];
    throw new NebulaError("NEBULA_STATE_FAILED", "Cannot list the databases: their folder cannot be read", {
      cause: error,
    });
  }
}

function toD1Value(value: SqlValue): D1Value {
  return value instanceof Uint8Array ? Array.from(value) : value;
}

function toSqlResult({ columns, rows, meta }: D1Rows): SqlResult {
  const { changes, last_row_id, rows_read, rows_written, duration } = meta;
  return {
    columns,
    rows: rows.map((row) => row.map((value) => (Array.isArray(value) ? Uint8Array.from(value) : fromSql(value)))),
    meta: { changes, lastRowId: last_row_id, rowsRead: rows_read, rowsWritten: rows_written, durationMs: duration },
  };
}

/** What SQLite gives besides blobs. */
function fromSql(value: unknown): SqlValue {
  return value as SqlValue;
}

/** The border with the storage process, whose words are trusted. */
function fromStorage(answer: unknown): D1Answer {
  return answer as D1Answer;
}
