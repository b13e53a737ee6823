/**
 * The storage process of one D1 database: D1Query[] as JSON in, D1Answer as JSON out.
 */

import { statfsSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { D1_SQLITE_LIMITS, type D1Answer, type D1Query, MAX_D1_QUERIES } from "../../model/d1.ts";
import { MIB } from "../../model/units.ts";
import { Commits } from "../storage/commits.storage.ts";
import { closeDatabase, openDatabase } from "../storage/database.storage.ts";
import { type Service, type ServiceAnswer, serveStorage } from "../storage/serve.storage.ts";
import { findTrouble } from "../storage/storage-error.storage.ts";
import { FailedQuery, isBlank, Queries } from "./queries.storage.ts";
import { QueryError } from "./query-error.storage.ts";
import { describeSqlite } from "./sqlite-words.storage.ts";

const FILE = "db.sqlite";
/** A disk with more than this is not full. */
const ROOM_BYTES = MIB;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

class DatabaseService implements Service {
  readonly #dir: string;
  readonly #db: DatabaseSync;
  readonly #commits: Commits;
  readonly #queries: Queries;
  /** Grows with every start and with every call that may write. */
  readonly #start = Date.now().toString(16).padStart(12, "0");
  #writes = 0;

  constructor({ dir, maxBytes }: { dir: string; maxBytes: number }) {
    this.#dir = dir;
    this.#db = openDatabase(join(dir, FILE), { maxBytes, limits: D1_SQLITE_LIMITS });
    this.#commits = new Commits(this.#db);
    this.#queries = new Queries(this.#db);
  }

  async answer(_: unknown, body: Uint8Array, call: { readonly isCancelled: boolean }): Promise<ServiceAnswer> {
    try {
      return toAnswer(await this.#query(readQueries(body), call));
    } catch (thrown) {
      return toFailure(thrown, this.#hasRoom());
    }
  }

  close(): void {
    closeDatabase(this.#db);
  }

  async #query(queries: readonly D1Query[], call: { readonly isCancelled: boolean }): Promise<string> {
    const asked = queries.filter((query) => !isBlank(query));
    if (asked.length === 0) throw new QueryError("No SQL statements detected.");
    const kind = this.#queries.kindOf(asked);
    // Text at once, so that rows are not held longer than they must.
    let isAgain = false;
    const work = () => {
      // Whoever left long before its turn takes no time from those who wait.
      if (call.isCancelled) throw new QueryError("Nobody waits for it any more.");
      const results = this.#queries.run(asked, { isAgain });
      isAgain = true;
      if (kind !== "read") this.#writes += 1;
      return JSON.stringify({ results, bookmark: this.#bookmark } satisfies D1Answer);
    };
    try {
      return await this.#commits.run(kind, work);
    } finally {
      if (kind === "alone") this.#queries.reset();
    }
  }

  #hasRoom(): boolean {
    const { bavail, bsize } = statfsSync(this.#dir);
    return bavail * bsize > ROOM_BYTES;
  }

  get #bookmark(): string {
    return `${this.#start}-${this.#writes.toString(16).padStart(12, "0")}`;
  }
}

serveStorage((settings) => new DatabaseService(fromHost(settings)));

/** The border with the host, whose words are trusted. */
function fromHost(words: unknown): { dir: string; maxBytes: number } {
  return words as { dir: string; maxBytes: number };
}

/** The border with the function, whose words are not. @throws {QueryError} when they are none that D1 understands. */
function readQueries(body: Uint8Array): D1Query[] {
  const queries = parse(body);
  if (!Array.isArray(queries) || queries.length > MAX_D1_QUERIES || !queries.every(isQuery)) {
    throw new QueryError("The queries are not as they should be.");
  }
  return queries;
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(body));
  } catch {
    // because a function may send what it likes
    return undefined;
  }
}

function isQuery(value: unknown): value is D1Query {
  if (typeof value !== "object" || value === null) return false;
  const { sql, params = [] }: { sql?: unknown; params?: unknown } = value;
  return typeof sql === "string" && Array.isArray(params) && params.every(isValue);
}

function isValue(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((each) => typeof each === "number");
  return value === null || typeof value === "string" || typeof value === "number";
}

function toAnswer(text: string): ServiceAnswer {
  return { head: {}, body: encoder.encode(text) };
}

function toFailure(thrown: unknown, hasRoom: boolean): ServiceAnswer {
  const [cause, at] = thrown instanceof FailedQuery ? [thrown.cause, thrown.at] : [thrown, undefined];
  const found = findTrouble(cause);
  // SQLite says the same of a full disk and of a database that has all its pages.
  const isAtLimit = found === "full" && hasRoom;
  const words = cause instanceof QueryError ? cause.message : describeSqlite(cause);
  const error = isAtLimit ? "Exceeded maximum DB size." : words;
  if (error === undefined) throw cause;
  const body = encoder.encode(JSON.stringify({ error, ...(at !== undefined && { at }) } satisfies D1Answer));
  const trouble = isAtLimit ? undefined : found;
  return { head: trouble === undefined ? {} : { trouble }, body };
}
