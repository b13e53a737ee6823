/**
 * Where keys and values stand in a TOML text.
 *
 * The parser tells positions of syntax errors only, so this scanner walks over a text that the parser has accepted and
 * notes offsets in a tree of the same form as the value. It reads no values, and relies on the text being valid.
 * @see https://toml.io/en/v1.1.0
 */

import type { Spot } from "./spots.ts";

interface TomlSpot extends Spot {
  keyAt: number;
  valueAt: number;
  readonly children: Map<string, TomlSpot>;
  /** How many `[[headers]]` it has had; 0 when it is no array of tables. */
  elements: number;
  /** Only passed through on the way to a longer key, so a header of its own is the better place. */
  isImplied: boolean;
}

interface KeyPart {
  readonly name: string;
  readonly at: number;
}

/** Finds the offsets of all keys and values of a valid TOML text. */
export function toTomlSpots(text: string): Spot {
  return new Scanner(text).scan();
}

function createSpot(at: number, isImplied: boolean): TomlSpot {
  return { keyAt: at, valueAt: at, children: new Map(), elements: 0, isImplied };
}

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  scan(): TomlSpot {
    const root = createSpot(0, false);
    let table = root;
    for (this.#skipBlank(); this.#at < this.#text.length; this.#skipBlank()) {
      if (this.#char() === "[") table = this.#readHeader(root);
      else this.#readPair(table);
    }
    return root;
  }

  /** `[a.b]` or `[[a.b]]`: gives the spot of the table that follows. */
  #readHeader(root: TomlSpot): TomlSpot {
    const headerAt = this.#at;
    const isElement = this.#text[this.#at + 1] === "[";
    this.#at += isElement ? 2 : 1;
    const spot = this.#enter(root, this.#readKey("]"));
    this.#at += isElement ? 2 : 1;
    if (!isElement) return spot;
    const element = createSpot(headerAt, false);
    spot.children.set(String(spot.elements++), element);
    return element;
  }

  #readPair(table: TomlSpot): void {
    const spot = this.#enter(table, this.#readKey("="));
    this.#at++;
    this.#skipBlank();
    this.#readValue(spot);
  }

  /** Walks down a dotted key from the table; through an array of tables into its last element. */
  #enter(table: TomlSpot, key: readonly KeyPart[]): TomlSpot {
    let spot = table;
    for (const [index, { name, at }] of key.entries()) {
      const isLast = index === key.length - 1;
      const next = spot.children.get(name) ?? createSpot(at, true);
      spot.children.set(name, next);
      if (isLast && next.isImplied) Object.assign(next, { keyAt: at, valueAt: at, isImplied: false });
      const element = isLast || next.elements === 0 ? undefined : next.children.get(String(next.elements - 1));
      spot = element ?? next;
    }
    return spot;
  }

  #readValue(spot: TomlSpot): void {
    spot.valueAt = this.#at;
    const char = this.#char();
    if (char === '"' || char === "'") this.#readString();
    else if (char === "[") this.#readArray(spot);
    else if (char === "{") this.#readInlineTable(spot);
    else while (this.#at < this.#text.length && !/[,\]}#\r\n]/.test(this.#char())) this.#at++;
  }

  #readArray(spot: TomlSpot): void {
    this.#at++;
    for (let index = 0; this.#more("]"); index++) {
      const element = createSpot(this.#at, false);
      spot.children.set(String(index), element);
      this.#readValue(element);
    }
  }

  #readInlineTable(spot: TomlSpot): void {
    this.#at++;
    while (this.#more("}")) this.#readPair(spot);
  }

  /** Moves to the next element of a list or table, or behind its end. */
  #more(end: string): boolean {
    this.#skipBlank();
    if (this.#char() === ",") {
      this.#at++;
      this.#skipBlank();
    }
    if (this.#char() !== end && this.#at < this.#text.length) return true;
    this.#at++;
    return false;
  }

  /** Reads `a."b.c".d` and stops at the character that ends it. */
  #readKey(end: string): readonly KeyPart[] {
    const parts: KeyPart[] = [];
    while (this.#at < this.#text.length && this.#char() !== end) {
      const char = this.#char();
      const at = this.#at;
      if (char === '"' || char === "'") parts.push({ name: this.#readString(), at });
      else if (/[\w-]/.test(char)) {
        while (/[\w-]/.test(this.#char())) this.#at++;
        parts.push({ name: this.#text.slice(at, this.#at), at });
      } else this.#at++;
    }
    return parts;
  }

  /** Passes over a string of any of the four kinds; gives its text, which only keys of one line need. */
  #readString(): string {
    const quote = this.#char();
    const isLong = this.#text.startsWith(quote.repeat(3), this.#at);
    const fence = isLong ? quote.repeat(3) : quote;
    const start = this.#at + fence.length;
    this.#at = start;
    while (this.#at < this.#text.length && !this.#text.startsWith(fence, this.#at)) {
      this.#at += quote === '"' && this.#char() === "\\" ? 2 : 1;
    }
    // A long string may end in up to two quotes of its own before the three that close it.
    while (isLong && this.#text[this.#at + 3] === quote) this.#at++;
    const raw = this.#text.slice(start, this.#at);
    this.#at += fence.length;
    return quote === '"' ? decodeEscapes(raw) : raw;
  }

  #skipBlank(): void {
    for (; this.#at < this.#text.length; this.#at++) {
      const char = this.#char();
      if (char === "#") while (this.#at < this.#text.length && this.#char() !== "\n") this.#at++;
      else if (!/\s/.test(char)) return;
    }
  }

  #char(): string {
    return this.#text[this.#at] ?? "";
  }
}

const ESCAPES: Readonly<Record<string, string>> = { b: "\b", t: "\t", n: "\n", f: "\f", r: "\r", e: "\u001b" };

function decodeEscapes(raw: string): string {
  return raw.replace(/\\(?:u([\da-f]{4})|U([\da-f]{8})|x([\da-f]{2})|(.))/gi, (_, short, long, byte, char) => {
    const hex = short ?? long ?? byte;
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    return ESCAPES[char] ?? char;
  });
}
