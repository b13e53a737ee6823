/**
 * KV namespaces: what a function's side and the host's agree on. Limits and their words are Cloudflare's.
 *
 *     GET    /value?key&cache_ttl                    the value; its metadata in a header; 404 where there is none
 *     POST   /values                                 body { keys, cacheTtl } → list of { value, metadata } or null
 *     PUT    /value?key&expiration&expiration_ttl    body: the value; metadata in a header
 *     DELETE /value?key
 *     GET    /keys?prefix&key_count_limit&cursor     → { keys, list_complete, cursor }
 *
 * What is refused is answered with a status and a sentence.
 * @see https://developers.cloudflare.com/kv/platform/limits/
 */

import { MIB } from "./units.ts";

/** What the namespaces answer at; no request leaves the node for it. */
export const KV_ORIGIN = "http://kv";
/** The header that carries metadata: JSON, with everything but ASCII escaped as in a URL. */
export const KV_METADATA = "kv-metadata";

/** One value. */
export const MAX_VALUE_BYTES = 25 * MIB;
/** Keys of one bulk get. */
export const MAX_BULK_KEYS = 100;
/** Keys of one page of a list, and how many it has unless told. */
export const MAX_LIST_KEYS = 1_000;
const MAX_KEY_BYTES = 512;
const MAX_METADATA_BYTES = 1_024;
const MIN_CACHE_TTL_SECONDS = 30;
const MIN_TTL_SECONDS = 60;

/** Why something is refused. */
export interface KvRefusal {
  readonly status: number;
  readonly message: string;
}

/** A key and what is known of it, in a list. */
export interface KvListedKey {
  readonly name: string;
  /** Seconds since 1970. */
  readonly expiration?: number;
  readonly metadata?: unknown;
}

/** One page of a list. */
export interface KvPage {
  readonly keys: readonly KvListedKey[];
  readonly list_complete: boolean;
  /** Where the next page begins; absent on the last. */
  readonly cursor?: string;
}

/** One of several values that are got at once. */
export type KvFound = { readonly value: string; readonly metadata: unknown } | null;

const encoder = new TextEncoder();

/** Why a key is refused. */
export function findKeyProblem(key: string): KvRefusal | undefined {
  if (key === "") return refuse(400, "Key names must not be empty");
  if (key === "." || key === "..") return refuse(400, `Illegal key name "${key}". Please use a different name.`);
  return findLengthProblem(key);
}

/** Why a prefix of keys, or a key beside its form, is refused. */
export function findLengthProblem(key: string): KvRefusal | undefined {
  // No character has more than three bytes for each of its units.
  if (key.length * 3 <= MAX_KEY_BYTES) return undefined;
  const bytes = encoder.encode(key).byteLength;
  if (bytes <= MAX_KEY_BYTES) return undefined;
  return refuse(414, `UTF-8 encoded length of ${bytes} exceeds key length limit of ${MAX_KEY_BYTES}.`);
}

/** Why a time to keep a value near its readers is refused; otherwise it changes nothing, since there is one place alone. */
export function findCacheTtlProblem(seconds: number | undefined): KvRefusal | undefined {
  if (seconds === undefined || seconds >= MIN_CACHE_TTL_SECONDS) return undefined;
  return refuse(400, `Invalid cache_ttl of ${seconds}. Cache TTL must be at least ${MIN_CACHE_TTL_SECONDS}.`);
}

/** Why metadata, as JSON, are refused. */
export function findMetadataProblem(json: string): KvRefusal | undefined {
  const bytes = encoder.encode(json).byteLength;
  if (bytes <= MAX_METADATA_BYTES) return undefined;
  return refuse(413, `Metadata length of ${bytes} exceeds limit of ${MAX_METADATA_BYTES}.`);
}

/** Why a value of so many bytes is refused. */
export function findValueProblem(bytes: number): KvRefusal | undefined {
  if (bytes <= MAX_VALUE_BYTES) return undefined;
  return refuse(413, `Value length of ${bytes} exceeds limit of ${MAX_VALUE_BYTES}.`);
}

/** Why a number of keys in a page is refused. */
export function findLimitProblem(limit: number): KvRefusal | undefined {
  if (!(limit >= 1))
    return refuse(400, `Invalid key_count_limit of ${limit}. Please specify an integer greater than 0.`);
  if (limit <= MAX_LIST_KEYS) return undefined;
  return refuse(400, `Invalid key_count_limit of ${limit}. Please specify an integer less than ${MAX_LIST_KEYS}.`);
}

/** Why a number of keys to be got at once is refused. */
export function findCountProblem(keys: number): KvRefusal | undefined {
  if (keys < 1) return refuse(400, "You must request a minimum of 1 key");
  if (keys > MAX_BULK_KEYS) return refuse(400, `You can request a maximum of ${MAX_BULK_KEYS} keys`);
  return undefined;
}

/** When a value expires, in seconds since 1970: `undefined` never, or why that is refused. A TTL comes before a time. */
export function findExpiration(
  { expiration, expirationTtl }: { expiration: number | undefined; expirationTtl: number | undefined },
  nowSeconds: number,
): number | undefined | KvRefusal {
  if (expirationTtl !== undefined) {
    if (!(expirationTtl > 0))
      return refuse(400, `Invalid expiration_ttl of ${expirationTtl}. Please specify integer greater than 0.`);
    if (expirationTtl >= MIN_TTL_SECONDS) return nowSeconds + expirationTtl;
    return refuse(
      400,
      `Invalid expiration_ttl of ${expirationTtl}. Expiration TTL must be at least ${MIN_TTL_SECONDS}.`,
    );
  }
  if (expiration === undefined || expiration >= nowSeconds + MIN_TTL_SECONDS) return expiration;
  const what = `Invalid expiration of ${expiration}.`;
  if (expiration > nowSeconds)
    return refuse(400, `${what} Expiration times must be at least ${MIN_TTL_SECONDS} seconds in the future.`);
  return refuse(400, `${what} Please specify integer greater than the current number of seconds since the UNIX epoch.`);
}

/** What is refused because the values that were asked for at once are too much together. */
export const TOO_MUCH_AT_ONCE: KvRefusal = refuse(413, "Total size of request exceeds the limit of 25MB");

function refuse(status: number, message: string): KvRefusal {
  return { status, message };
}
