/**
 * A codec knows one type of the component model: how its values look in memory and as core values.
 *
 * Codecs are made once, when a component is linked; each is made of the codecs of its parts, so that nothing is looked up
 * while values pass.
 *
 * @see https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md
 */

import { type FlatType, type FlatValue, toInt, toLong } from "./core-value.guest.ts";
import type { Port } from "./port.guest.ts";
import { ComponentLinkError, trap } from "./trap.guest.ts";

/** One type. Pointers given to `load` and `store` are checked: aligned, and with the whole size within the memory. */
export interface Codec {
  /** In bytes, in memory. */
  readonly size: number;
  readonly align: number;
  /** As core values; absent where there are more than can ever be passed. */
  readonly flat: readonly FlatType[] | undefined;
  /** How many types are within each other. */
  readonly depth: number;
  /** Whether a borrow handle is anywhere within. */
  readonly lends: boolean;
  load(port: Port, at: number): unknown;
  store(port: Port, at: number, value: unknown): void;
  /** Reads `flat.length` core values from `at` on. */
  lift(port: Port, flats: readonly FlatValue[], at: number): unknown;
  /** Writes `flat.length` core values from `at` on. */
  lower(port: Port, flats: FlatValue[], at: number, value: unknown): void;
}

/** The most core values that any type is passed as. */
export const MAX_FLAT = 16;
/** Types within types deeper than this are not made by any tool. */
const MAX_DEPTH = 100;
/** The fixed part of a value; what is larger is a mistake or an attack. */
const MAX_SIZE = 1 << 20;

/** The next multiple. */
export function alignTo(at: number, align: number): number {
  return Math.ceil(at / align) * align;
}

/** All flat types one after the other, if they are not too many. */
export function joinAll(parts: readonly Codec[]): FlatType[] | undefined {
  const all: FlatType[] = [];
  for (const { flat } of parts) {
    if (flat === undefined || all.length + flat.length > MAX_FLAT) return undefined;
    all.push(...flat);
  }
  return all;
}

/** What is common to types that have parts. */
export function describeParts(parts: readonly Codec[], size: number): { depth: number; lends: boolean } {
  const depth = 1 + parts.reduce((most, part) => Math.max(most, part.depth), 0);
  if (depth > MAX_DEPTH) throw new ComponentLinkError(`types are nested deeper than ${MAX_DEPTH}`);
  if (size > MAX_SIZE) throw new ComponentLinkError(`a value of one type has more than ${MAX_SIZE} bytes`);
  return { depth, lends: parts.some((part) => part.lends) };
}

/** The rest of a codec whose values are one i32: what memory and core values have in common is written once. */
export function toIntCodec(parts: {
  readonly size: 1 | 2 | 4;
  readonly lends?: boolean;
  /** From the unsigned number. */
  readonly decode: (port: Port, raw: number) => unknown;
  readonly encode: (port: Port, value: unknown) => number;
}): Codec {
  const { size, lends = false, decode, encode } = parts;
  const load = LOADERS[size];
  const store = STORERS[size];
  return {
    size,
    align: size,
    flat: ["i32"],
    depth: 1,
    lends,
    load: (port, at) => decode(port, load(port.view, at)),
    store: (port, at, value) => {
      const raw = encode(port, value);
      store(port.view, at, raw);
    },
    lift: (port, flats, at) => decode(port, toInt(flats, at) >>> 0),
    lower: (port, flats, at, value) => {
      flats[at] = encode(port, value);
    },
  };
}

const LOADERS = {
  1: (view: DataView, at: number) => view.getUint8(at),
  2: (view: DataView, at: number) => view.getUint16(at, true),
  4: (view: DataView, at: number) => view.getUint32(at, true),
} as const;

const STORERS = {
  1: (view: DataView, at: number, value: number) => view.setUint8(at, value),
  2: (view: DataView, at: number, value: number) => view.setUint16(at, value, true),
  4: (view: DataView, at: number, value: number) => view.setUint32(at, value, true),
} as const;

/** An integer of up to 32 bits; higher bits of a core value do not count. */
function integer(size: 1 | 2 | 4, wrap: (raw: number) => number): Codec {
  return toIntCodec({ size, decode: (_port, raw) => wrap(raw), encode: (_port, value) => wrap(toNumber(value)) });
}

const LONG = {
  size: 8,
  align: 8,
  flat: ["i64"],
  depth: 1,
  lends: false,
  lower: (_port, flats, at, value) => {
    flats[at] = toBigInt(value);
  },
} as const satisfies Partial<Codec>;

/** A float; NaNs lose their payload, as the ABI allows. */
const F32: Codec = {
  size: 4,
  align: 4,
  flat: ["f32"],
  depth: 1,
  lends: false,
  load: (port, at) => port.view.getFloat32(at, true),
  store: (port, at, value) => port.view.setFloat32(at, toNumber(value), true),
  lift: (_port, flats, at) => toInt(flats, at),
  lower: (_port, flats, at, value) => {
    flats[at] = toNumber(value);
  },
};

const F64: Codec = {
  ...F32,
  size: 8,
  align: 8,
  flat: ["f64"],
  load: (port, at) => port.view.getFloat64(at, true),
  store: (port, at, value) => port.view.setFloat64(at, toNumber(value), true),
};

/** A place and a length: strings and lists. */
export const PAIR = { size: 8, align: 4, flat: ["i32", "i32"] } as const satisfies Partial<Codec>;

const STRING: Codec = {
  ...PAIR,
  depth: 1,
  lends: false,
  load: (port, at) => port.strings.read(port, port.view.getUint32(at, true), port.view.getUint32(at + 4, true)),
  store: (port, at, value) =>
    port.strings.write(port, toText(value), (to, units) => {
      port.view.setUint32(at, to, true);
      port.view.setUint32(at + 4, units, true);
    }),
  lift: (port, flats, at) => port.strings.read(port, toInt(flats, at) >>> 0, toInt(flats, at + 1) >>> 0),
  lower: (port, flats, at, value) =>
    port.strings.write(port, toText(value), (to, units) => {
      flats[at] = to;
      flats[at + 1] = units;
    }),
};

/** The codecs of types without parts. */
export const PRIMITIVES = {
  bool: toIntCodec({
    size: 1,
    decode: (_port, raw) => raw !== 0,
    encode: (_port, value) => (typeof value === "boolean" ? Number(value) : refuse(value, "a boolean")),
  }),
  u8: integer(1, (raw) => raw & 0xff),
  s8: integer(1, (raw) => (raw << 24) >> 24),
  u16: integer(2, (raw) => raw & 0xffff),
  s16: integer(2, (raw) => (raw << 16) >> 16),
  u32: integer(4, (raw) => raw >>> 0),
  s32: integer(4, (raw) => raw | 0),
  u64: {
    ...LONG,
    load: (port, at) => port.view.getBigUint64(at, true),
    store: (port, at, value) => port.view.setBigUint64(at, toBigInt(value), true),
    lift: (_port, flats, at) => BigInt.asUintN(64, toLong(flats, at)),
  },
  s64: {
    ...LONG,
    load: (port, at) => port.view.getBigInt64(at, true),
    store: (port, at, value) => port.view.setBigInt64(at, toBigInt(value), true),
    lift: (_port, flats, at) => toLong(flats, at),
  },
  f32: F32,
  f64: F64,
  char: toIntCodec({ size: 4, decode: (_port, raw) => toChar(raw), encode: (_port, value) => toCodePoint(value) }),
  string: STRING,
} as const satisfies Record<string, Codec>;

function toChar(raw: number): string {
  if (raw > 0x10_ffff || (raw >= 0xd800 && raw <= 0xdfff)) trap(`${raw} is no character`);
  return String.fromCodePoint(raw);
}

function toCodePoint(value: unknown): number {
  const code = toText(value).codePointAt(0) ?? refuse(value, "a character");
  if (String.fromCodePoint(code) !== value || (code >= 0xd800 && code <= 0xdfff)) refuse(value, "a character");
  return code;
}

function toNumber(value: unknown): number {
  return typeof value === "number" ? value : refuse(value, "a number");
}

function toBigInt(value: unknown): bigint {
  return typeof value === "bigint" ? value : refuse(value, "a bigint");
}

function toText(value: unknown): string {
  return typeof value === "string" ? value : refuse(value, "a string");
}

/** A value of JavaScript is not what its type wants. */
export function refuse(value: unknown, wanted: string): never {
  throw new TypeError(`A value of type ${typeof value} was given where ${wanted} is wanted`);
}
