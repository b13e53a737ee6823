/**
 * Records back to the value that they were written from. Whoever wrote them may be hostile: each word is looked at before
 * it is used, and nothing is named that could be called.
 *
 *     make every object, empty  ─▶  fill them, one after the other
 */

import { ERROR_CLASSES, type Slot } from "./clone-writer.ts";

const VIEWS = [
  "Int8Array",
  "Uint8Array",
  "Uint8ClampedArray",
  "Int16Array",
  "Uint16Array",
  "Int32Array",
  "Uint32Array",
  "Float16Array",
  "Float32Array",
  "Float64Array",
  "BigInt64Array",
  "BigUint64Array",
  "DataView",
] as const;
const NUMBERS: ReadonlyMap<unknown, number> = new Map([
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
  ["-0", -0],
]);
const MAX_DIGITS = 10_000;

/** One value that comes. */
export class CloneReader {
  readonly #records: readonly (readonly unknown[])[];
  readonly #bytes: Uint8Array;
  readonly #made: unknown[] = [];
  /** Buffers stand one behind the other: many of the same bytes would be more than was sent. */
  #takenBytes = 0;

  /** @throws {TypeError} when it is no list of records. */
  constructor(records: unknown, bytes: Uint8Array) {
    this.#records = toList(records).map(toList);
    this.#bytes = bytes;
  }

  /** @throws {TypeError} when it is not written as a value. */
  read(): unknown {
    const [first] = this.#records;
    if (first?.[0] === "value") return this.#fromSlot(first[1]);
    for (const record of this.#records) this.#made.push(record[0] === "view" ? undefined : this.#make(record));
    for (const [i, record] of this.#records.entries()) if (record[0] === "view") this.#made[i] = this.#makeView(record);
    for (const [i, record] of this.#records.entries()) this.#fill(this.#made[i], record);
    if (this.#made.length === 0) throw new TypeError("there is no record");
    return this.#made[0];
  }

  #fromSlot(slot: unknown): unknown {
    if (!Array.isArray(slot)) return toPlain(slot);
    const [kind, text]: unknown[] = slot;
    if (typeof kind === "number") {
      if (!Number.isInteger(kind) || kind < 0 || kind >= this.#made.length)
        throw new TypeError("there is no such record");
      return this.#made[kind];
    }
    if (kind === "u") return undefined;
    if (kind === "n" && NUMBERS.has(text)) return NUMBERS.get(text);
    if (kind === "i" && typeof text === "string" && text.length <= MAX_DIGITS && /^-?\d+$/.test(text))
      return BigInt(text);
    throw new TypeError("there is no such slot");
  }

  #make(record: readonly unknown[]): unknown {
    const [kind, first, second] = record;
    switch (kind) {
      case "object":
        return {};
      case "array":
        return [];
      case "sparse":
        return Object.assign([], { length: first });
      case "date":
        return new Date(Number(this.#fromSlot(first)));
      case "regexp":
        return new RegExp(toText(first), toText(second));
      case "map":
        return new Map();
      case "set":
        return new Set();
      case "boxed":
        return Object(toPrimitive(this.#fromSlot(first)));
      case "buffer": {
        const start = toSize(first);
        const end = start + toSize(second);
        if (end > this.#bytes.byteLength) throw new TypeError("a buffer goes beyond its bytes");
        if (start < this.#takenBytes) throw new TypeError("a buffer has bytes of another one");
        this.#takenBytes = end;
        // A copy, whatever kind of bytes these are: those of Node share one buffer with many others.
        return new Uint8Array(this.#bytes.subarray(start, end)).buffer;
      }
      case "error":
        return makeError(toList(first).map(toText), toText(second));
      default:
        throw new TypeError("there is no such record");
    }
  }

  #makeView([, name, buffer, start, length]: readonly unknown[]): unknown {
    const kind = VIEWS.find((each) => each === name);
    const bytes = this.#fromSlot(buffer);
    const View: unknown = kind && Reflect.get(globalThis, kind);
    if (typeof View !== "function" || !(bytes instanceof ArrayBuffer)) throw new TypeError("there is no such view");
    return Reflect.construct(View, [bytes, toSize(start), toSize(length)]);
  }

  #fill(made: unknown, record: readonly unknown[]): void {
    const [kind, first, second] = record;
    if (kind === "array" && Array.isArray(made)) for (const slot of toList(first)) made.push(this.#fromSlot(slot));
    else if (kind === "object") this.#setKeys(made, first);
    else if (kind === "sparse") this.#setKeys(made, second);
    else if (made instanceof Set) for (const slot of toList(first)) made.add(this.#fromSlot(slot));
    else if (made instanceof Map) this.#setEntries(made, toList(first));
    else if (kind === "error") this.#fillError(made, record);
  }

  #setKeys(made: unknown, entries: unknown, { isHidden = false } = {}): void {
    const list = toList(entries);
    for (let i = 0; i + 1 < list.length; i += 2) {
      define(made, toText(list[i]), { value: this.#fromSlot(list[i + 1]), enumerable: !isHidden });
    }
  }

  #setEntries(made: Map<unknown, unknown>, list: readonly unknown[]): void {
    for (let i = 0; i + 1 < list.length; i += 2) made.set(this.#fromSlot(list[i]), this.#fromSlot(list[i + 1]));
  }

  #fillError(made: unknown, [, , , stack, entries]: readonly unknown[]): void {
    const list = toList(entries);
    const isOwn = (key: unknown) => key === "cause" || key === "errors" || key === "name";
    for (let i = 0; i + 1 < list.length; i += 2) {
      this.#setKeys(made, [list[i], list[i + 1]], { isHidden: isOwn(list[i]) });
    }
    define(made, "stack", { value: toText(stack), enumerable: false });
  }
}

/** An error of a class that is known, or a plain one. `kinds` has the name of a DOMException behind its class. */
export function makeError([kind, name]: readonly (string | undefined)[], message: string): Error {
  const known = ERROR_CLASSES.find((each) => each === kind);
  const Made: unknown = known && Reflect.get(globalThis, known);
  const args = kind === "DOMException" ? [message, name] : kind === "AggregateError" ? [[], message] : [message];
  const made: unknown = typeof Made === "function" ? Reflect.construct(Made, args) : undefined;
  return made instanceof Error ? made : new Error(message);
}

function define(made: unknown, key: string, { value, enumerable }: { value: unknown; enumerable: boolean }): void {
  Object.defineProperty(made, key, { value, enumerable, writable: true, configurable: true });
}

function toList(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError("there is no list");
  return value;
}

function toText(value: unknown): string {
  if (typeof value !== "string") throw new TypeError("there is no text");
  return value;
}

function toSize(value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw new TypeError("there is no size");
  return value;
}

function toPlain(slot: unknown): Slot {
  if (slot === null || typeof slot === "string" || typeof slot === "number" || typeof slot === "boolean") return slot;
  throw new TypeError("there is no such slot");
}

function toPrimitive(value: unknown): unknown {
  if (typeof value === "object" || value === undefined) throw new TypeError("nothing can be boxed of it");
  return value;
}
