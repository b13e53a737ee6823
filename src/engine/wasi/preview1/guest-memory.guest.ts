/**
 * The memory of a program, as the functions of preview 1 read and write it.
 *
 * Its views are kept from call to call: when the memory grows they become empty, so that the range check, which every
 * access makes before it touches them, finds out and takes new ones. A pointer out of range is EFAULT, never an
 * exception of JavaScript.
 */

import { refuse } from "../files/file-error.guest.ts";

/** The most buffers in one call, as on Linux. */
const MAX_VECTORS = 1024;
const VECTOR_BYTES = 8;
const MAX_TEXT_BYTES = 4096;
const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A program's memory. Pointers come as Wasm passes them: i32, whose sign means nothing. */
export class GuestMemory {
  #memory: { readonly buffer: ArrayBuffer } | undefined;
  #bytes = NO_BYTES;
  #view = NO_VIEW;

  bind(memory: { readonly buffer: ArrayBuffer }): void {
    this.#memory = memory;
    this.#refresh();
  }

  /** Throws EFAULT when not all of the range is memory. Answers the pointer as an unsigned number. */
  check(pointer: number, length: number): number {
    const at = pointer >>> 0;
    // An empty range at 0 is in every memory, but not in a view of one that has grown since.
    if (at + length > this.#bytes.length || this.#bytes.length === 0) {
      this.#refresh();
      if (at + length > this.#bytes.length) refuse("EFAULT");
    }
    return at;
  }

  /** The bytes themselves, valid during the call. Throws EFAULT. */
  bytes(pointer: number, length: number): Uint8Array {
    const at = this.check(pointer, length >>> 0);
    return this.#bytes.subarray(at, at + (length >>> 0));
  }

  /** Throws EFAULT, EILSEQ when it is no UTF-8, ENAMETOOLONG when it is longer than any path. */
  text(pointer: number, length: number): string {
    if (length >>> 0 > MAX_TEXT_BYTES) refuse("ENAMETOOLONG");
    const bytes = this.bytes(pointer, length);
    try {
      return DECODER.decode(bytes);
    } catch {
      // because the decoder's own error says no more
      return refuse("EILSEQ");
    }
  }

  getU8(pointer: number): number {
    const at = this.check(pointer, 1);
    return this.#view.getUint8(at);
  }

  getU16(pointer: number): number {
    const at = this.check(pointer, 2);
    return this.#view.getUint16(at, true);
  }

  getU32(pointer: number): number {
    const at = this.check(pointer, 4);
    return this.#view.getUint32(at, true);
  }

  getU64(pointer: number): bigint {
    const at = this.check(pointer, 8);
    return this.#view.getBigUint64(at, true);
  }

  setU8(pointer: number, value: number): void {
    const at = this.check(pointer, 1);
    this.#view.setUint8(at, value);
  }

  setU16(pointer: number, value: number): void {
    const at = this.check(pointer, 2);
    this.#view.setUint16(at, value, true);
  }

  setU32(pointer: number, value: number): void {
    const at = this.check(pointer, 4);
    this.#view.setUint32(at, value, true);
  }

  setU64(pointer: number, value: bigint): void {
    const at = this.check(pointer, 8);
    this.#view.setBigUint64(at, value, true);
  }

  setBytes(pointer: number, bytes: Uint8Array): void {
    const at = this.check(pointer, bytes.length);
    this.#bytes.set(bytes, at);
  }

  /**
   * Checks a list of buffers, and the place of the result, before anything is done with them.
   *
   * Answers how many bytes they have together. Throws EFAULT, and EINVAL when there are too many.
   */
  checkVectors(list: number, count: number, result: number): number {
    this.check(result, 4);
    if (count >>> 0 > MAX_VECTORS) refuse("EINVAL");
    this.check(list, count * VECTOR_BYTES);
    let total = 0;
    for (let index = 0; index < count; index += 1) {
      const length = this.vectorLength(list, index);
      this.check(this.#vectorStart(list, index), length);
      total += length;
    }
    if (total > 0xffff_ffff) refuse("EINVAL");
    return total;
  }

  /** How long one buffer of a list is. */
  vectorLength(list: number, index: number): number {
    return this.getU32((list >>> 0) + index * VECTOR_BYTES + 4);
  }

  /** One buffer of a list: the memory itself. */
  vector(list: number, index: number): Uint8Array {
    return this.bytes(this.#vectorStart(list, index), this.vectorLength(list, index));
  }

  #vectorStart(list: number, index: number): number {
    return this.getU32((list >>> 0) + index * VECTOR_BYTES);
  }

  #refresh(): void {
    if (this.#memory === undefined || this.#memory.buffer === this.#bytes.buffer) return;
    this.#bytes = new Uint8Array(this.#memory.buffer);
    this.#view = new DataView(this.#memory.buffer);
  }
}
