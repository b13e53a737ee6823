/**
 * The variants `method` and `scheme` of `wasi:http/types`, from and to what HTTP calls them.
 */

import type { Variant } from "./result.guest.ts";

const METHODS = ["get", "head", "post", "put", "delete", "connect", "options", "trace", "patch"] as const;

type Known = (typeof METHODS)[number];

/** The variant `method`. */
export type Method = Variant<Known> | Variant<"other", string>;

/** The variant `scheme`. */
export type Scheme = Variant<"HTTP" | "HTTPS"> | Variant<"other", string>;

const BY_NAME: ReadonlyMap<string, Method> = new Map(
  METHODS.map((tag) => [tag.toUpperCase(), Object.freeze({ tag, val: undefined })]),
);
const HTTP: Scheme = Object.freeze({ tag: "HTTP", val: undefined });
const HTTPS: Scheme = Object.freeze({ tag: "HTTPS", val: undefined });

/** `GET` → `get`, `BREW` → `other(BREW)`. */
export function toMethod(name: string): Method {
  return BY_NAME.get(name) ?? { tag: "other", val: name };
}

/** `get` → `GET`. */
export function fromMethod(method: Method): string {
  return method.tag === "other" ? method.val : method.tag.toUpperCase();
}

/** A method that has a case of its own, in that case. */
export function normaliseMethod(method: Method): Method {
  return toMethod(fromMethod(method));
}

/** `http` → `HTTP`. */
export function toScheme(name: string): Scheme {
  if (name === "http") return HTTP;
  return name === "https" ? HTTPS : { tag: "other", val: name };
}

/** `HTTP` → `http`. */
export function fromScheme(scheme: Scheme): string {
  return scheme.tag === "other" ? scheme.val : scheme.tag.toLowerCase();
}

/** A scheme that has a case of its own, in that case. */
export function normaliseScheme(scheme: Scheme): Scheme {
  return toScheme(fromScheme(scheme));
}
