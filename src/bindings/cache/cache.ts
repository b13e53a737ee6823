/**
 * The Cache API of all functions: responses in the node's memory, with an end for each response, each function and all
 * together.
 *
 * A cache promises nothing: what is not asked for goes first, and a restart empties it. It belongs to the function's
 * name, so that a new deployment finds what the one before it has kept.
 */

import { LRUCache } from "lru-cache";
import { CACHE_AUTHORIZED, CACHE_HIT, CACHE_NAME, CACHED_STATUS } from "../../model/cache.ts";
import { type Answer, type Body, type Call, findHeader, type HeaderList } from "../../model/exchange.ts";
import { Gathered } from "../../model/gathered.ts";
import type { Clock, Resource } from "../../model/ports.ts";
import { MIB } from "../../model/units.ts";
import { findKeepable } from "./freshness.ts";
import { type Kept, select } from "./select.ts";

/** How much the caches may hold, what is on its way into them included. */
export interface CacheLimits {
  readonly entryBytes: number;
  readonly functionBytes: number;
  readonly totalBytes: number;
}

interface Entry extends Kept {
  /** What the host counts for it. */
  readonly bytes: number;
  readonly keptAtMs: number;
  readonly staleAtMs: number;
  /** In seconds, when it was kept. */
  readonly age: number;
}

/** Small enough for a Raspberry Pi, and for the pages, pictures and answers that one caches. */
const DEFAULT_LIMITS: CacheLimits = { entryBytes: 8 * MIB, functionBytes: 32 * MIB, totalBytes: 128 * MIB };
/** What an entry costs beside its texts and its body. */
const ENTRY_BYTES = 512;
const OWN: ReadonlySet<string> = new Set([CACHE_NAME, CACHED_STATUS, CACHE_AUTHORIZED, CACHE_HIT]);

/** Makes caches by the names of functions. */
export function createCaches(clock: Clock, limits: Partial<CacheLimits> = {}): (owner: { name: string }) => Resource {
  const shelves = new Shelves({ ...DEFAULT_LIMITS, ...limits });
  return ({ name }) => ({ fetch: (call) => fetchFrom(shelves.open(name), call, clock) });
}

async function fetchFrom(shelf: Shelf, call: Call, clock: Clock): Promise<Answer> {
  const { method, url, headers } = call.head;
  const key = toKey(url, headers);
  if (method === "GET") return find(shelf.find(key, clock.dateMs()), headers, clock.dateMs());
  if (method === "DELETE") return toAnswer(shelf.remove(key, clock.dateMs()) ? 200 : 404);
  return method === "PUT" ? await keep(shelf, key, { call, clock }) : toAnswer(405);
}

function find(entry: Entry | undefined, wanted: HeaderList, nowMs: number): Answer {
  if (entry === undefined) return toAnswer(504, [CACHE_HIT, "MISS"]);
  const age = entry.age + Math.floor((nowMs - entry.keptAtMs) / 1_000);
  return select(entry, wanted, ["age", String(age), CACHE_HIT, "HIT"]);
}

async function keep(shelf: Shelf, key: string, { call, clock }: { call: Call; clock: Clock }): Promise<Answer> {
  const { headers } = call.head;
  const status = Number(findHeader(headers, CACHED_STATUS));
  const isAuthorized = findHeader(headers, CACHE_AUTHORIZED) !== undefined;
  const keepable = findKeepable({ status, headers: withoutOwn(headers), isAuthorized }, clock.dateMs());
  const body = keepable && (await shelf.read(call.body));
  if (keepable === undefined || body === undefined) {
    if (call.body instanceof ReadableStream && !call.body.locked) await call.body.cancel();
    return toAnswer(413);
  }
  const nowMs = clock.dateMs();
  const { lifetimeMs, age } = keepable;
  const textBytes = keepable.headers.reduce((sum, text) => sum + 2 * text.length, 2 * key.length);
  const bytes = body.byteLength + textBytes + ENTRY_BYTES;
  const times = { keptAtMs: nowMs, staleAtMs: nowMs + lifetimeMs, age };
  shelf.put(key, { status, headers: keepable.headers, body, bytes, ...times });
  return toAnswer(204);
}

/** A key without fragment, which no request has. */
function toKey(url: string, headers: HeaderList): string {
  return `${findHeader(headers, CACHE_NAME) ?? ""} ${url.replace(/#.*/, "")}`;
}

function withoutOwn(headers: HeaderList): HeaderList {
  return headers.filter((_, i) => !OWN.has(headers[i - (i % 2)] ?? ""));
}

function toAnswer(status: number, headers: HeaderList = []): Answer {
  return { head: { status, headers }, body: null };
}

/** The caches of all functions. */
class Shelves {
  readonly limits: CacheLimits;
  readonly #shelves = new Map<string, Shelf>();

  constructor(limits: CacheLimits) {
    this.limits = limits;
  }

  open(name: string): Shelf {
    const known = this.#shelves.get(name);
    if (known !== undefined) return known;
    const made = new Shelf(this);
    this.#shelves.set(name, made);
    return made;
  }

  get bytes(): number {
    return [...this.#shelves.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Takes from whoever has the most. */
  trim(): void {
    while (this.bytes > this.limits.totalBytes) {
      const [largest] = [...this.#shelves.values()].sort((a, b) => b.keptBytes - a.keptBytes);
      if (largest === undefined || !largest.dropOldest()) return;
    }
  }
}

/** All caches of one function. */
class Shelf {
  readonly #all: Shelves;
  readonly #entries: LRUCache<string, Entry>;
  /** Bodies that are being read. */
  #comingBytes = 0;

  constructor(all: Shelves) {
    this.#all = all;
    this.#entries = new LRUCache({
      maxSize: all.limits.functionBytes,
      maxEntrySize: all.limits.entryBytes,
      sizeCalculation: ({ bytes }) => bytes,
    });
  }

  get keptBytes(): number {
    return this.#entries.calculatedSize;
  }

  get bytes(): number {
    return this.keptBytes + this.#comingBytes;
  }

  find(key: string, nowMs: number): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.staleAtMs > nowMs) return entry;
    this.#entries.delete(key);
    return undefined;
  }

  remove(key: string, nowMs: number): boolean {
    const wasThere = this.find(key, nowMs) !== undefined;
    this.#entries.delete(key);
    return wasThere;
  }

  put(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
    this.#all.trim();
  }

  /** `false` when there is none. */
  dropOldest(): boolean {
    return this.#entries.pop() !== undefined;
  }

  /** The whole body; `undefined` when it is larger than a cache takes, or too many are on their way. */
  async read(body: Body): Promise<Uint8Array | undefined> {
    const { entryBytes, functionBytes, totalBytes } = this.#all.limits;
    const gathered = new Gathered();
    let bytes = 0;
    try {
      for await (const part of body instanceof Uint8Array ? [body] : (body ?? [])) {
        bytes += part.byteLength;
        this.#comingBytes += part.byteLength;
        this.#all.trim();
        const isTooMuch = this.#comingBytes > functionBytes || this.#all.bytes > totalBytes;
        if (bytes > entryBytes || isTooMuch) return undefined;
        gathered.add(part);
      }
      return gathered.take();
    } finally {
      this.#comingBytes -= bytes;
    }
  }
}
