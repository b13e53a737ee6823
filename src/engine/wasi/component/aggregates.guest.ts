/**
 * Codecs of records, tuples, flags and lists.
 */

import { alignTo, type Codec, describeParts, joinAll, MAX_FLAT, PAIR, PRIMITIVES, refuse } from "./codec.guest.ts";
import { toInt } from "./core-value.guest.ts";
import { checkDistinct, toKey } from "./labels.guest.ts";
import type { Port } from "./port.guest.ts";

/** Where the parts of a record are. */
interface Layout extends Pick<Codec, "size" | "align" | "flat" | "depth" | "lends"> {
  readonly parts: readonly { readonly codec: Codec; readonly at: number; readonly flatAt: number }[];
}

/** Lays parts out one after the other, each aligned. */
function layOut(codecs: readonly Codec[]): Layout {
  let at = 0;
  let flatAt = 0;
  const parts = codecs.map((codec) => {
    const part = { codec, at: alignTo(at, codec.align), flatAt };
    at = part.at + codec.size;
    flatAt += codec.flat?.length ?? 0;
    return part;
  });
  const align = codecs.reduce((most, codec) => Math.max(most, codec.align), 1);
  const size = alignTo(at, align);
  return { size, align, flat: joinAll(codecs), ...describeParts(codecs, size), parts };
}

/** A record: an object. */
export function record(fields: readonly { readonly name: string; readonly codec: Codec }[]): Codec {
  const { parts, ...layout } = layOut(fields.map(({ codec }) => codec));
  checkDistinct(fields.map(({ name }) => name));
  const keyed = parts.map((part, i) => ({ ...part, key: toKey(fields[i]?.name ?? "") }));
  return {
    ...layout,
    load: (port, base) => {
      const value: Record<string, unknown> = {};
      for (const { codec, at, key } of keyed) value[key] = codec.load(port, base + at);
      return value;
    },
    store: (port, base, value) => {
      const from = toRecord(value);
      for (const { codec, at, key } of keyed) codec.store(port, base + at, from[key]);
    },
    lift: (port, flats, base) => {
      const value: Record<string, unknown> = {};
      for (const { codec, flatAt, key } of keyed) value[key] = codec.lift(port, flats, base + flatAt);
      return value;
    },
    lower: (port, flats, base, value) => {
      const from = toRecord(value);
      for (const { codec, flatAt, key } of keyed) codec.lower(port, flats, base + flatAt, from[key]);
    },
  };
}

/** A tuple: an array. */
export function tuple(codecs: readonly Codec[]): Codec {
  const { parts, ...layout } = layOut(codecs);
  return {
    ...layout,
    load: (port, base) => parts.map(({ codec, at }) => codec.load(port, base + at)),
    store: (port, base, value) => {
      const from = toArray(value);
      for (const [i, { codec, at }] of parts.entries()) codec.store(port, base + at, from[i]);
    },
    lift: (port, flats, base) => parts.map(({ codec, flatAt }) => codec.lift(port, flats, base + flatAt)),
    lower: (port, flats, base, value) => {
      const from = toArray(value);
      for (const [i, { codec, flatAt }] of parts.entries()) codec.lower(port, flats, base + flatAt, from[i]);
    },
  };
}

/** Flags: an object of booleans. Up to 8 are a byte, up to 16 two, more are words of 32. */
export function flags(names: readonly string[]): Codec {
  checkDistinct(names);
  const keys = names.map(toKey);
  const size = names.length <= 8 ? 1 : names.length <= 16 ? 2 : Math.ceil(names.length / 32) * 4;
  const align = Math.min(size, 4);
  const words = Math.ceil(names.length / 32);
  const word = PRIMITIVES[size === 1 ? "u8" : size === 2 ? "u16" : "u32"];
  const decode = (bits: (index: number) => number) => {
    const value: Record<string, boolean> = {};
    for (const [i, key] of keys.entries()) value[key] = ((bits(i >>> 5) >>> (i & 31)) & 1) === 1;
    return value;
  };
  const encode = (value: unknown, index: number) => {
    const from = toRecord(value);
    let bits = 0;
    for (const [i, key] of keys.slice(index * 32, index * 32 + 32).entries()) if (from[key] === true) bits |= 1 << i;
    return bits;
  };
  return {
    size,
    align,
    flat: words > MAX_FLAT ? undefined : new Array<"i32">(words).fill("i32"),
    ...describeParts([], size),
    load: (port, at) => decode((index) => Number(word.load(port, at + index * 4))),
    store: (port, at, value) => {
      for (let i = 0; i < words; i++) word.store(port, at + i * 4, encode(value, i));
    },
    lift: (_port, flats, at) => decode((index) => toInt(flats, at + index)),
    lower: (_port, flats, at, value) => {
      for (let i = 0; i < words; i++) flats[at + i] = encode(value, i);
    },
  };
}

/** A list: an array, or a Uint8Array of bytes. */
export function list(element: Codec): Codec {
  const { read, write } = element === PRIMITIVES.u8 ? BYTES : toElements(element);
  return {
    ...PAIR,
    ...describeParts([element], PAIR.size),
    load: (port, at) => read(port, port.view.getUint32(at, true), port.view.getUint32(at + 4, true)),
    store: (port, at, value) => {
      const to = write(port, value);
      port.view.setUint32(at, to, true);
      port.view.setUint32(at + 4, toArray(value).length, true);
    },
    lift: (port, flats, at) => read(port, toInt(flats, at) >>> 0, toInt(flats, at + 1) >>> 0),
    lower: (port, flats, at, value) => {
      flats[at] = write(port, value);
      flats[at + 1] = toArray(value).length;
    },
  };
}

interface ListCodec {
  read(port: Port, at: number, length: number): unknown;
  /** Gives where it put them. */
  write(port: Port, value: unknown): number;
}

const BYTES: ListCodec = {
  read: (port, at, length) => {
    port.check(at, length, 1);
    port.spend(length);
    return port.bytes.slice(at, at + length);
  },
  write: (port, value) => {
    const bytes = value instanceof Uint8Array ? value : Uint8Array.from(toArray(value), Number);
    const at = port.allocate(bytes.byteLength, 1);
    port.bytes.set(bytes, at);
    return at;
  },
};

/** What an element costs in the process beside its own bytes, about. */
const ELEMENT_BYTES = 16;

function toElements(element: Codec): ListCodec {
  const { size, align } = element;
  return {
    read: (port, at, length) => {
      port.check(at, length * size, align);
      port.spend(length * Math.max(size, ELEMENT_BYTES));
      const values: unknown[] = [];
      for (let i = 0; i < length; i++) values.push(element.load(port, at + i * size));
      return values;
    },
    write: (port, value) => {
      const values = toArray(value);
      const at = port.allocate(values.length * size, align);
      for (let i = 0; i < values.length; i++) element.store(port, at + i * size, values[i]);
      return at;
    },
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function toRecord(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : refuse(value, "an object");
}

function toArray(value: unknown): ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView) && isList(value))
    ? value
    : refuse(value, "a list");
}

function isList(value: object): value is ArrayLike<unknown> {
  return "length" in value;
}
