/**
 * The secrets of a node's functions: sealed rows of the registry, and the file with the keys beside it.
 *
 *     rotate    new and old keys in the file ─▶ every row sealed anew, in one transaction ─▶ the new key alone
 *
 * Interrupted anywhere, every row has its key in the file. What serves with which values is for deploy.ts to see to.
 */

import type { DrizzleD1Database } from "drizzle-orm/d1";
import { NebulaError } from "../model/errors.ts";
import type { Clock } from "../model/ports.ts";
import { MAX_SECRETS, type SecretPlace, type SecretSummary, type SecretValues } from "../model/secrets.ts";
import { Turns } from "../model/turns.ts";
import { and, eq, sql } from "./drizzle.ts";
import type { KeyFile } from "./key-file.ts";
import { toRegistryError } from "./registry-error.ts";
import { secrets } from "./schema.ts";
import { createSealKey, findSealed, type SealKey, seal } from "./seal.ts";

/** Where they are. */
export interface SecretsParts {
  readonly db: DrizzleD1Database;
  /** Of the database, for messages. */
  readonly path: string;
  readonly keyFile: KeyFile;
  readonly clock: Clock;
}

type Row = typeof secrets.$inferSelect;
type Change = Parameters<DrizzleD1Database["batch"]>[0][number];

/** Changes of all functions take turns, so that none falls between the steps of a rotation. */
const TURN = "*";

/**
 * Made by the registry. A change is on disk when its promise resolves.
 *
 * Every method throws NEBULA_STATE_FAILED when the file or the disk refuses, the keys cannot be used, or a row does not
 * open; no message holds a value or a key.
 */
export class Secrets {
  readonly #parts: SecretsParts;
  readonly #turns = new Turns();

  constructor(parts: SecretsParts) {
    this.#parts = parts;
  }

  /** Those of one function, by name. Needs no key. */
  list(functionName: string): Promise<SecretSummary[]> {
    return this.#attempt("list secrets", async () => {
      const { name, changedAtMs } = secrets;
      const rows = this.#parts.db.select({ name, changedAtMs }).from(secrets);
      return await rows.where(eq(secrets.functionName, functionName)).orderBy(name);
    });
  }

  /** The values of one function, all `but` the one. */
  read(functionName: string, { but }: { but?: string } = {}): Promise<SecretValues> {
    return this.#attempt("read secrets", async () => {
      const all = await this.#parts.db.select().from(secrets).where(eq(secrets.functionName, functionName));
      const rows = all.filter(({ name }) => name !== but);
      const keys = rows.length === 0 ? [] : this.#parts.keyFile.read();
      return Object.fromEntries(rows.map((row) => [row.name, this.#open(row, keys)]));
    });
  }

  /** Gives a function exactly these, in one transaction. Those that have their value already stay as they are. */
  replace(functionName: string, values: SecretValues): Promise<void> {
    return this.#change("put secrets", async () => {
      const { db, keyFile, clock } = this.#parts;
      const names = Object.keys(values);
      if (names.length > MAX_SECRETS) throw tooMany(functionName);
      const rows = await db.select().from(secrets);
      const keys = keyFile.read();
      const own = new Map(rows.filter((row) => row.functionName === functionName).map((row) => [row.name, row]));
      const gone = [...own.keys()].filter((name) => !Object.hasOwn(values, name));
      const changed = names.filter((name) => {
        const row = own.get(name);
        return row === undefined || this.#find(row, keys) !== values[name];
      });
      if (gone.length + changed.length === 0) return;
      const key = changed.length === 0 ? undefined : (keys[0] ?? this.#createKey(rows));
      const put = changed.map((name) => {
        if (key === undefined) throw new NebulaError("NEBULA_INTERNAL", "Cannot seal a secret: there is no key");
        const place = { functionName, name };
        const fields = { ...place, keyId: key.id, changedAtMs: clock.dateMs() };
        const row = { ...fields, sealed: seal(values[name] ?? "", key, place) };
        return db
          .insert(secrets)
          .values(row)
          .onConflictDoUpdate({ target: [secrets.functionName, secrets.name], set: row });
      });
      await this.#write([...gone.map((name) => this.#remove({ functionName, name })), ...put]);
    });
  }

  /** Takes one away; whether there was one. Needs no key: what cannot be opened any more can still be removed. */
  remove(place: SecretPlace): Promise<boolean> {
    return this.#change("delete a secret", async () => {
      const removed = await this.#remove(place).returning({ name: secrets.name });
      await this.#forget();
      return removed.length > 0;
    });
  }

  /** Seals everything with a new key and forgets the keys of before; how many secrets there are. */
  rotate(): Promise<number> {
    return this.#change("rotate the key of secrets", async () => {
      const { db, keyFile } = this.#parts;
      const rows = await db.select().from(secrets);
      const keys = keyFile.read();
      // Everything is opened before anything is written: a row that does not open changes nothing.
      const opened = rows.map((row) => ({ row, value: this.#open(row, keys) }));
      const key = createSealKey();
      keyFile.write([key, ...keys.filter(({ id }) => rows.some((row) => row.keyId === id))]);
      await this.#write(
        opened.map(({ row: { functionName, name }, value }) =>
          db
            .update(secrets)
            .set({ keyId: key.id, sealed: seal(value, key, { functionName, name }) })
            .where(isAt({ functionName, name })),
        ),
      );
      keyFile.write([key]);
      return rows.length;
    });
  }

  /** The first key of a node; where rows have lost theirs, a new one would make that look well. */
  #createKey(rows: readonly Row[]): SealKey {
    const [row] = rows;
    if (row !== undefined) throw this.#lost(row, "its key is missing");
    const key = createSealKey();
    this.#parts.keyFile.write([key]);
    return key;
  }

  #remove(place: SecretPlace) {
    return this.#parts.db.delete(secrets).where(isAt(place));
  }

  /** Runs all of them in one transaction, and leaves nothing of before in the files. */
  async #write([first, ...others]: readonly Change[]): Promise<void> {
    if (first === undefined) return;
    await this.#parts.db.batch([first, ...others]);
    await this.#forget();
  }

  /** What a row held before is overwritten in the database (`secure_delete`), and here in the log of its changes too. */
  async #forget(): Promise<void> {
    await this.#parts.db.all(sql`PRAGMA wal_checkpoint(TRUNCATE)`);
  }

  #find(row: Row, keys: readonly SealKey[]): string | undefined {
    const key = keys.find(({ id }) => id === row.keyId);
    return key && findSealed(row.sealed, key, row);
  }

  #open(row: Row, keys: readonly SealKey[]): string {
    const value = this.#find(row, keys);
    if (value !== undefined) return value;
    throw this.#lost(row, keys.some(({ id }) => id === row.keyId) ? "it was changed or moved" : "its key is missing");
  }

  #lost({ functionName, name }: SecretPlace, why: string): NebulaError {
    return new NebulaError("NEBULA_STATE_FAILED", `Cannot open the secret "${name}" of "${functionName}": ${why}`, {
      hint: `Restore "${this.#parts.keyFile.path}" and the registry from one copy, or delete the secret and put it again`,
      details: { function: functionName, secret: name },
    });
  }

  #change<T>(action: string, run: () => Promise<T>): Promise<T> {
    return this.#turns.take(TURN, () => this.#attempt(action, run));
  }

  async #attempt<T>(action: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw toRegistryError(action, this.#parts.path, error);
    }
  }
}

function isAt({ functionName, name }: SecretPlace) {
  return and(eq(secrets.functionName, functionName), eq(secrets.name, name));
}

function tooMany(functionName: string): NebulaError {
  return new NebulaError(
    "NEBULA_CONFIG_INVALID",
    `Cannot put secrets of "${functionName}": a function has ${MAX_SECRETS} of them at the most`,
    { hint: "Put several values into one secret as JSON" },
  );
}
