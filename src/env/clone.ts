/**
 * Values as bytes and back, as the web's structured clone copies them: what one function sends to another.
 *
 *     ┌────────┬───────────────────┬──────────────────────────┐
 *     │ length │ JSON: the records │ the bytes of all buffers │     length: of the JSON, 32 bits, big-endian
 *     └────────┴───────────────────┴──────────────────────────┘
 *
 * A record is one object; records name each other by number, the first is the root. So what is nested or goes in circles
 * is a flat list, and no depth of it is too deep for whoever reads it.
 * @see https://html.spec.whatwg.org/multipage/structured-data.html
 */

import { CloneReader } from "./clone-reader.ts";
import { CloneWriter, tooLarge } from "./clone-writer.ts";

const LENGTH_BYTES = 4;

/**
 * Writes a value.
 * @throws {DOMException} DataCloneError, with what is in its way.
 * @throws {TypeError} when it has more than so many bytes; most of them are not even gathered then.
 */
export function encodeClone(value: unknown, limitBytes = Number.POSITIVE_INFINITY): Uint8Array {
  const { records, pieces, byteLength } = new CloneWriter(value, limitBytes);
  const json = new TextEncoder().encode(JSON.stringify(records));
  const all = LENGTH_BYTES + json.byteLength + byteLength;
  if (all > limitBytes) throw tooLarge(limitBytes);
  const bytes = new Uint8Array(all);
  new DataView(bytes.buffer).setUint32(0, json.byteLength);
  bytes.set(json, LENGTH_BYTES);
  let at = LENGTH_BYTES + json.byteLength;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.byteLength;
  }
  return bytes;
}

/** Reads what anybody may have sent. @throws {TypeError} when it is no value. */
export function decodeClone(bytes: Uint8Array): unknown {
  if (bytes.byteLength < LENGTH_BYTES) throw new TypeError("Cannot read a value: its bytes are too few");
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  const rest = LENGTH_BYTES + length;
  if (rest > bytes.byteLength) throw new TypeError("Cannot read a value: its bytes are too few");
  return read(new TextDecoder().decode(bytes.subarray(LENGTH_BYTES, rest)), bytes.subarray(rest));
}

/** A value without buffers as text, or undefined when it cannot be that, or is longer than `limit` characters. */
export function findCloneText(value: unknown, limit: number): string | undefined {
  try {
    const { records, pieces } = new CloneWriter(value, limit);
    const text = pieces.length > 0 ? undefined : JSON.stringify(records);
    return text !== undefined && text.length <= limit ? text : undefined;
  } catch {
    // because anything can be thrown, also what cannot be copied or looked at
    return undefined;
  }
}

/** Reads such a text. @throws {TypeError} when it is no value. */
export function fromCloneText(text: string): unknown {
  return read(text, new Uint8Array());
}

function read(json: string, bytes: Uint8Array): unknown {
  try {
    return new CloneReader(JSON.parse(json), bytes).read();
  } catch (cause) {
    throw new TypeError("Cannot read a value: it is not written as one", { cause });
  }
}
