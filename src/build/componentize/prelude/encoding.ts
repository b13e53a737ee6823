/**
 * Text and bytes.
 *
 * The engine has native Base64 and percent coding and no UTF-8 for scripts: long texts go by way of those, which is
 * several times faster than a loop. Decoders know UTF-8, UTF-16 and Latin-1; the legacy encodings are not there.
 * @see https://encoding.spec.whatwg.org/
 */

const SHORT = 256;
const LABELS: Readonly<Record<string, string>> = {
  "utf-8": "utf-8",
  utf8: "utf-8",
  "unicode-1-1-utf-8": "utf-8",
  "utf-16le": "utf-16le",
  "utf-16": "utf-16le",
  "utf-16be": "utf-16be",
  latin1: "windows-1252",
  ascii: "windows-1252",
  "us-ascii": "windows-1252",
  "iso-8859-1": "windows-1252",
  "windows-1252": "windows-1252",
};
/** What windows-1252 has from 0x80 to 0x9f. */
const CP1252 = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ";

/** The bytes of a text in UTF-8. Lone surrogates become U+FFFD. */
export function encodeText(text: string): Uint8Array<ArrayBuffer> {
  if (text.length <= SHORT) return encodeShort(text);
  return Uint8Array.fromBase64(btoa(unescape(encodeURIComponent(text.toWellFormed()))));
}

function encodeShort(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length * 3);
  return bytes.slice(0, encodeInto(text, bytes).written);
}

function encodeInto(text: string, into: Uint8Array): { read: number; written: number } {
  let read = 0;
  let written = 0;
  while (read < text.length) {
    let code = text.charCodeAt(read);
    let units = 1;
    if (code >= 0xd800 && code <= 0xdfff) {
      const point = text.codePointAt(read) ?? code;
      units = point > 0xffff ? 2 : 1;
      code = point > 0xffff ? point : 0xfffd;
    }
    const needed = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (written + needed > into.length) break;
    if (needed === 1) into[written++] = code;
    else {
      into[written++] = (needed === 2 ? 0xc0 : needed === 3 ? 0xe0 : 0xf0) | (code >> (6 * (needed - 1)));
      for (let shift = 6 * (needed - 2); shift >= 0; shift -= 6) into[written++] = 0x80 | ((code >> shift) & 0x3f);
    }
    read += units;
  }
  return { read, written };
}

/** Bytes as Latin-1, one character each. */
export function toLatin1(bytes: Uint8Array): string {
  if (bytes.length > SHORT) return atob(bytes.toBase64());
  return String.fromCharCode.apply(null, fromBytes(bytes));
}

/** The bytes of a text of Latin-1; what is not of it is cut to its low byte. */
export function fromLatin1(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** The text of bytes in UTF-8, with U+FFFD for what is none. */
export function decodeText(bytes: Uint8Array): string {
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  return decodeUtf8(start === 0 ? bytes : bytes.subarray(start), { isFatal: false });
}

function decodeUtf8(bytes: Uint8Array, options: { isFatal: boolean }): string {
  const latin1 = toLatin1(bytes);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
  if (!/[^\x00-\x7f]/.test(latin1)) return latin1;
  try {
    return decodeURIComponent(escape(latin1));
  } catch {
    // because some of it is not UTF-8, which the slow way finds
    return decodeSlowly(bytes, options);
  }
}

function decodeSlowly(bytes: Uint8Array, { isFatal }: { isFatal: boolean }): string {
  const parts: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    const { length, point } = readPoint(bytes, at);
    if (point < 0 && isFatal) throw new TypeError("The encoded data was not valid for encoding utf-8");
    parts.push(point < 0 ? "\ufffd" : String.fromCodePoint(point));
    at += length;
  }
  return parts.join("");
}

/** One code point, or -1 with the number of bytes that one U+FFFD stands for. */
function readPoint(bytes: Uint8Array, at: number): { length: number; point: number } {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return { length: 1, point: first };
  const needed =
    first >= 0xc2 && first <= 0xdf ? 1 : first >= 0xe0 && first <= 0xef ? 2 : first >= 0xf0 && first <= 0xf4 ? 3 : 0;
  if (needed === 0) return { length: 1, point: -1 };
  let low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  let high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  let point = first & (0x3f >> needed);
  for (let i = 1; i <= needed; i++) {
    const next = bytes[at + i];
    if (next === undefined || next < low || next > high) return { length: i, point: -1 };
    [low, high] = [0x80, 0xbf];
    point = (point << 6) | (next & 0x3f);
  }
  return { length: needed + 1, point };
}

/** How many bytes at the end begin a character that is not complete. */
function countIncomplete(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc2) {
      const { length, point } = readPoint(bytes, bytes.length - back);
      const wanted = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return point < 0 && length === back && wanted > back ? back : 0;
    }
  }
  return 0;
}

/** `TextEncoder`. */
export class NebulaTextEncoder {
  get encoding(): string {
    return "utf-8";
  }

  encode(text: unknown = ""): Uint8Array<ArrayBuffer> {
    return encodeText(String(text));
  }

  encodeInto(text: string, into: Uint8Array): { read: number; written: number } {
    return encodeInto(String(text), into);
  }
}

/** `TextDecoder`. */
export class NebulaTextDecoder {
  readonly #encoding: string;
  readonly #isFatal: boolean;
  readonly #ignoreBOM: boolean;
  #rest = new Uint8Array();
  #isBegun = false;

  constructor(label: unknown = "utf-8", options: { readonly fatal?: boolean; readonly ignoreBOM?: boolean } = {}) {
    const encoding = LABELS[String(label).trim().toLowerCase()];
    if (encoding === undefined) throw new RangeError(`The encoding label "${String(label)}" is not known here`);
    this.#encoding = encoding;
    this.#isFatal = Boolean(options?.fatal);
    this.#ignoreBOM = Boolean(options?.ignoreBOM);
  }

  get encoding(): string {
    return this.#encoding;
  }

  get fatal(): boolean {
    return this.#isFatal;
  }

  get ignoreBOM(): boolean {
    return this.#ignoreBOM;
  }

  decode(input?: ArrayBuffer | ArrayBufferView, { stream = false } = {}): string {
    const given = input === undefined ? new Uint8Array() : toBytes(input);
    const bytes = this.#rest.length === 0 ? given : join([this.#rest, given]);
    const kept = stream ? this.#countKept(bytes) : 0;
    this.#rest = bytes.slice(bytes.length - kept);
    const text = this.#decodeWhole(kept === 0 ? bytes : bytes.subarray(0, bytes.length - kept));
    const isMarked = !this.#isBegun && !this.#ignoreBOM && text.startsWith("\ufeff");
    this.#isBegun = stream && (this.#isBegun || text !== "");
    return isMarked ? text.slice(1) : text;
  }

  #countKept(bytes: Uint8Array): number {
    if (this.#encoding === "utf-8") return countIncomplete(bytes);
    return this.#encoding === "windows-1252" ? 0 : bytes.length % 2;
  }

  #decodeWhole(bytes: Uint8Array): string {
    if (this.#encoding === "utf-8") return decodeUtf8(bytes, { isFatal: this.#isFatal });
    if (this.#encoding === "windows-1252") {
      return toLatin1(bytes).replace(/[\u0080-\u009f]/g, (char) => CP1252[char.charCodeAt(0) - 0x80] ?? char);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const units: number[] = [];
    for (let at = 0; at + 1 < bytes.length; at += 2) units.push(view.getUint16(at, this.#encoding === "utf-16le"));
    const text = units.map((unit) => String.fromCharCode(unit)).join("");
    if (this.#isFatal && (!text.isWellFormed() || bytes.length % 2 === 1))
      throw new TypeError("The encoded data was not valid");
    return text.toWellFormed() + (bytes.length % 2 === 1 ? "\ufffd" : "");
  }
}

/** The bytes of a buffer or of a view on one, without a copy. */
export function toBytes(source: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (source instanceof Uint8Array) return source;
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  return new Uint8Array(source);
}

/** One array of many. */
export function join(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** `apply` takes any list of numbers. */
function fromBytes(bytes: Uint8Array): number[] {
  const list: unknown = bytes;
  return list as number[];
}
