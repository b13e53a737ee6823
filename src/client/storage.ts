/**
 * Databases, namespaces and backups of a node as typed calls; what goes over the wire is in model/storage-api.ts.
 */

import { NebulaError } from "../model/errors.ts";
import { KV_METADATA, type KvListedKey } from "../model/kv.ts";
import {
  type Check,
  either,
  hasShape,
  isBoolean,
  isNumber,
  isText,
  listOf,
  oneOf,
  optional,
  recordOf,
} from "../model/shape.ts";
import {
  EXPORT_END,
  EXPORT_FAILED,
  type MigrateAnswer,
  type MigrateRequest,
  type MigrationList,
  type QueryAnswer,
  type QueryRequest,
  type QueryResult,
} from "../model/storage-api.ts";
import type { CallOptions, Client, OpenOptions } from "./client.ts";

/** A database or a namespace of a node. */
export interface ResourcePlace {
  readonly id: string;
  /** Whether it is named by a configuration: then it need not be there yet. */
  readonly isConfigured: boolean;
}

const isValue: Check = either(oneOf(null), isText, isNumber, listOf(isNumber));
const isQueryAnswer = hasShape({
  results: listOf(hasShape({ columns: listOf(isText), rows: listOf(listOf(isValue)), meta: recordOf(isNumber) })),
});
const isMigrationList = hasShape({ applied: listOf(hasShape({ name: isText, appliedAt: isText })) });
const isMigrateAnswer = hasShape({ applied: listOf(isText) });
const isPage = hasShape({
  keys: listOf(hasShape({ name: isText, expiration: optional(isNumber) })),
  list_complete: isBoolean,
  cursor: optional(isText),
});

/** Runs statements in one transaction. @throws {NebulaError} NEBULA_SQL_FAILED with the place in the list as `details.index`. */
export async function queryDatabase(
  client: Client,
  place: ResourcePlace,
  { queries, signal }: QueryRequest & CallOptions,
): Promise<readonly QueryResult[]> {
  const path = toDatabasePath(place, "query");
  const answer = await readAnswer<QueryAnswer>(
    await client.open(path, { ...toJsonCall({ queries }), ...(signal && { signal }) }),
    isQueryAnswer,
  );
  return answer.results;
}

/** What has been applied, in that order. */
export async function listMigrations(
  client: Client,
  place: ResourcePlace,
  { table, ...options }: { table: string } & CallOptions,
): Promise<MigrationList["applied"]> {
  const path = toDatabasePath(place, "migrations", { table });
  return (await readAnswer<MigrationList>(await client.open(path, options), isMigrationList)).applied;
}

/** Applies what has not been; the names of those. @throws {NebulaError} NEBULA_MIGRATION_FAILED. */
export async function applyMigrations(
  client: Client,
  place: ResourcePlace,
  { table, files, signal }: MigrateRequest & CallOptions,
): Promise<MigrateAnswer["applied"]> {
  const path = toDatabasePath(place, "migrations");
  const call = { ...toJsonCall({ table, files }), ...(signal && { signal }) };
  return (await readAnswer<MigrateAnswer>(await client.open(path, call), isMigrateAnswer)).applied;
}

/** What of a database is exported. */
export interface ExportCall extends CallOptions {
  readonly tables: readonly string[];
  readonly withSchema: boolean;
  readonly withData: boolean;
}

/**
 * A database as SQL, in pieces. It fails when it is over before its end.
 *
 * @throws {NebulaError} NEBULA_SQL_FAILED when something in it cannot be written as SQL.
 */
export async function* exportDatabase(
  client: Client,
  place: ResourcePlace,
  { tables, withSchema, withData, signal }: ExportCall,
): AsyncGenerator<string> {
  const query: [string, string][] = tables.map((table) => ["table", table]);
  if (!withSchema) query.push(["schema", "no"]);
  if (!withData) query.push(["data", "no"]);
  const { body } = await client.open(toDatabasePath(place, "export", query), signal && { signal });
  let tail = "";
  for await (const text of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    yield text;
    tail = (tail + text).slice(-TAIL_LENGTH);
  }
  const last = tail.trimEnd().split("\n").at(-1) ?? "";
  if (last === EXPORT_END) return;
  const why = last.startsWith(EXPORT_FAILED) ? last.slice(EXPORT_FAILED.length) : "the connection has ended";
  throw new NebulaError("NEBULA_SQL_FAILED", `Cannot export the database whole: ${why}`);
}

/** More than the last line has. */
const TAIL_LENGTH = 10_000;

/** The value of a key and what is kept beside it. */
export async function getValue(
  client: Client,
  { id }: ResourcePlace,
  { key, ...options }: { key: string } & CallOptions,
) {
  const response = await client.open(toNamespacePath(id, "value", { key }), options);
  const metadata = response.headers.get(KV_METADATA);
  return {
    body: response.body,
    ...(metadata !== null && { metadata: JSON.parse(decodeURIComponent(metadata)) as unknown }),
  };
}

/** A value on its way into a namespace. Times are in seconds. */
export interface PutCall extends CallOptions {
  readonly key: string;
  readonly value: NonNullable<OpenOptions["body"]>;
  readonly expiration?: number | undefined;
  readonly expirationTtl?: number | undefined;
  /** Anything JSON can carry. */
  readonly metadata?: unknown;
}

/** Writes a value; it is on the disk when this fulfils. */
export async function putValue(
  client: Client,
  { id }: ResourcePlace,
  { key, value, expiration, expirationTtl, metadata, signal }: PutCall,
): Promise<void> {
  const query = {
    key,
    ...(expiration !== undefined && { expiration: String(expiration) }),
    ...(expirationTtl !== undefined && { expiration_ttl: String(expirationTtl) }),
  };
  const headers = { [KV_METADATA]: encodeURIComponent(JSON.stringify(metadata)) };
  const response = await client.open(toNamespacePath(id, "value", query), {
    method: "PUT",
    body: value,
    ...(metadata !== undefined && { headers }),
    ...(signal && { signal }),
  });
  await response.body?.cancel();
}

/** Deletes a key; one that is not there is quiet. */
export async function deleteValue(
  client: Client,
  { id }: ResourcePlace,
  { key, ...options }: { key: string } & CallOptions,
): Promise<void> {
  const response = await client.open(toNamespacePath(id, "value", { key }), { ...options, method: "DELETE" });
  await response.body?.cancel();
}

/** Every key with this prefix, in order, page by page. */
export async function* listKeys(
  client: Client,
  { id }: ResourcePlace,
  { prefix, ...options }: { prefix: string } & CallOptions,
): AsyncGenerator<KvListedKey> {
  for (let cursor: string | undefined, isOver = false; !isOver; ) {
    const query = { prefix, ...(cursor !== undefined && { cursor }) };
    const page = await readAnswer<{ keys: KvListedKey[]; list_complete: boolean; cursor?: string }>(
      await client.open(toNamespacePath(id, "keys", query), options),
      isPage,
    );
    yield* page.keys;
    cursor = page.cursor;
    isOver = page.list_complete || cursor === undefined;
  }
}

/** Everything that the node keeps, as a tar. */
export async function openBackup(
  client: Client,
  { withKey, ...options }: { withKey: boolean } & CallOptions,
): Promise<ReadableStream<Uint8Array>> {
  const { body } = await client.open(`/v1/backup${withKey ? "" : "?key=no"}`, { ...options, method: "POST" });
  if (body !== null) return body;
  throw new NebulaError("NEBULA_NODE_UNREACHABLE", "Cannot read the backup: the node sent nothing");
}

type Query = Readonly<Record<string, string>> | readonly (readonly [string, string])[];

function toDatabasePath({ id, isConfigured }: ResourcePlace, what: string, query: Query = []): string {
  const pairs = Array.isArray(query) ? [...query] : Object.entries(query);
  if (isConfigured) pairs.push(["create", "yes"]);
  return `/v1/d1/${encodeURIComponent(id)}/${what}?${new URLSearchParams(pairs)}`;
}

function toNamespacePath(id: string, what: string, query: Readonly<Record<string, string>>): string {
  return `/v1/kv/${encodeURIComponent(id)}/${what}?${new URLSearchParams(query)}`;
}

function toJsonCall(value: unknown) {
  return { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}

async function readAnswer<T>(response: Response, check: Check): Promise<T> {
  const value: unknown = await response.json().catch(() => undefined);
  if (check(value)) return fromUnknown<T>(value);
  throw new NebulaError("NEBULA_NODE_UNREACHABLE", "Cannot read the node's answer: it has another form", {
    hint: "Something other than a Nebula node of this version answers at the control URL",
  });
}

/** Only after a check has looked at the value. */
function fromUnknown<T>(value: unknown): T {
  return value as T;
}
