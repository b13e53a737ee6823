/**
 * Strings in a component's memory, in the three encodings of the canonical ABI.
 *
 * @see https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#loading
 */

import { Buffer } from "node:buffer";
import type { StringEncoding } from "../../../wasm/component/component.ts";
import { trap } from "./trap.guest.ts";

/** The memory that strings are in; see Port. */
export interface StringMemory {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  check(at: number, size: number, align: number): void;
  spend(bytes: number): void;
  allocate(size: number, align: number): number;
}

/** Reads and writes strings. `units` are what the encoding counts in, with its mark in the highest bit where it has one. */
export interface StringCodec {
  read(port: StringMemory, at: number, units: number): string;
  /** Puts a string into memory that it asks for, then says where it is and how long. */
  write(port: StringMemory, text: string, place: (at: number, units: number) => void): void;
}

/** Below this a loop is faster than a decoder. */
const SHORT_BYTES = 24;
/** The mark of a latin1+utf16 string that is UTF-16. */
const UTF16_MARK = 0x8000_0000;

const UTF8_DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const UTF16_DECODER = new TextDecoder("utf-16le", { fatal: true, ignoreBOM: true });
const ENCODER = new TextEncoder();

const UTF8: StringCodec = {
  read(port, at, units) {
    port.check(at, units, 1);
    port.spend(units);
    return (
      (units <= SHORT_BYTES ? readAscii(port.bytes, at, units) : undefined) ?? decode(UTF8_DECODER, port, at, units)
    );
  },
  write(port, text, place) {
    // Both count a lone surrogate as the three bytes of U+FFFD.
    const length = Buffer.byteLength(text);
    const at = port.allocate(length, 1);
    if (length > 0) ENCODER.encodeInto(text, port.bytes.subarray(at, at + length));
    place(at, length);
  },
};

const UTF16: StringCodec = {
  read(port, at, units) {
    port.check(at, units * 2, 2);
    port.spend(units * 2);
    return decode(UTF16_DECODER, port, at, units * 2);
  },
  write(port, text, place) {
    place(writeUtf16(port, text), text.length);
  },
};

const LATIN1_OR_UTF16: StringCodec = {
  read(port, at, units) {
    if (units >= UTF16_MARK) return UTF16.read(port, at, units - UTF16_MARK);
    port.check(at, units, 2);
    port.spend(units);
    return Buffer.from(port.bytes.buffer, at, units).toString("latin1");
  },
  write(port, text, place) {
    if (!isLatin1(text)) return place(writeUtf16(port, text), UTF16_MARK + text.length);
    const at = port.allocate(text.length, 2);
    for (let i = 0; i < text.length; i++) port.bytes[at + i] = text.charCodeAt(i);
    return place(at, text.length);
  },
};

/** The codec of an encoding. */
export function toStringCodec(encoding: StringEncoding): StringCodec {
  if (encoding === "utf8") return UTF8;
  return encoding === "utf16" ? UTF16 : LATIN1_OR_UTF16;
}

function readAscii(bytes: Uint8Array, at: number, length: number): string | undefined {
  let text = "";
  for (let i = at; i < at + length; i++) {
    const code = bytes[i] ?? 0;
    if (code > 0x7f) return undefined;
    text += String.fromCharCode(code);
  }
  return text;
}

function decode(decoder: TextDecoder, port: StringMemory, at: number, length: number): string {
  try {
    return decoder.decode(port.bytes.subarray(at, at + length));
  } catch {
    return trap(`a string is not ${decoder.encoding.toUpperCase()}`);
  }
}

/** What is no text in UTF-16 is replaced, as it is in UTF-8. */
function writeUtf16(port: StringMemory, text: string): number {
  const whole = text.toWellFormed();
  const at = port.allocate(whole.length * 2, 2);
  for (let i = 0; i < whole.length; i++) port.view.setUint16(at + i * 2, whole.charCodeAt(i), true);
  return at;
}

function isLatin1(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return false;
  return true;
}
