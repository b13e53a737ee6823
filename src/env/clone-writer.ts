/**
 * A value as a flat list of records; the bytes of its buffers stand apart.
 *
 *     slot     text, finite number, boolean or null as they are; ["u"] undefined, ["n", "NaN"], ["i", "123"] a BigInt,
 *              [7] the record of that number
 *     record   ["object", [key, slot …]]   ["array", [slot …]]   ["sparse", length, [key, slot …]]   ["date", ms]
 *              ["regexp", source, flags]   ["map", [slot, slot …]]   ["set", [slot …]]   ["boxed", slot]
 *              ["buffer", start, length]   ["view", class, [buffer], start, length]
 *              ["error", class, message, stack, [key, slot …]]
 *
 * One object after the other, without recursion.
 */

/** Values as they stand within a record. */
export type Slot = null | boolean | number | string | readonly (string | number)[];
/** One object. */
export type Record = readonly unknown[];

/** Classes of errors that stay what they are; others become an Error that has their name. */
export const ERROR_CLASSES = [
  "EvalError",
  "RangeError",
  "ReferenceError",
  "SyntaxError",
  "TypeError",
  "URIError",
  "AggregateError",
  "DOMException",
] as const;

/** The words of workerd, as far as they are known before all has been counted. */
export function tooLarge(limitBytes: number): TypeError {
  return new TypeError(
    `Serialized RPC arguments or return values are limited to ${limitBytes >> 20}MiB, but this value is larger.`,
  );
}

/** One value, written. */
export class CloneWriter {
  readonly records: Record[] = [];
  readonly pieces: Uint8Array[] = [];
  byteLength = 0;
  readonly #numbers = new Map<object, number>();
  readonly #waiting: object[] = [];
  readonly #limitBytes: number;
  /** Texts are at least as long as they have characters, and records as a pair of brackets. */
  #leastBytes = 0;

  /** @throws {DOMException} DataCloneError. @throws {TypeError} when it must have more than so many bytes. */
  constructor(value: unknown, limitBytes: number) {
    this.#limitBytes = limitBytes;
    const root = this.#toSlot(value);
    // A root that is no object has a record of its own.
    if (!isReference(root)) this.records.push(["value", root]);
    for (let i = 0; i < this.#waiting.length; i++) this.records.push(this.#write(this.#waiting[i] ?? {}));
  }

  #toSlot(value: unknown): Slot {
    switch (typeof value) {
      case "string":
        this.#count(value.length);
        return value;
      case "boolean":
        return value;
      case "number":
        return Number.isFinite(value) && !Object.is(value, -0)
          ? value
          : ["n", Object.is(value, -0) ? "-0" : `${value}`];
      case "bigint":
        return ["i", `${value}`];
      case "undefined":
        return ["u"];
      case "object":
        return value === null ? null : [this.#number(value)];
      case "function":
        throw notCloneable("A function cannot be sent to another function: send data, and name what is to be called");
      default:
        throw notCloneable(`${String(value)} could not be cloned.`);
    }
  }

  #number(value: object): number {
    const known = this.#numbers.get(value);
    if (known !== undefined) return known;
    this.#count(2);
    const number = this.#waiting.push(value) - 1;
    this.#numbers.set(value, number);
    return number;
  }

  #count(bytes: number): void {
    this.#leastBytes += bytes;
    if (this.#leastBytes > this.#limitBytes) throw tooLarge(this.#limitBytes);
  }

  #write(value: object): Record {
    if (Array.isArray(value)) return this.#writeArray(value);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return ["object", this.#writeKeys(value)];
    if (value instanceof Error || value instanceof DOMException) return this.#writeError(value);
    if (ArrayBuffer.isView(value)) return this.#writeView(value);
    if (value instanceof ArrayBuffer) return this.#writeBuffer(value);
    if (value instanceof Date) return ["date", this.#toSlot(value.getTime())];
    if (value instanceof RegExp) return ["regexp", value.source, value.flags];
    if (value instanceof Map) return ["map", [...value].flatMap((pair) => pair.map((each) => this.#toSlot(each)))];
    if (value instanceof Set) return ["set", [...value].map((each) => this.#toSlot(each))];
    if (isBoxed(value)) return ["boxed", this.#toSlot(value.valueOf())];
    throw notCloneable(describeUnfit(value));
  }

  #writeArray(value: readonly unknown[]): Record {
    const keys = Object.keys(value);
    if (keys.length !== value.length) return ["sparse", value.length, this.#writeKeys(value)];
    return ["array", value.map((each) => this.#toSlot(each))];
  }

  #writeKeys(value: object, but?: readonly string[]): unknown[] {
    const entries: unknown[] = [];
    for (const key of Object.keys(value)) {
      if (!but?.includes(key)) entries.push(key, this.#toSlot(Reflect.get(value, key)));
    }
    return entries;
  }

  #writeBuffer(value: ArrayBuffer): Record {
    if (value.detached) throw notCloneable("An ArrayBuffer that is detached could not be cloned.");
    const start = this.byteLength;
    this.pieces.push(new Uint8Array(value));
    this.byteLength += value.byteLength;
    this.#count(value.byteLength);
    return ["buffer", start, value.byteLength];
  }

  #writeView(value: ArrayBufferView): Record {
    const name = Object.prototype.toString.call(value).slice(8, -1);
    if (!(value.buffer instanceof ArrayBuffer)) throw notCloneable("Memory that is shared could not be cloned.");
    const length = "length" in value ? Number(value.length) : value.byteLength;
    return ["view", name, this.#toSlot(value.buffer), value.byteOffset, length];
  }

  #writeError(error: Error | DOMException): Record {
    const kind = ERROR_CLASSES.find((name) => error instanceof Object(Reflect.get(globalThis, name))) ?? "Error";
    const { name, message, stack } = error;
    const entries = this.#writeKeys(error, ["name", "message", "stack", "code"]);
    if (kind !== "DOMException" && "code" in error) entries.push("code", this.#toSlot(error.code));
    if (name !== kind) entries.push("name", this.#toSlot(String(name)));
    for (const key of ["cause", "errors"]) {
      if (Object.hasOwn(error, key) && !entries.includes(key)) entries.push(key, this.#toSlot(Reflect.get(error, key)));
    }
    return ["error", kind === "DOMException" ? [kind, name] : [kind], String(message), String(stack ?? ""), entries];
  }
}

function isReference(slot: Slot): boolean {
  return Array.isArray(slot) && typeof slot[0] === "number";
}

function isBoxed(value: object): boolean {
  if (value instanceof Boolean || value instanceof Number || value instanceof String) return true;
  return value instanceof BigInt;
}

/** The words of the engines, where they have any for it. */
function describeUnfit(value: object): string {
  const name = String(Object.getPrototypeOf(value)?.constructor?.name);
  if (value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet)
    return `#<${name}> could not be cloned.`;
  return `Could not serialize object of type "${name}". This type does not support serialization.`;
}

function notCloneable(message: string): DOMException {
  return new DOMException(message, "DataCloneError");
}
