/**
 * KV namespaces, as functions ask them: checks what is asked, and takes it to the storage process.
 *
 * Functions that name one id share one namespace. What has expired is swept while a namespace is in use.
 */

import { createHash } from "node:crypto";
import { NebulaError, toNebulaError } from "../../model/errors.ts";
import { type Answer, type Body, type Call, findHeader } from "../../model/exchange.ts";
import { Gathered } from "../../model/gathered.ts";
import {
  findCacheTtlProblem,
  findCountProblem,
  findExpiration,
  findKeyProblem,
  findLengthProblem,
  findLimitProblem,
  findMetadataProblem,
  KV_METADATA,
  type KvRefusal,
  MAX_BULK_KEYS,
  MAX_LIST_KEYS,
} from "../../model/kv.ts";
import type { Clock, Resource } from "../../model/ports.ts";
import { MIB } from "../../model/units.ts";
import type { FindResource } from "../bindings.ts";
import type { Storage } from "../storage/storage.ts";
import { readMany } from "./many.ts";
import { readPage } from "./page.ts";
import { type AskStore, PieceStore } from "./pieces.ts";
import type { Beside, KvAnswers } from "./protocol.ts";
import { createRecent, ReadCache, type Recent, type Stored } from "./read-cache.ts";

/** What namespaces need. */
export interface KvOptions {
  readonly storage: Pick<Storage, "call">;
  readonly clock: Clock;
}

/** A namespace is swept this long after it was asked, and then not before it is asked again. */
const SWEEP_MS = 60_000;
/** The longest that a call to the process may take; a whole page of a list takes some milliseconds. */
const LIMIT_MS = 30_000;
/** More than the keys of the largest bulk get need. */
const MAX_BULK_BYTES = MAX_BULK_KEYS * 4_096;
const NO_SPACE = 507;
/** Of all namespaces together, in the memory of the node. */
const RECENT_BYTES = 16 * MIB;
/** Of a number in a query. */
const MOST = 2 ** 48;

/** Makes namespaces by their ids; each is made once. */
export function createKv(options: KvOptions): FindResource<"kv"> {
  const namespaces = new Map<string, KvResource>();
  const recent = createRecent(RECENT_BYTES);
  return ({ id }) => {
    const known = namespaces.get(id);
    if (known !== undefined) return known;
    const made = new KvResource(id, { ...options, recent });
    namespaces.set(id, made);
    return made;
  };
}

/** The name of a namespace's file: its id, where that is a plain one. */
export function toFileName(id: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,62}$/.test(id)) return id;
  return `_${createHash("sha256").update(id).digest("hex")}`;
}

class KvResource implements Resource {
  readonly #clock: Clock;
  readonly #ask: AskStore;
  readonly #pieces: PieceStore;
  readonly #cache: ReadCache;
  #isSweepDue = false;

  constructor(id: string, { storage, clock, recent }: KvOptions & { recent: Recent }) {
    this.#clock = clock;
    const namespace = toFileName(id);
    this.#cache = new ReadCache(recent, namespace);
    this.#ask = async (head, body = null) => {
      const answer = await storage.call({ ...head, namespace }, body, { limitMs: LIMIT_MS });
      return { ...answer, head: fromStorage(answer.head) };
    };
    this.#pieces = new PieceStore(this.#ask);
  }

  async fetch(call: Call): Promise<Answer> {
    this.#sweepLater();
    try {
      return await this.#answer(call, new URL(call.head.url));
    } catch (thrown) {
      if (!(thrown instanceof NebulaError)) throw thrown;
      const status = thrown.details.reason === "full" ? NO_SPACE : thrown.status;
      return toRefusal({ status, message: thrown.message });
    }
  }

  async #answer(call: Call, { pathname, searchParams }: URL): Promise<Answer> {
    const { method } = call.head;
    if (pathname === "/keys" && method === "GET") return await this.#list(searchParams);
    if (pathname === "/values" && method === "POST") return await this.#getMany(call.body);
    if (pathname !== "/value") return toRefusal({ status: 404, message: "There is nothing at this path" });
    const key = searchParams.get("key") ?? "";
    const problem = findKeyProblem(key);
    if (problem !== undefined) return toRefusal(problem);
    if (method === "GET") return await this.#get(key, searchParams);
    if (method === "PUT") return await this.#put(key, call, searchParams);
    if (method === "DELETE") return await this.#delete(key);
    return toRefusal({ status: 405, message: "There is no such method" });
  }

  async #get(key: string, query: URLSearchParams): Promise<Answer> {
    const problem = findCacheTtlProblem(findNumber(query, "cache_ttl"));
    if (problem !== undefined) return toRefusal(problem);
    const now = this.#nowSeconds();
    const known = this.#cache.find(key, now);
    if (known !== undefined) return known.isFound ? toFound(known, known.value) : toAnswer(404, null);
    const ask = () => this.#ask<"get">({ op: "get", key, now });
    const { head, body } = await this.#cache.read(key, ask, toStored);
    if (!head.isFound) return toAnswer(404, null);
    return toFound(head, head.pieces === undefined ? body : this.#pieces.read(head.pieces));
  }

  async #getMany(body: Body): Promise<Answer> {
    const asked = await readKeys(body);
    if (asked === undefined) return toRefusal({ status: 400, message: "This is no list of keys" });
    const { keys, cacheTtl } = asked;
    const problem =
      findCountProblem(keys.length) ?? findCacheTtlProblem(cacheTtl) ?? keys.map(findKeyProblem).find(Boolean);
    if (problem !== undefined) return toRefusal(problem);
    const many = await readMany({ ask: this.#ask, pieces: this.#pieces, keys, nowSeconds: this.#nowSeconds() });
    return many !== null && "status" in many ? toRefusal(many) : toAnswer(200, many);
  }

  async #put(key: string, { head, body }: Call, query: URLSearchParams): Promise<Answer> {
    const metadata = findMetadata(findHeader(head.headers, KV_METADATA));
    const times = { expiration: findNumber(query, "expiration"), expirationTtl: findNumber(query, "expiration_ttl") };
    const expiration = findExpiration(times, this.#nowSeconds());
    if (typeof expiration === "object") return await refuseBody(body, expiration);
    if (typeof metadata === "object") return await refuseBody(body, metadata);
    const value = await this.#pieces.write(body);
    if ("message" in value) return toRefusal(value);
    const isWhole = value instanceof Uint8Array;
    const asked = { op: "put", key, expiration, metadata, ...(!isWhole && { pieces: value }) } as const;
    const write = () => this.#ask<"put">(asked, isWhole ? value : null);
    try {
      const { dropped } = (await this.#cache.write(key, write)).head;
      this.#pieces.drop(dropped);
    } catch (thrown) {
      // Where it is not known whether the key has them now, they stay.
      if (!isWhole && isRefused(thrown)) this.#pieces.drop([value.id]);
      throw thrown;
    }
    return toAnswer(200, null);
  }

  async #delete(key: string): Promise<Answer> {
    const { dropped } = (await this.#cache.write(key, () => this.#ask<"delete">({ op: "delete", key }))).head;
    this.#pieces.drop(dropped);
    return toAnswer(200, null);
  }

  async #list(query: URLSearchParams): Promise<Answer> {
    const limit = findNumber(query, "key_count_limit") ?? MAX_LIST_KEYS;
    const prefix = query.get("prefix") ?? "";
    const cursor = query.get("cursor") ?? undefined;
    const problem = findLimitProblem(limit) ?? findLengthProblem(prefix);
    if (problem !== undefined) return toRefusal(problem);
    const asked = { ask: this.#ask, prefix, limit, cursor, nowSeconds: this.#nowSeconds() };
    return toAnswer(200, await readPage(asked));
  }

  #sweepLater(): void {
    if (this.#isSweepDue) return;
    this.#isSweepDue = true;
    this.#clock.after(SWEEP_MS, () => {
      this.#isSweepDue = false;
      // because what is not swept now is swept when the namespace is next in use
      this.#sweep().catch(() => {});
    });
  }

  async #sweep(): Promise<void> {
    for (;;) {
      const { dropped, isOver } = (await this.#ask<"sweep">({ op: "sweep", now: this.#nowSeconds() })).head;
      this.#pieces.drop(dropped);
      if (isOver) return;
    }
  }

  #nowSeconds(): number {
    return Math.floor(this.#clock.dateMs() / 1_000);
  }
}

/** Whether the storage has certainly not done what it was asked. */
function isRefused(thrown: unknown): boolean {
  const { code, details } = toNebulaError(thrown);
  return details.reason === "full" || code === "NEBULA_OVERLOADED";
}

function toAnswer(status: number, body: Body): Answer {
  return { head: { status, headers: [] }, body };
}

function toFound({ metadata }: Beside, body: Body): Answer {
  const headers = metadata === undefined ? [] : [KV_METADATA, encodeURIComponent(metadata)];
  return { head: { status: 200, headers }, body };
}

/** A copy of the bytes: they may lie in a larger buffer, which would stay with them. */
function toStored({ head, body }: { readonly head: KvAnswers["get"]; readonly body: Body }): Stored | undefined {
  if (head.pieces !== undefined || body instanceof ReadableStream) return undefined;
  const { isFound, metadata, expiration } = head;
  return { isFound, metadata, expiration, value: new Uint8Array(body ?? []) };
}

function toRefusal({ status, message }: KvRefusal): Answer {
  return toAnswer(status, Buffer.from(message));
}

/** What comes is not wanted any more. */
async function refuseBody(body: Body, problem: KvRefusal): Promise<Answer> {
  if (body instanceof ReadableStream) await body.cancel();
  return toRefusal(problem);
}

function findNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  // More than the year 9999 by far, and exact wherever it goes from here.
  return Math.min(Math.trunc(Number(text)) || 0, MOST);
}

/** As JSON; `undefined` where there is none. */
function findMetadata(header: string | undefined): string | undefined | KvRefusal {
  if (header === undefined) return undefined;
  try {
    const json = decodeURIComponent(header);
    JSON.parse(json);
    return findMetadataProblem(json) ?? json;
  } catch {
    return { status: 400, message: "Metadata is not JSON" };
  }
}

async function readKeys(body: Body): Promise<{ keys: readonly string[]; cacheTtl: number | undefined } | undefined> {
  const gathered = new Gathered();
  let bytes = 0;
  for await (const part of body instanceof Uint8Array ? [body] : (body ?? [])) {
    bytes += part.byteLength;
    if (bytes > MAX_BULK_BYTES) return undefined;
    gathered.add(part);
  }
  const asked = parse(new TextDecoder().decode(gathered.take()));
  if (typeof asked !== "object" || asked === null || !("keys" in asked) || !isTexts(asked.keys)) return undefined;
  const { cacheTtl } = { cacheTtl: undefined, ...asked };
  return { keys: asked.keys, cacheTtl: typeof cacheTtl === "number" ? cacheTtl : undefined };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The border with the storage process, whose words are trusted. */
function fromStorage<T>(head: unknown): T {
  return head as T;
}
