/**
 * One KV namespace in its own SQLite file.
 *
 *     entries   key ─▶ value, or the number of its pieces; when it expires; metadata
 *     pieces    number, place ─▶ bytes
 *
 * Keys are bytes, so that their order is that of UTF-8 and no character is special. What has expired is not there for
 * any reader, whether or not it has been swept.
 */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { KvListedKey } from "../../model/kv.ts";
import { KIB } from "../../model/units.ts";
import {
  type Beside,
  type Found,
  type KvAnswers,
  type ListQuery,
  PIECE_BYTES,
  type Pieces,
  WHOLE_BYTES,
} from "./protocol.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS entries (
    key BLOB PRIMARY KEY, bytes INTEGER NOT NULL, expiration INTEGER, metadata TEXT, pieces INTEGER, value BLOB
  ) STRICT;
  CREATE INDEX IF NOT EXISTS entries_by_expiration ON entries (expiration) WHERE expiration IS NOT NULL;
  CREATE TABLE IF NOT EXISTS pieces (id INTEGER, at INTEGER, bytes BLOB NOT NULL, PRIMARY KEY (id, at)) STRICT;
  DELETE FROM pieces WHERE id NOT IN (SELECT pieces FROM entries WHERE pieces IS NOT NULL)`;

const STATEMENTS = {
  get: "SELECT value, pieces, bytes, expiration, metadata FROM entries WHERE key = ? AND (expiration IS NULL OR expiration > ?)",
  measure: "SELECT bytes FROM entries WHERE key = ? AND (expiration IS NULL OR expiration > ?)",
  findPieces: "SELECT pieces FROM entries WHERE key = ?",
  put: `INSERT INTO entries (key, bytes, expiration, metadata, pieces, value) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET bytes = excluded.bytes, expiration = excluded.expiration,
      metadata = excluded.metadata, pieces = excluded.pieces, value = excluded.value`,
  delete: "DELETE FROM entries WHERE key = ? RETURNING pieces",
  list: `SELECT key, expiration, metadata FROM entries WHERE key >= ? AND key < ?
    AND (expiration IS NULL OR expiration > ?) ORDER BY key LIMIT ?`,
  sweep: `DELETE FROM entries WHERE key IN (
      SELECT key FROM entries WHERE expiration <= ? AND expiration IS NOT NULL LIMIT ?) RETURNING pieces`,
  putPiece: "INSERT OR REPLACE INTO pieces (id, at, bytes) VALUES (?, ?, ?)",
  readPiece: "SELECT substr(bytes, ?, ?) AS bytes FROM pieces WHERE id = ? AND at = ?",
  sumPieces: "SELECT sum(length(bytes)) AS bytes FROM pieces WHERE id = ?",
  dropPieces: "DELETE FROM pieces WHERE id = ?",
} as const;

/** Expired keys that one step of a sweep removes, so that others wait for no more than that. */
const SWEPT_AT_ONCE = 500;
/** Of a list, less than an answer has by more than one key with its metadata takes. */
const LISTED_BYTES = WHOLE_BYTES - 16 * KIB;
/** After a byte that UTF-8 never has comes no key with the prefix before it. */
const AFTER_ALL = Buffer.from([0xff]);

/** What a key has: its value or its pieces. */
export interface Entry extends Beside {
  readonly value: Uint8Array;
  readonly pieces: Pieces | undefined;
}

/** One namespace. Times are in seconds since 1970. */
export class Namespace {
  readonly #statements: Readonly<Record<keyof typeof STATEMENTS, StatementSync>>;

  /** Takes away the pieces that no key has: nobody is left who could be writing or reading them. */
  constructor(db: DatabaseSync) {
    db.exec(SCHEMA);
    const prepared = Object.entries(STATEMENTS).map(([name, sql]) => [name, db.prepare(sql)]);
    this.#statements = Object.fromEntries(prepared);
  }

  get(key: string, now: number): Entry | undefined {
    const row = this.#statements.get.get(Buffer.from(key), now);
    if (row === undefined) return undefined;
    const { value, pieces, bytes, expiration, metadata } = row;
    return {
      value: value instanceof Uint8Array ? value : new Uint8Array(),
      pieces: pieces === null ? undefined : { id: Number(pieces), bytes: Number(bytes) },
      expiration: typeof expiration === "number" ? expiration : undefined,
      metadata: typeof metadata === "string" ? metadata : undefined,
    };
  }

  /** As many of the first keys as have no more than some bytes together, and how many bytes all of them have. */
  getMany(keys: readonly string[], now: number): KvAnswers["many"] & { readonly values: readonly Uint8Array[] } {
    const found: (Found | null)[] = [];
    const values: Uint8Array[] = [];
    let valueBytes = 0;
    let bytes = 0;
    for (const key of keys) {
      if (valueBytes > WHOLE_BYTES) {
        bytes += Number(this.#statements.measure.get(Buffer.from(key), now)?.bytes ?? 0);
        continue;
      }
      const entry = this.get(key, now);
      if (entry === undefined) {
        found.push(null);
        continue;
      }
      const { value, pieces, metadata } = entry;
      found.push({ bytes: value.byteLength, metadata, pieces });
      values.push(value);
      valueBytes += value.byteLength;
      bytes += pieces?.bytes ?? value.byteLength;
    }
    return { found, values, bytes };
  }

  /**
   * Gives a key its value, and says what pieces it had before; `undefined` when the pieces of the value are not all
   * there any more.
   */
  put(key: string, value: Uint8Array | Pieces, { expiration, metadata }: Beside): readonly number[] | undefined {
    const isWhole = value instanceof Uint8Array;
    const name = Buffer.from(key);
    if (!isWhole && this.#statements.sumPieces.get(value.id)?.bytes !== value.bytes) return undefined;
    const dropped = toDropped([this.#statements.findPieces.get(name)]);
    const bytes = isWhole ? value.byteLength : value.bytes;
    const kept = isWhole ? ([null, value] as const) : ([value.id, null] as const);
    this.#statements.put.run(name, bytes, expiration ?? null, metadata ?? null, ...kept);
    return dropped;
  }

  delete(key: string): readonly number[] {
    return toDropped(this.#statements.delete.all(Buffer.from(key)));
  }

  /** As many of the first keys as one answer takes. */
  list({ prefix, limit, cursor }: ListQuery, now: number): KvAnswers["list"] & { readonly text: string } {
    const first = Buffer.from(prefix);
    // What follows a key at once is the same with a null byte behind it.
    const next = cursor === undefined ? first : Buffer.concat([Buffer.from(cursor, "base64url"), Buffer.alloc(1)]);
    const begin = cursor !== undefined && cursor !== "" && Buffer.compare(next, first) > 0 ? next : first;
    const texts: string[] = [];
    let bytes = 0;
    let last = "";
    for (const row of this.#statements.list.iterate(begin, Buffer.concat([first, AFTER_ALL]), now, limit + 1)) {
      if (texts.length === limit || bytes > LISTED_BYTES) {
        return { count: texts.length, cursor: last, text: texts.join(",") };
      }
      const text = JSON.stringify(toListed(row));
      texts.push(text);
      bytes += Buffer.byteLength(text) + 1;
      last = Buffer.from(toBytes(row.key)).toString("base64url");
    }
    return { count: texts.length, text: texts.join(",") };
  }

  putPiece(id: number, at: number, bytes: Uint8Array): void {
    this.#statements.putPiece.run(id, at, bytes);
  }

  /** From there on, as much of the piece as an answer takes; `undefined` when it is not there any more. */
  readPiece(id: number, at: number): Uint8Array | undefined {
    const skipped = at % PIECE_BYTES;
    const bytes = this.#statements.readPiece.get(skipped + 1, WHOLE_BYTES, id, at - skipped)?.bytes;
    return bytes instanceof Uint8Array && bytes.byteLength > 0 ? bytes : undefined;
  }

  drop(ids: readonly number[]): void {
    for (const id of ids) this.#statements.dropPieces.run(id);
  }

  /** Removes some of what has expired. */
  sweep(now: number): KvAnswers["sweep"] {
    const rows = this.#statements.sweep.all(now, SWEPT_AT_ONCE);
    return { dropped: toDropped(rows), isOver: rows.length < SWEPT_AT_ONCE };
  }
}

type Row = ReturnType<StatementSync["get"]>;

function toDropped(rows: readonly Row[]): readonly number[] {
  return rows.flatMap((row) => (typeof row?.pieces === "number" ? [row.pieces] : []));
}

function toListed({ key, expiration, metadata }: NonNullable<Row>): KvListedKey {
  return {
    name: Buffer.from(toBytes(key)).toString(),
    ...(typeof expiration === "number" && { expiration }),
    ...(typeof metadata === "string" && { metadata: JSON.parse(metadata) }),
  };
}

function toBytes(key: unknown): Uint8Array {
  return key instanceof Uint8Array ? key : new Uint8Array();
}
