/**
 * Query strings.
 *
 * @see https://url.spec.whatwg.org/#interface-urlsearchparams
 */

import { decodeText, encodeText, fromLatin1 } from "./encoding.ts";

type Pair = [name: string, value: string];
/** What URLSearchParams can be made of. */
export type SearchParamsSource = string | Iterable<Iterable<string>> | Readonly<Record<string, string>>;

/** `URLSearchParams`. */
export class NebulaURLSearchParams {
  #pairs: Pair[] = [];
  #onChange: ((query: string) => void) | undefined;

  constructor(source: SearchParamsSource = "") {
    if (typeof source === "object" && source !== null) {
      if (isIterable(source)) {
        for (const pair of source) {
          const [name, value, ...more] = [...pair];
          if (name === undefined || value === undefined || more.length > 0)
            throw new TypeError("A parameter is a name and a value");
          this.#pairs.push([toText(name), toText(value)]);
        }
      } else for (const [name, value] of Object.entries(source)) this.#pairs.push([toText(name), toText(value)]);
    } else this.#pairs = parse(toText(source).replace(/^\?/, ""));
  }

  get size(): number {
    return this.#pairs.length;
  }

  append(name: string, value: string): void {
    this.#pairs.push([toText(name), toText(value)]);
    this.#changed();
  }

  delete(name: string, value?: string): void {
    this.#pairs = this.#pairs.filter((pair) => !isPair(pair, name, value));
    this.#changed();
  }

  get(name: string): string | null {
    return this.#pairs.find((pair) => isPair(pair, name, undefined))?.[1] ?? null;
  }

  getAll(name: string): string[] {
    return this.#pairs.filter((pair) => isPair(pair, name, undefined)).map(([, value]) => value);
  }

  has(name: string, value?: string): boolean {
    return this.#pairs.some((pair) => isPair(pair, name, value));
  }

  set(name: string, value: string): void {
    const at = this.#pairs.findIndex((pair) => isPair(pair, name, undefined));
    const made: Pair = [toText(name), toText(value)];
    if (at < 0) this.#pairs.push(made);
    else
      this.#pairs = this.#pairs.flatMap((pair, i) => (i === at ? [made] : isPair(pair, name, undefined) ? [] : [pair]));
    this.#changed();
  }

  sort(): void {
    this.#pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.#changed();
  }

  forEach(callback: (value: string, name: string, params: NebulaURLSearchParams) => void, self?: unknown): void {
    for (const [name, value] of this) Reflect.apply(callback, self, [value, name, this]);
  }

  *entries(): IterableIterator<[string, string]> {
    for (let i = 0; ; i++) {
      const pair = this.#pairs[i];
      if (pair === undefined) return;
      yield [pair[0], pair[1]];
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

  toString(): string {
    return this.#pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&");
  }

  get [Symbol.toStringTag](): string {
    return "URLSearchParams";
  }

  #changed(): void {
    this.#onChange?.(this.toString());
  }

  /** Ties the parameters to a URL, which hears of changes. */
  static follow(params: NebulaURLSearchParams, onChange: (query: string) => void): void {
    params.#onChange = onChange;
  }

  /** Reads them anew from the query of their URL. */
  static reset(params: NebulaURLSearchParams, query: string): void {
    params.#pairs = parse(query);
  }
}

const { follow, reset } = NebulaURLSearchParams;
Reflect.deleteProperty(NebulaURLSearchParams, "follow");
Reflect.deleteProperty(NebulaURLSearchParams, "reset");
/** Ties parameters to a URL, which hears of changes. */
export const followParams = follow;
/** Reads parameters anew from the query of their URL. */
export const resetParams = reset;

function parse(query: string): Pair[] {
  return query.split("&").flatMap((part): Pair[] => {
    if (part === "") return [];
    const at = part.indexOf("=");
    return at < 0 ? [[decode(part), ""]] : [[decode(part.slice(0, at)), decode(part.slice(at + 1))]];
  });
}

function decode(text: string): string {
  const spaced = text.replaceAll("+", " ");
  if (!spaced.includes("%")) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    // because it is not UTF-8, or a percent sign stands alone
    const latin1 = unescape(spaced.replace(/%u/gi, "%25u").replace(/[^\0-\u007f]+/g, encodeURIComponent));
    return decodeText(fromLatin1(latin1));
  }
}

function encode(text: string): string {
  if (/^[\w*\-.]*$/.test(text)) return text;
  return encodeURIComponent(text)
    .replace(/[!'()~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
}

function isPair([name, value]: Pair, wantedName: string, wantedValue: string | undefined): boolean {
  return name === String(wantedName) && (wantedValue === undefined || value === String(wantedValue));
}

function toText(value: unknown): string {
  return String(value).toWellFormed();
}

function isIterable(value: object): value is Iterable<Iterable<string>> {
  return typeof Reflect.get(value, Symbol.iterator) === "function";
}

/** Percent-codes the bytes of a text that the test does not let pass, a character at a time. */
export function percentEncode(text: string, unsafe: RegExp): string {
  return text.replace(unsafe, (char) => {
    return [...encodeText(char)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
  });
}
