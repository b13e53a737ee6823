/**
 * Codecs of everything that is one of several cases: variants, enums, options, results.
 *
 * In memory: the number of the case, then its value. As core values: the number, then as many values as the longest case
 * has, each of a type that holds that of every case.
 */

import { alignTo, type Codec, describeParts, MAX_FLAT, PRIMITIVES, refuse } from "./codec.guest.ts";
import {
  type FlatType,
  type FlatValue,
  fromJoined,
  joinFlat,
  toFlatValue,
  toInt,
  toJoined,
  zeroOf,
} from "./core-value.guest.ts";
import { checkDistinct, checkLabel } from "./labels.guest.ts";
import type { Port } from "./port.guest.ts";
import { trap } from "./trap.guest.ts";

/** How a case with its value looks in JavaScript. */
interface Shape {
  wrap(index: number, payload: unknown): unknown;
  indexOf(value: unknown): number;
  payloadOf(value: unknown): unknown;
}

/** A case; one without a codec has no value. */
export interface Case {
  readonly name: string;
  readonly codec: Codec | undefined;
}

/** A variant: `{ tag, val }`. */
export function variant(cases: readonly Case[]): Codec {
  return cased(
    cases.map(({ codec }) => codec),
    toTagged(cases.map(({ name }) => name)),
  );
}

/** A result: `{ tag: "ok" | "err", val }`. */
export function result(ok: Codec | undefined, error: Codec | undefined): Codec {
  return cased([ok, error], toTagged(["ok", "err"]));
}

/** An enum: its word. */
export function enumeration(names: readonly string[]): Codec {
  const numbers = toNumbers(names);
  return cased(
    names.map(() => undefined),
    {
      wrap: (index) => names[index],
      indexOf: (value) => numbers.get(value) ?? refuse(value, "a word of an enum"),
      payloadOf: () => undefined,
    },
  );
}

/** An option: the value or `undefined`; around another option `{ tag: "some", val }` or `{ tag: "none" }`. */
export function option(codec: Codec, isNested: boolean): Codec {
  if (isNested) return cased([undefined, codec], toTagged(["none", "some"]));
  return cased([undefined, codec], {
    wrap: (_index, payload) => payload,
    indexOf: (value) => (value === undefined ? 0 : 1),
    payloadOf: (value) => value,
  });
}

function toTagged(names: readonly string[]): Shape {
  const numbers = toNumbers(names);
  const tagged = (value: unknown) => (isTagged(value) ? value : refuse(value, "an object with a tag"));
  return {
    wrap: (index, val) => ({ tag: names[index], val }),
    indexOf: (value) => numbers.get(tagged(value).tag) ?? refuse(value, `a tag of ${names.join(", ")}`),
    payloadOf: (value) => tagged(value).val,
  };
}

function isTagged(value: unknown): value is { readonly tag: unknown; readonly val?: unknown } {
  return typeof value === "object" && value !== null && "tag" in value;
}

function toNumbers(names: readonly string[]): ReadonlyMap<unknown, number> {
  checkDistinct(names);
  return new Map(names.map((name, index) => [checkLabel(name), index]));
}

function cased(cases: readonly (Codec | undefined)[], shape: Shape): Codec {
  const codecs = cases.filter((each) => each !== undefined);
  const number = PRIMITIVES[cases.length <= 0x100 ? "u8" : cases.length <= 0x10000 ? "u16" : "u32"];
  const align = codecs.reduce((most, codec) => Math.max(most, codec.align), number.size);
  const payloadAt = alignTo(number.size, codecs.length === 0 ? 1 : Math.max(...codecs.map((codec) => codec.align)));
  const size = alignTo(payloadAt + codecs.reduce((most, codec) => Math.max(most, codec.size), 0), align);
  const joined = joinCases(codecs);
  const flats = cases.map((codec) => (codec === undefined || joined === undefined ? undefined : cross(codec, joined)));
  const check = (index: number) => (index < cases.length ? index : trap(`there is no case ${index}`));
  return {
    size,
    align,
    flat: joined && ["i32", ...joined],
    ...describeParts(codecs, size),
    load: (port, at) => {
      const index = check(Number(number.load(port, at)));
      return shape.wrap(index, cases[index]?.load(port, at + payloadAt));
    },
    store: (port, at, value) => {
      const index = shape.indexOf(value);
      number.store(port, at, index);
      cases[index]?.store(port, at + payloadAt, shape.payloadOf(value));
    },
    lift: (port, values, at) => {
      const index = check(toInt(values, at) >>> 0);
      return shape.wrap(index, flats[index]?.lift(port, values, at + 1));
    },
    lower: (port, values, at, value) => {
      const index = shape.indexOf(value);
      values[at] = index;
      const codec = flats[index];
      codec?.lower(port, values, at + 1, shape.payloadOf(value));
      for (let i = codec?.length ?? 0; i < (joined?.length ?? 0); i++)
        values[at + 1 + i] = zeroOf(joined?.[i] ?? "i32");
    },
  };
}

function joinCases(codecs: readonly Codec[]): FlatType[] | undefined {
  const joined: FlatType[] = [];
  for (const { flat } of codecs) {
    if (flat === undefined || flat.length >= MAX_FLAT) return undefined;
    for (const [i, type] of flat.entries()) joined[i] = joinFlat(joined[i], type);
  }
  return joined;
}

/** A case as core values; `length` is how many are its own. */
interface FlatCase {
  readonly length: number;
  lift(port: Port, flats: readonly FlatValue[], at: number): unknown;
  lower(port: Port, flats: FlatValue[], at: number, value: unknown): void;
}

/** A case whose values may travel as other types than its own. */
function cross(codec: Codec, joined: readonly FlatType[]): FlatCase {
  const own = codec.flat ?? [];
  const pairs = own.map((type, i) => ({ type, as: joined[i] ?? type }));
  const { length } = own;
  if (pairs.every(({ type, as }) => type === as)) {
    return { length, lift: codec.lift, lower: codec.lower };
  }
  return {
    length,
    lift: (port, flats, at) => {
      const values = pairs.map(({ type, as }, i) => fromJoined(toFlatValue(flats[at + i]), as, type));
      return codec.lift(port, values, 0);
    },
    lower: (port, flats, at, value) => {
      const values: FlatValue[] = [];
      codec.lower(port, values, 0, value);
      for (const [i, { type, as }] of pairs.entries()) flats[at + i] = toJoined(toFlatValue(values[i]), type, as);
    },
  };
}
