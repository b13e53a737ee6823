/**
 * Bytes that come in parts and are wanted as one piece. A part costs no more than its bytes: a list of parts of one byte
 * each would cost the host hundreds of times what was sent.
 */

/** What has come so far. */
export class Gathered {
  #bytes: Uint8Array = new Uint8Array();
  #length = 0;

  /** The part must not change any more. */
  add(part: Uint8Array): void {
    const length = this.#length + part.byteLength;
    if (this.#length === 0) {
      this.#bytes = part;
    } else {
      if (length > this.#bytes.byteLength) this.#grow(length);
      this.#bytes.set(part, this.#length);
    }
    this.#length = length;
  }

  /** All of it, in no larger buffer, which would stay with it. */
  take(): Uint8Array {
    return this.#length === this.#bytes.buffer.byteLength ? this.#bytes : new Uint8Array(this.#view());
  }

  #grow(length: number): void {
    const larger = new Uint8Array(Math.max(length, 2 * this.#bytes.byteLength));
    larger.set(this.#view());
    this.#bytes = larger;
  }

  #view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}
