/**
 * `env.KV`: a KV namespace as a function sees it. Arguments are taken, and refused, as Workers take them.
 *
 * @see https://developers.cloudflare.com/kv/api/
 */

import {
  findCountProblem,
  findLengthProblem,
  findMetadataProblem,
  findValueProblem,
  KV_METADATA,
  KV_ORIGIN,
  type KvFound,
  type KvPage,
  type KvRefusal,
} from "../model/kv.ts";
import { type Ask, type AskAnswer, type AskCall, readAll } from "./ask.ts";

/** What `put` takes besides key and value. */
export interface KvPutOptions {
  /** Seconds since 1970. */
  readonly expiration?: number;
  /** Seconds from now. */
  readonly expirationTtl?: number;
  /** Anything that JSON can carry. */
  readonly metadata?: unknown;
}

/** A value and what was put beside it. */
export interface KvWithMetadata {
  readonly value: unknown;
  readonly metadata: unknown;
  readonly cacheStatus: null;
}

type Method = "GET" | "GET_BULK" | "PUT" | "DELETE";
type BulkReader<T> = (found: NonNullable<KvFound>, value: unknown) => T;

const NOTHING: KvWithMetadata = Object.freeze({ value: null, metadata: null, cacheStatus: null });
const VALUE_KINDS = "KV put() accepts only strings, ArrayBuffers, ArrayBufferViews, and ReadableStreams as values.";
const RESPONSE_KINDS = 'Unknown response type. Possible types are "text", "arrayBuffer", "json", and "stream".';

/** One namespace. All that it knows of it is how to ask. */
export class KvNamespace {
  readonly #ask: Ask;

  constructor(ask: Ask) {
    this.#ask = ask;
    Object.freeze(this);
  }

  get [Symbol.toStringTag](): string {
    return "KvNamespace";
  }

  /** The value of a key, or with a list of keys a Map of their values; null stands for what is absent. */
  async get(...args: readonly unknown[]): Promise<unknown> {
    requireArguments(args, "get", 1);
    const [key, options] = args;
    if (Array.isArray(key)) return await this.#getBulk(key, options, (_, value) => value);
    return (await this.#getOne(key, options)).value;
  }

  /** As `get`, with what was put beside the values. */
  async getWithMetadata(...args: readonly unknown[]): Promise<unknown> {
    requireArguments(args, "getWithMetadata", 1);
    const [key, options] = args;
    if (!Array.isArray(key)) return await this.#getOne(key, options);
    return await this.#getBulk(key, options, ({ metadata }, value) => ({ value, metadata }));
  }

  /** Fulfils when the value is safe on disk. */
  async put(...args: readonly unknown[]): Promise<void> {
    requireArguments(args, "put", 2);
    const key = toKey("PUT", args[0]);
    const body = toBody(args[1]);
    if (body instanceof Uint8Array) check("PUT", findValueProblem(body.byteLength));
    const { expiration, expirationTtl, metadata } = toRecord(args[2], "put", 3);
    const url = `${toUrl(key)}${toParameter("expiration", expiration)}${toParameter("expiration_ttl", expirationTtl)}`;
    await this.#call("PUT", { method: "PUT", url, headers: toMetadataHeader(metadata), body });
  }

  /** Quiet where there is no such key. */
  async delete(...args: readonly unknown[]): Promise<void> {
    requireArguments(args, "delete", 1);
    const url = toUrl(toKey("DELETE", args[0]));
    await this.#call("DELETE", { method: "DELETE", url, headers: [], body: null });
  }

  /** One page of the keys that begin with a prefix, in the order of their bytes. */
  async list(options?: unknown): Promise<KvPage & { readonly cacheStatus: null }> {
    const { limit, prefix, cursor } = toRecord(options, "list", 1);
    const count = toInteger(limit);
    const query =
      (count !== undefined && count > 0 ? `&key_count_limit=${count}` : "") +
      toTextParameter("prefix", prefix) +
      toTextParameter("cursor", cursor);
    const url = `${KV_ORIGIN}/keys?${query.slice(1)}`;
    const { body } = await this.#call("GET", { method: "GET", url, headers: [], body: null });
    return { ...parse<KvPage>(await readText(body)), cacheStatus: null };
  }

  async #getOne(name: unknown, options: unknown): Promise<KvWithMetadata> {
    const key = toKey("GET", name);
    const { type = "text", cacheTtl } = toGetOptions(options, "get");
    const url = `${toUrl(key)}${toParameter("cache_ttl", cacheTtl)}`;
    const { status, headers, body } = await this.#call("GET", { method: "GET", url, headers: [], body: null });
    if (status === 404) return NOTHING;
    const at = headers.indexOf(KV_METADATA);
    const metadata = at < 0 ? null : parse(decodeURIComponent(headers[at + 1] ?? "null"));
    return { value: await toValue(body, type), metadata, cacheStatus: null };
  }

  async #getBulk<T>(names: readonly unknown[], options: unknown, read: BulkReader<T>): Promise<Map<string, T | null>> {
    const { type, cacheTtl } = toGetOptions(options, "get");
    check("GET_BULK", findCountProblem(names.length));
    const keys = names.map(toText);
    if (type !== undefined && type !== "text" && type !== "json")
      fail("GET_BULK", 400, `"${type}" is not a valid type. Use "json" or "text"`);
    const body = encode(JSON.stringify({ keys, cacheTtl: toInteger(cacheTtl) }));
    const call = { method: "POST", url: `${KV_ORIGIN}/values`, headers: [], body };
    const answer = await this.#call("GET_BULK", call);
    const found = parse<readonly KvFound[]>(await readText(answer.body));
    const pairs = keys.map((key, i): [string, T | null] => {
      const each = found[i] ?? null;
      return [key, each === null ? null : read(each, type === "json" ? parseOneOf(each.value) : each.value)];
    });
    return new Map(pairs);
  }

  async #call(method: Method, call: AskCall): Promise<AskAnswer> {
    const answer = await this.#ask(call);
    const { status } = answer;
    if (status < 300 || (status === 404 && method === "GET")) return answer;
    return fail(method, status, await readText(answer.body));
  }
}

function requireArguments(args: readonly unknown[], method: string, count: number): void {
  if (args.length >= count) return;
  throw new TypeError(`Failed to execute '${method}' on 'KvNamespace': parameter ${args.length + 1} is missing.`);
}

function fail(method: Method, status: number, message: string): never {
  throw new Error(`KV ${method} failed: ${status} ${message}`);
}

/** Fails before anything is sent. */
function check(method: Method, problem: KvRefusal | undefined): void {
  if (problem !== undefined) fail(method, problem.status, problem.message);
}

/** As a string of the web: numbers and the like become text, what is no Unicode is replaced. */
function toText(value: unknown): string {
  if (typeof value === "symbol") throw new TypeError("Cannot convert a Symbol value to a string");
  return String(value).toWellFormed();
}

function toKey(method: Method, value: unknown): string {
  const key = toText(value);
  if (key === "") throw new TypeError("Key name cannot be empty.");
  if (key === "." || key === "..") throw new TypeError(`"${key}" is not allowed as a key name.`);
  check(method, findLengthProblem(key));
  return key;
}

function toUrl(key: string): string {
  return `${KV_ORIGIN}/value?key=${encodeURIComponent(key)}`;
}

function toParameter(name: string, value: unknown): string {
  const number = toInteger(value);
  return number === undefined ? "" : `&${name}=${number}`;
}

function toTextParameter(name: string, value: unknown): string {
  return value === undefined || value === null ? "" : `&${name}=${encodeURIComponent(toText(value))}`;
}

/** What is no number counts as 0. */
function toInteger(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const number = Math.trunc(Number(value)) || 0;
  if (Number.isSafeInteger(number)) return number;
  const most = Number.MAX_SAFE_INTEGER;
  throw new TypeError(`Value out of range. Must be between -${most} and ${most} (inclusive).`);
}

function toRecord(value: unknown, method: string, parameter: number): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {};
  if (typeof value === "object" || typeof value === "function") return Object(value);
  throw new TypeError(
    `Failed to execute '${method}' on 'KvNamespace': parameter ${parameter} is not of type 'object'.`,
  );
}

function toGetOptions(value: unknown, method: string): { readonly type?: string; readonly cacheTtl?: unknown } {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" && typeof value !== "function") return { type: toText(value) };
  const { type, cacheTtl } = toRecord(value, method, 2);
  return { ...(type !== undefined && { type: toText(type) }), cacheTtl };
}

function toBody(value: unknown): Uint8Array | ReadableStream<Uint8Array> {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return encode(toText(value));
  // Copies, because it may be changed as soon as `put` has returned.
  if (value instanceof ArrayBuffer) return new Uint8Array(value.slice(0));
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice();
  if (!(value instanceof ReadableStream)) throw new TypeError(VALUE_KINDS);
  if (value.locked) throw new TypeError("This ReadableStream is currently locked to a reader.");
  return value;
}

function toMetadataHeader(metadata: unknown): readonly string[] {
  if (metadata === undefined || metadata === null) return [];
  const json: unknown = JSON.stringify(metadata);
  if (typeof json !== "string") return [];
  check("PUT", findMetadataProblem(json));
  return [KV_METADATA, encodeURIComponent(json.toWellFormed())];
}

async function toValue(body: AskAnswer["body"], type: string): Promise<unknown> {
  switch (type) {
    case "text":
      return await readText(body);
    case "json":
      return parse(await readText(body));
    case "arrayBuffer":
      return toArrayBuffer(await readAll(body));
    case "stream":
      return body instanceof ReadableStream ? body : toStream(body ?? new Uint8Array());
    default:
      if (body instanceof ReadableStream) await body.cancel();
      throw new TypeError(RESPONSE_KINDS);
  }
}

/** The bytes alone: they may be a part of a larger buffer. */
function toArrayBuffer({ buffer, byteOffset, byteLength }: Uint8Array): ArrayBufferLike {
  return byteLength === buffer.byteLength ? buffer : buffer.slice(byteOffset, byteOffset + byteLength);
}

function toStream(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    type: "bytes",
    start: (controller) => {
      if (bytes.byteLength > 0) controller.enqueue(new Uint8Array(bytes));
      controller.close();
    },
  });
}

async function readText(body: AskAnswer["body"]): Promise<string> {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(await readAll(body));
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function parse<T>(text: string): T {
  return JSON.parse(text);
}

function parseOneOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return fail("GET_BULK", 400, "At least one of the requested keys corresponds to a non-json value");
  }
}
