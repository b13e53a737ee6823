/**
 * Randomness and digests.
 *
 * While the function is built there is no randomness: the same sources give the same program, and what is drawn then
 * would be the same for every request.
 * @see https://w3c.github.io/webcrypto/
 */

import { toBytes } from "./encoding.ts";
import type { Host } from "./host.ts";
import { DIGESTS } from "./sha.ts";

const QUOTA_BYTES = 65_536;

/** Random bytes of the host, once there is one. */
export class Randomness {
  #host: Host | undefined;
  #state: [number, number, number, number] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x1234567];
  #isSeeded = false;

  connect(host: Host): void {
    this.#host = host;
    this.#isSeeded = false;
  }

  bytes(length: number): Uint8Array {
    if (this.#host === undefined)
      throw new TypeError("Cannot make random values while the function is built: only a request has them");
    return this.#host.random.getRandomBytes(length);
  }

  /** A number for Math.random: while the function is built, of a fixed sequence. */
  readonly number = (): number => {
    if (!this.#isSeeded && this.#host !== undefined) {
      const seed = new DataView(this.bytes(16).slice().buffer);
      this.#state = [seed.getInt32(0) | 1, seed.getInt32(4), seed.getInt32(8), seed.getInt32(12)];
      this.#isSeeded = true;
    }
    const high = this.#next() >>> 5;
    const low = this.#next() >>> 6;
    return (high * 67_108_864 + low) / 9_007_199_254_740_992;
  };

  /** xoshiro128, https://prng.di.unimi.it/ */
  #next(): number {
    const state = this.#state;
    let [a, b, c, d] = state;
    const result = (a + d) | 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    this.#state = [a, b, c, d];
    return result;
  }
}

/** `crypto`, with `digest` as the one operation of `subtle`. */
export function createCrypto(randomness: Randomness): object {
  const getRandomValues = (array: unknown): unknown => {
    if (!ArrayBuffer.isView(array) || array instanceof DataView || /Float/.test(array.constructor.name)) {
      throw new DOMException("The data argument must be an integer-type TypedArray", "TypeMismatchError");
    }
    if (array.byteLength > QUOTA_BYTES)
      throw new DOMException("The requested length exceeds 65536 bytes", "QuotaExceededError");
    toBytes(array).set(randomness.bytes(array.byteLength));
    return array;
  };
  const randomUUID = (): string => {
    const bytes = randomness.bytes(16).slice();
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    return bytes.toHex().replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  };
  const digest = async (algorithm: unknown, data: ArrayBuffer | ArrayBufferView): Promise<ArrayBuffer> => {
    const name = String(
      typeof algorithm === "object" && algorithm !== null ? Reflect.get(algorithm, "name") : algorithm,
    );
    const compute = DIGESTS[name.toUpperCase()];
    if (compute === undefined) throw new DOMException(`Unrecognized algorithm name "${name}"`, "NotSupportedError");
    return compute(toBytes(data)).buffer;
  };
  return { getRandomValues, randomUUID, subtle: { digest } };
}
