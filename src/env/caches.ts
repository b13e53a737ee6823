/**
 * The global `caches`: the Cache API as Workers have it.
 *
 * Here are the rules that make a call fail; what is kept, and for how long, is the host's to decide.
 * @see https://developers.cloudflare.com/workers/runtime-apis/cache/
 */

import { CACHE_AUTHORIZED, CACHE_BINDING, CACHE_HIT, CACHE_NAME, CACHED_STATUS } from "../model/cache.ts";
import type { Ask } from "./ask.ts";
import type { EnvParts } from "./env.ts";

/** What `match` and `delete` may be told. */
export interface CacheOptions {
  /** Take any request for a GET. */
  readonly ignoreMethod?: boolean;
}

interface Key {
  readonly url: string;
  readonly method: string;
  readonly headers: readonly string[];
}

const MAX_NAME_LENGTH = 1_024;
const NULL_BODY = [101, 204, 205, 304];
const OWN = [CACHE_NAME, CACHED_STATUS, CACHE_AUTHORIZED];

/** One cache. */
export class Cache {
  readonly #ask: Ask;
  readonly #name: readonly string[];

  constructor(ask: Ask, name?: string) {
    if (typeof ask !== "function") throw new TypeError("Illegal constructor");
    this.#ask = ask;
    this.#name = name === undefined ? [] : [CACHE_NAME, encodeURIComponent(name)];
  }

  get [Symbol.toStringTag](): string {
    return "Cache";
  }

  /** What was put for this URL, as far as the request's Range and conditions want it. */
  async match(request: unknown, options?: CacheOptions): Promise<Response | undefined> {
    const { url, method, headers } = toKey(request);
    if (method !== "GET" && !options?.ignoreMethod) return undefined;
    const answer = await this.#ask({ method: "GET", url, headers: [...headers, ...this.#name], body: null });
    if (answer.headers[answer.headers.indexOf(CACHE_HIT) + 1] === "MISS") return undefined;
    const body = NULL_BODY.includes(answer.status) || answer.body === null ? null : toBodyInit(answer.body);
    return new Response(body, { status: answer.status, headers: toPairs(answer.headers) });
  }

  /** Fulfils when the body has been read; whether the response is kept is not told. */
  async put(request: unknown, response: unknown): Promise<void> {
    const { url, method, headers } = toKey(request);
    if (!(response instanceof Response)) throw new TypeError("Cannot cache what is no Response.");
    if (response.type === "error") throw new TypeError("Cache is unable to store an error response");
    if (method !== "GET") throw new TypeError("Cannot cache response to non-GET request.");
    const { status } = response;
    if (status === 206) throw new TypeError("Cannot cache response to a range request (206 Partial Content).");
    if (response.headers.get("vary")?.includes("*"))
      throw new TypeError("Cannot cache response with 'Vary: *' header.");
    if (response.bodyUsed || response.body?.locked)
      throw new TypeError("Body has already been used. It can only be used once.");
    if (status === 304) return;
    const authorized = headers.includes("authorization") ? [CACHE_AUTHORIZED, "1"] : [];
    const own = [...this.#name, CACHED_STATUS, String(status), ...authorized];
    await this.#ask({ method: "PUT", url, headers: [...toList(response.headers), ...own], body: response.body });
  }

  /** Whether there was something. */
  async delete(request: unknown, options?: CacheOptions): Promise<boolean> {
    const { url, method } = toKey(request);
    if (method !== "GET" && !options?.ignoreMethod) return false;
    return (await this.#ask({ method: "DELETE", url, headers: this.#name, body: null })).status === 200;
  }
}

/** The caches of a function. */
export class CacheStorage {
  readonly default: Cache;
  readonly #ask: Ask;

  constructor(ask: Ask) {
    if (typeof ask !== "function") throw new TypeError("Illegal constructor");
    this.#ask = ask;
    this.default = new Cache(ask);
    Object.freeze(this);
  }

  get [Symbol.toStringTag](): string {
    return "CacheStorage";
  }

  /** The cache of this name; there is no need to make it before. */
  async open(...args: readonly unknown[]): Promise<Cache> {
    if (args.length === 0) throw new TypeError("Failed to execute 'open' on 'CacheStorage': a name is missing.");
    const name = String(args[0]).toWellFormed();
    if (name.length >= MAX_NAME_LENGTH) throw new TypeError("Cache name is too long.");
    return new Cache(this.#ask, name);
  }
}

/** What the global scope has of it. */
export function createCaches({ ask }: Pick<EnvParts, "ask">) {
  return { caches: new CacheStorage(ask(CACHE_BINDING)), Cache, CacheStorage };
}

/** A text is looked at without the weight of a Request. */
function toKey(input: unknown): Key {
  if (input instanceof Request) return { url: input.url, method: input.method, headers: toList(input.headers) };
  if (input === undefined) throw new TypeError("The key of a cache is missing.");
  const { href, protocol } = new URL(String(input));
  if (protocol === "http:" || protocol === "https:") return { url: href, method: "GET", headers: [] };
  throw new TypeError("Invalid URL. Cache API keys must be fully-qualified, valid URLs.");
}

function toList(headers: Headers): readonly string[] {
  return [...headers].flatMap(([name, value]) => (OWN.includes(name) ? [] : [name, value]));
}

function toPairs(list: readonly string[]): [string, string][] {
  return list.flatMap((name, i): [string, string][] => (i % 2 === 0 ? [[name, list[i + 1] ?? ""]] : []));
}

function toBodyInit(body: Uint8Array | ReadableStream<Uint8Array>): Uint8Array<ArrayBuffer> | ReadableStream {
  return body instanceof Uint8Array ? new Uint8Array(body) : body;
}
