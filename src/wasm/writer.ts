/**
 * Writes the primitive encodings of WebAssembly binaries: the counterpart of the reader, for modules that are rewritten.
 *
 * @see https://webassembly.github.io/spec/core/binary/values.html
 */

/** An unsigned LEB128 number of at most 32 bits, in its shortest form. */
export function toU32(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 0x80;
    rest = Math.floor(rest / 0x80);
    bytes.push(rest > 0 ? low + 0x80 : low);
  } while (rest > 0);
  return Uint8Array.from(bytes);
}

/** A signed LEB128 number of 32 bits: the operand of `i32.const`. Addresses beyond 2 GiB wrap, as they do there. */
export function toS32(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value | 0; ; rest >>= 7) {
    const isLast = rest >= -64 && rest < 64;
    bytes.push((rest & 0x7f) | (isLast ? 0 : 0x80));
    if (isLast) return Uint8Array.from(bytes);
  }
}

/** A name: its length in bytes, then UTF-8. */
export function toName(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  return concatBytes([toU32(bytes.byteLength), bytes]);
}

/** A section: its id, its length, its content. */
export function toSection(id: number, content: Uint8Array): Uint8Array {
  return concatBytes([Uint8Array.of(id), toU32(content.byteLength), content]);
}

/** One array of many, in time that grows with their bytes. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.byteLength;
  }
  return all;
}
