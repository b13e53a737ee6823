/**
 * Reads the primitive encodings of WebAssembly binaries: LEB128 numbers, names, counted lists.
 *
 * Every read is bounds-checked against its slice, so that hostile bytes end in a WasmError and never in a loop.
 *
 * @see https://webassembly.github.io/spec/core/binary/values.html
 */

/** The bytes are no valid binary; `offset` is where, from the start of the file. */
export class WasmError extends Error {
  override readonly name = "WasmError";
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(`${message} (at byte ${offset})`);
    this.offset = offset;
  }
}

/** A cursor over a slice of a binary. */
export class WasmReader {
  readonly #bytes: Uint8Array;
  readonly #base: number;
  #at = 0;

  /** `base` is where the slice begins in the file, for messages. */
  constructor(bytes: Uint8Array, base = 0) {
    this.#bytes = bytes;
    this.#base = base;
  }

  /** From the start of the file. */
  get offset(): number {
    return this.#base + this.#at;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.byteLength;
  }

  get left(): number {
    return this.#bytes.byteLength - this.#at;
  }

  fail(message: string): never {
    throw new WasmError(message, this.offset);
  }

  u8(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) this.fail("it ends too early");
    this.#at += 1;
    return byte;
  }

  peek(): number | undefined {
    return this.#bytes[this.#at];
  }

  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      if (shift === 28 && byte > 0x0f) this.fail("a number has more than 32 bits");
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return this.fail("a number has more than 32 bits");
  }

  /** An unsigned number of up to 64 bits. */
  u64(): bigint {
    return this.#leb(64);
  }

  /** A signed number of up to 33 bits: a block type, a type index. */
  s33(): number {
    return Number(BigInt.asIntN(64, this.#signed(33)));
  }

  s32(): number {
    // In floating point, which is exact here and much faster than 64 bits: a snapshot has ten thousand of these.
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return (byte & 0x40) === 0 ? value : value - 2 ** (shift + 7);
    }
    return this.fail("a number has more than 32 bits");
  }

  s64(): bigint {
    return this.#signed(64);
  }

  /** A view of the next bytes, not a copy. */
  take(length: number): Uint8Array {
    if (length > this.left) this.fail("it ends too early");
    const start = this.#at;
    this.#at += length;
    return this.#bytes.subarray(start, this.#at);
  }

  /** A reader over the next bytes alone. */
  slice(length: number): WasmReader {
    const base = this.offset;
    return new WasmReader(this.take(length), base);
  }

  name(): string {
    const bytes = this.take(this.u32());
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      return this.fail("a name is not UTF-8");
    }
  }

  /** A counted list. A count that the bytes left cannot hold is refused before anything is made. */
  list<T>(read: (index: number) => T): T[] {
    const count = this.u32();
    if (count > this.left) this.fail(`a list of ${count} does not fit`);
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(read(i));
    return items;
  }

  #leb(bits: number): bigint {
    let value = 0n;
    for (let shift = 0n; shift < bits; shift += 7n) {
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return this.fail(`a number has more than ${bits} bits`);
  }

  #signed(bits: number): bigint {
    let value = 0n;
    for (let shift = 0n; shift < bits; ) {
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
      if (byte < 0x80) return (byte & 0x40) === 0 ? value : value - (1n << shift);
    }
    return this.fail(`a number has more than ${bits} bits`);
  }
}
