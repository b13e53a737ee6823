/**
 * The words in which the configuration is described: shapes of values, and what Nebula makes of each key.
 *
 *     honoured   it does what it says
 *     accepted   it has no effect here; a warning says so, unless it is about Cloudflare's deployment alone
 *     refused    the function would not run as written, so it is an error, with the reason
 *
 * Types only. `shape.ts` and `key.ts` make the values, `keys.ts` holds them.
 */

/** What a value may look like. */
export type Shape =
  | { readonly kind: "text" }
  /** The name of a binding: text that must be unique over all bindings. */
  | { readonly kind: "binding" }
  | { readonly kind: "flag" }
  | { readonly kind: "number" }
  /** A whole number in a range, both ends included. */
  | { readonly kind: "count"; readonly min: number; readonly max: number }
  /** A number in a range, both ends included. */
  | { readonly kind: "amount"; readonly min: number; readonly max: number }
  /** A size, `"128 MiB"` or a number of bytes, in a range of bytes with both ends included. */
  | { readonly kind: "size"; readonly min: number; readonly max: number }
  | { readonly kind: "word"; readonly words: readonly string[] }
  | { readonly kind: "list"; readonly of: Shape }
  /** Keys that the author chooses, values of one shape. */
  | { readonly kind: "map"; readonly of: Shape }
  | { readonly kind: "table"; readonly fields: Fields }
  /** Alternatives that differ in their type, never two tables. */
  | { readonly kind: "either"; readonly of: readonly Shape[] }
  | { readonly kind: "anything" };

/** A key inside a table. Without a rule of its own it shares the fate of the table. */
export interface Field {
  readonly shape: Shape;
  readonly isRequired: boolean;
  readonly rule?: Rule;
}

/** The keys of a table. */
export type Fields = Readonly<Record<string, Field>>;

/** What becomes of a key. */
export type Status = "honoured" | "accepted" | "refused";

/** What becomes of a key, and why. */
export interface Rule {
  readonly status: Status;
  /** An accepted key that is passed over without a warning. */
  readonly isQuiet: boolean;
  /** What Nebula does with it, sentences; of an accepted or refused key the reason, a clause. */
  readonly says: string;
  /** The one value that asks for nothing; unless given, `false` and what is empty do. */
  readonly neutral?: string | boolean;
}

/**
 * Whether `[env.NAME]` takes the value of the top level when it has none of its own.
 *
 *     inherited   yes, the whole value             own         no: it must be repeated
 *     top         it stands at the top level only  each key    yes, key by key
 *
 * @see https://developers.cloudflare.com/workers/wrangler/configuration/ (inheritable and non-inheritable keys)
 */
export type Inheritance = "inherited" | "own" | "top" | "each key";

/** A key of the top level. */
export interface Key extends Field {
  readonly rule: Rule;
  readonly inheritance: Inheritance;
}

/** Keys of the top level by name. */
export type Keys = Readonly<Record<string, Key>>;
