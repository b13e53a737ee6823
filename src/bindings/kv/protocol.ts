/**
 * What the host and the storage process say to each other about KV namespaces.
 *
 *     get     ─▶  the value, or the pieces that it is made of     body: the value
 *     many    ─▶  the first of several values                      body: them, one behind the other
 *     list    ─▶  the first of the keys                            body: them as JSON, without the brackets
 *     put     a whole value, or pieces that are there already     body: the value
 *     piece   a part of a large value, under a number of its own  body: that part
 *     read    ─▶  a part of a piece                               body: it
 *     drop    pieces that nobody needs any more
 *     delete, sweep
 *
 * A large value is never whole in memory: it is written piece by piece under a number that nobody knows yet, and becomes
 * the key's value when the key is told that number. And no answer is larger than what is sent at once: the process holds
 * nothing for a function that does not read what it has asked for, since all functions share the process.
 */

import { DATA_LIMIT_BYTES } from "../../frames/frame.ts";
import { KIB } from "../../model/units.ts";

/** Of an answer, and so of a value that is kept whole. */
export const WHOLE_BYTES = DATA_LIMIT_BYTES;
/** Larger values are kept in pieces of this. */
export const PIECE_BYTES = 512 * KIB;

/** What is asked. `now` is in seconds since 1970: the process has no clock. */
export type KvHead = { readonly namespace: string } & (
  | { readonly op: "get"; readonly key: string; readonly now: number }
  | { readonly op: "many"; readonly keys: readonly string[]; readonly now: number }
  | ({ readonly op: "put"; readonly key: string; readonly pieces?: Pieces } & Beside)
  | { readonly op: "delete"; readonly key: string }
  | ({ readonly op: "list"; readonly now: number } & ListQuery)
  | { readonly op: "piece"; readonly id: number; readonly at: number }
  | { readonly op: "read"; readonly id: number; readonly at: number }
  | { readonly op: "drop"; readonly ids: readonly number[] }
  | { readonly op: "sweep"; readonly now: number }
);

/** Where the pieces of a value are, and how many bytes they have together. */
export interface Pieces {
  readonly id: number;
  readonly bytes: number;
}

/** What is kept beside a value. */
export interface Beside {
  /** Seconds since 1970. */
  readonly expiration?: number | undefined;
  /** As JSON. */
  readonly metadata?: string | undefined;
}

/** One of several values: with pieces, or so many bytes of the body. */
export interface Found {
  readonly bytes: number;
  readonly metadata?: string | undefined;
  readonly pieces?: Pieces | undefined;
}

/** Which keys a list is to have. */
export interface ListQuery {
  readonly prefix: string;
  readonly limit: number;
  /** As a list gave it. */
  readonly cursor?: string | undefined;
}

/** The heads of answers, by what was asked. */
export interface KvAnswers {
  /** Without `pieces` the value is the body. */
  readonly get: { readonly isFound: boolean; readonly pieces?: Pieces | undefined } & Beside;
  /** `found` is about the first of the keys, at least one; `bytes` about all of them. */
  readonly many: { readonly found: readonly (Found | null)[]; readonly bytes: number };
  /** Pieces that the key had before. */
  readonly put: { readonly dropped: readonly number[] };
  readonly delete: { readonly dropped: readonly number[] };
  /** With a cursor there are more. */
  readonly list: { readonly count: number; readonly cursor?: string };
  readonly piece: object;
  readonly read: object;
  readonly drop: object;
  /** `isOver` when nothing that has expired is left. */
  readonly sweep: { readonly dropped: readonly number[]; readonly isOver: boolean };
}
