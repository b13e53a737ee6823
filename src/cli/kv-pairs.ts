/**
 * Keys with their values as JSON has them, in the form of `wrangler kv bulk`.
 *
 *     { "key": "a", "value": "text" }      { "key": "b", "value": "aGk=", "base64": true, "expiration": 1800000000 }
 */

import { findKeyProblem, findMetadataProblem, findValueProblem } from "../model/kv.ts";
import { hasShape, isBoolean, isCount, isText, listOf, optional } from "../model/shape.ts";
import { usageError } from "./args.ts";

/** One of them. */
export interface KvPair {
  readonly key: string;
  readonly value: string;
  /** Seconds since 1970. */
  readonly expiration?: number;
  /** Seconds from now. */
  readonly expiration_ttl?: number;
  readonly metadata?: unknown;
  /** The value is bytes. */
  readonly base64?: boolean;
}

/** A pair as it is written. */
export interface ReadyPair {
  readonly key: string;
  readonly value: string | Uint8Array<ArrayBuffer>;
  readonly expiration?: number;
  readonly expirationTtl?: number;
  readonly metadata?: unknown;
}

const isPairs = listOf(
  hasShape({
    key: isText,
    value: isText,
    expiration: optional(isCount),
    expiration_ttl: optional(isCount),
    base64: optional(isBoolean),
  }),
  1_000_000,
);

/** A value with its key; bytes that are no text become base64. */
export function toPair({
  key,
  bytes,
  metadata,
  expiration,
}: {
  key: string;
  bytes: Uint8Array;
  metadata?: unknown;
  expiration?: number | undefined;
}): KvPair {
  const text = findText(bytes);
  return {
    key,
    ...(text === undefined ? { value: Buffer.from(bytes).toString("base64"), base64: true } : { value: text }),
    ...(expiration !== undefined && { expiration }),
    ...(metadata !== undefined && { metadata }),
  };
}

/** @throws {NebulaError} NEBULA_USAGE when the file is something else, or one of the pairs cannot be put. */
export function parsePairs(text: string, shown: string): readonly ReadyPair[] {
  const value = findJson(text);
  if (!isPairs(value)) {
    throw usageError(`Cannot read "${shown}": it is not a list of keys and values`, "See nebula kv import --help");
  }
  return fromUnknown(value).map((pair, index) => {
    const { key, value: given, expiration, expiration_ttl, metadata, base64 = false } = pair;
    const bytes = base64 ? Buffer.from(given, "base64") : given;
    const problem =
      findKeyProblem(key) ??
      findValueProblem(Buffer.byteLength(bytes)) ??
      (metadata === undefined ? undefined : findMetadataProblem(JSON.stringify(metadata)));
    if (problem !== undefined) throw usageError(`Cannot read "${shown}": the pair at ${index}: ${problem.message}`);
    return {
      key,
      value: typeof bytes === "string" ? bytes : new Uint8Array(bytes),
      ...(expiration !== undefined && { expiration }),
      ...(expiration_ttl !== undefined && { expirationTtl: expiration_ttl }),
      ...(metadata !== undefined && { metadata }),
    };
  });
}

/** @throws {NebulaError} NEBULA_USAGE when it is not a whole number. */
export function parseSeconds(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw usageError(`Cannot read "${flag}": "${text}" is no number of seconds`);
}

/** @throws {NebulaError} NEBULA_USAGE when it is not JSON. */
export function parseMetadata(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  const value = findJson(text);
  if (value !== undefined) return value;
  throw usageError('Cannot read "--metadata": it is not JSON');
}

function findText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // because values may be anything
    return undefined;
  }
}

function findJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // because what is no JSON is as wrong as any other form
    return undefined;
  }
}

/** Only after a check has looked at the value. */
function fromUnknown(value: unknown): readonly KvPair[] {
  return value as readonly KvPair[];
}
