/**
 * Names for bytes and for plain data: the same content has the same name on every machine.
 */

import { hash } from "node:crypto";
import type { Digest } from "../model/artifact.ts";

/** The digest of some bytes. */
export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${hash("sha256", bytes, "hex")}`;
}

/**
 * The digest of a value's canonical JSON. Properties that are `undefined` count as absent.
 *
 * @throws {TypeError} when the value holds anything that JSON cannot carry.
 */
export function digestOfJson(value: unknown): Digest {
  return digestOf(new TextEncoder().encode(toCanonicalJson(value)));
}

/**
 * Writes JSON in one spelling: no white space, keys in the order of their UTF-16 code units.
 *
 * @throws {TypeError} when the value holds anything that JSON cannot carry.
 * @see https://www.rfc-editor.org/rfc/rfc8785 (JSON Canonicalization Scheme)
 */
export function toCanonicalJson(value: unknown): string {
  if (value === null || typeof value === "boolean" || typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number" && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${Array.from(value, (item) => toCanonicalJson(item)).join(",")}]`;
  if (!isPlainObject(value)) throw new TypeError(`Cannot write JSON: a ${nameKind(value)} has no place in it`);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${toCanonicalJson(member)}`);
  return `{${members.join(",")}}`;
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function nameKind(value: unknown): string {
  return typeof value === "object" ? Object.prototype.toString.call(value).slice(8, -1) : typeof value;
}
