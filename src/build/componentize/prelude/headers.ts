/**
 * Header lists.
 *
 * @see https://fetch.spec.whatwg.org/#headers-class
 */

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a value may not hold
const BAD_VALUE = /[\0\r\n]|[^\u0000-\u00ff]/;

/** Lower-case name and value, as they were appended. */
export type HeaderLine = readonly [name: string, value: string];

/** What Headers can be made of. */
export type HeadersSource = NebulaHeaders | Iterable<Iterable<string>> | Readonly<Record<string, string>>;

/** `Headers`. */
export class NebulaHeaders {
  #lines: HeaderLine[] = [];
  #isImmutable = false;

  constructor(source?: HeadersSource | null) {
    if (source === undefined || source === null) return;
    if (typeof source !== "object" && typeof source !== "function")
      throw new TypeError("Cannot make Headers of this value");
    if (source instanceof NebulaHeaders && source[Symbol.iterator] === NebulaHeaders.prototype[Symbol.iterator]) {
      this.#lines = [...source.#lines];
    } else if (isIterable(source)) {
      for (const pair of source) {
        const [name, value, ...more] = [...pair];
        if (name === undefined || value === undefined || more.length > 0)
          throw new TypeError("A header is a name and a value");
        this.append(name, value);
      }
    } else {
      for (const name of Reflect.ownKeys(source)) {
        if (Object.getOwnPropertyDescriptor(source, name)?.enumerable !== true) continue;
        if (typeof name === "symbol") throw new TypeError("Cannot use a symbol as the name of a header");
        this.append(name, Reflect.get(source, name));
      }
    }
  }

  append(name: string, value: string): void {
    const line = this.#check(name, value);
    this.#lines.push(line);
  }

  set(name: string, value: string): void {
    const line = this.#check(name, value);
    const at = this.#lines.findIndex(([each]) => each === line[0]);
    if (at < 0) this.#lines.push(line);
    else this.#lines = this.#lines.flatMap((each, i) => (i === at ? [line] : each[0] === line[0] ? [] : [each]));
  }

  delete(name: string): void {
    const key = toName(name);
    if (this.#isImmutable) throw new TypeError("These headers cannot be changed");
    this.#lines = this.#lines.filter(([each]) => each !== key);
  }

  get(name: string): string | null {
    const key = toName(name);
    const values = this.#lines.filter(([each]) => each === key).map(([, value]) => value);
    return values.length === 0 ? null : values.join(", ");
  }

  has(name: string): boolean {
    const key = toName(name);
    return this.#lines.some(([each]) => each === key);
  }

  getSetCookie(): string[] {
    return this.#lines.filter(([name]) => name === "set-cookie").map(([, value]) => value);
  }

  forEach(callback: (value: string, name: string, headers: NebulaHeaders) => void, self?: unknown): void {
    for (const [name, value] of this) Reflect.apply(callback, self, [value, name, this]);
  }

  *entries(): IterableIterator<[string, string]> {
    for (let i = 0; ; i++) {
      const entry = this.#sorted()[i];
      if (entry === undefined) return;
      yield [entry[0], entry[1]];
    }
  }

  *keys(): IterableIterator<string> {
    for (const [name] of this.entries()) yield name;
  }

  *values(): IterableIterator<string> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }

  /** Sorted by name, values of one name joined, cookies apart. */
  #sorted(): HeaderLine[] {
    const joined = new Map<string, string>();
    for (const [name, value] of this.#lines) {
      const before = joined.get(name);
      joined.set(name, before === undefined ? value : `${before}, ${value}`);
    }
    return [...joined.keys()].sort().flatMap((name): HeaderLine[] => {
      return name === "set-cookie"
        ? this.getSetCookie().map((value) => [name, value])
        : [[name, joined.get(name) ?? ""]];
    });
  }

  #check(name: string, value: string): HeaderLine {
    const text = String(value).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
    const key = toName(name);
    if (BAD_VALUE.test(text)) throw new TypeError(`The value of header "${key}" holds what HTTP does not allow`);
    if (this.#isImmutable) throw new TypeError("These headers cannot be changed");
    return [key, text];
  }

  /** Headers that came over the wire, not checked again. */
  static fromWire(lines: HeaderLine[], { isImmutable }: { isImmutable: boolean }): NebulaHeaders {
    const headers = new NebulaHeaders();
    headers.#lines = lines;
    headers.#isImmutable = isImmutable;
    return headers;
  }
}

const { fromWire } = NebulaHeaders;
Reflect.deleteProperty(NebulaHeaders, "fromWire");
/** Headers that came over the wire, not checked again. */
export const headersFromWire = fromWire;

function toName(name: string): string {
  const text = String(name);
  if (!NAME.test(text)) throw new TypeError(`"${text}" is no name of a header`);
  return text.toLowerCase();
}

function isIterable(value: object): value is Iterable<Iterable<string>> {
  return typeof Reflect.get(value, Symbol.iterator) === "function";
}
