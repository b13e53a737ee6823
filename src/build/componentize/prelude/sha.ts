/**
 * SHA-1 and SHA-2, for crypto.subtle.digest.
 *
 * @see https://csrc.nist.gov/pubs/fips/180-4/upd1/final
 */

const MASK = (1n << 64n) - 1n;

/** Names as WebCrypto has them. */
export const DIGESTS: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array<ArrayBuffer>>> = {
  "SHA-1": sha1,
  "SHA-256": sha256,
  "SHA-384": (bytes) => sha512(bytes, SHA384_START).slice(0, 48),
  "SHA-512": (bytes) => sha512(bytes, SHA512_START),
};

const PRIMES = firstPrimes(80);
const K256 = new Uint32Array(PRIMES.slice(0, 64).map((prime) => Number(fractionBits(prime, 3n) >> 32n)));
const SHA256_START = PRIMES.slice(0, 8).map((prime) => Number(fractionBits(prime, 2n) >> 32n));
const K512 = PRIMES.map((prime) => fractionBits(prime, 3n));
const SHA512_START = PRIMES.slice(0, 8).map((prime) => fractionBits(prime, 2n));
const SHA384_START = PRIMES.slice(8, 16).map((prime) => fractionBits(prime, 2n));

function firstPrimes(count: number): bigint[] {
  const primes: bigint[] = [];
  for (let n = 2n; primes.length < count; n++) if (primes.every((prime) => n % prime !== 0n)) primes.push(n);
  return primes;
}

/** The first 64 bits of the fraction of the square or cube root. */
function fractionBits(prime: bigint, root: bigint): bigint {
  const wanted = prime << (64n * root);
  let low = 0n;
  let high = 1n << 72n;
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** root <= wanted) low = middle;
    else high = middle;
  }
  return low & MASK;
}

/** Whole blocks: the bytes, a one, zeros, and the length in bits. */
function pad(bytes: Uint8Array, blockBytes: number): DataView {
  const size = Math.ceil((bytes.length + 1 + blockBytes / 8) / blockBytes) * blockBytes;
  const padded = new Uint8Array(size);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(size - 8, BigInt(bytes.length) * 8n);
  return view;
}

function rotateLeft(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}

function toBytes(words: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(words.length * 4));
  for (let i = 0; i < words.length; i++) view.setUint32(i * 4, words[i] ?? 0);
  return new Uint8Array(view.buffer);
}

function sha1(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const view = pad(bytes, 64);
  const w = new Int32Array(80);
  let [h0, h1, h2, h3, h4] = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476, 0xc3d2e1f0 | 0];
  for (let at = 0; at < view.byteLength; at += 64) {
    for (let i = 0; i < 16; i++) w[i] = view.getInt32(at + i * 4);
    for (let i = 16; i < 80; i++)
      w[i] = rotateLeft((w[i - 3] ?? 0) ^ (w[i - 8] ?? 0) ^ (w[i - 14] ?? 0) ^ (w[i - 16] ?? 0), 1);
    let [a, b, c, d, e] = [h0, h1, h2, h3, h4];
    for (let i = 0; i < 80; i++) {
      const f = i < 20 ? (b & c) | (~b & d) : i < 40 || i >= 60 ? b ^ c ^ d : (b & c) | (b & d) | (c & d);
      const k = i < 20 ? 0x5a827999 : i < 40 ? 0x6ed9eba1 : i < 60 ? 0x8f1bbcdc : 0xca62c1d6;
      const next = (rotateLeft(a, 5) + f + e + k + (w[i] ?? 0)) | 0;
      e = d;
      d = c;
      c = rotateLeft(b, 30);
      b = a;
      a = next;
    }
    h0 = (h0 + a) | 0;
    h1 = (h1 + b) | 0;
    h2 = (h2 + c) | 0;
    h3 = (h3 + d) | 0;
    h4 = (h4 + e) | 0;
  }
  return toBytes([h0, h1, h2, h3, h4]);
}

function sha256(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const view = pad(bytes, 64);
  const w = new Int32Array(64);
  const hash = Int32Array.from(SHA256_START);
  for (let at = 0; at < view.byteLength; at += 64) {
    for (let i = 0; i < 16; i++) w[i] = view.getInt32(at + i * 4);
    for (let i = 16; i < 64; i++) {
      const [x, y] = [w[i - 15] ?? 0, w[i - 2] ?? 0];
      const s0 = rotateLeft(x, 25) ^ rotateLeft(x, 14) ^ (x >>> 3);
      const s1 = rotateLeft(y, 15) ^ rotateLeft(y, 13) ^ (y >>> 10);
      w[i] = (w[i - 16] ?? 0) + s0 + (w[i - 7] ?? 0) + s1;
    }
    let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = hash;
    for (let i = 0; i < 64; i++) {
      const s1 = rotateLeft(e, 26) ^ rotateLeft(e, 21) ^ rotateLeft(e, 7);
      const one = (h + s1 + ((e & f) ^ (~e & g)) + (K256[i] ?? 0) + (w[i] ?? 0)) | 0;
      const s0 = rotateLeft(a, 30) ^ rotateLeft(a, 19) ^ rotateLeft(a, 10);
      const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + one) | 0;
      d = c;
      c = b;
      b = a;
      a = (one + two) | 0;
    }
    for (const [i, word] of [a, b, c, d, e, f, g, h].entries()) hash[i] = (hash[i] ?? 0) + word;
  }
  return toBytes(hash);
}

function sha512(bytes: Uint8Array, start: readonly bigint[]): Uint8Array<ArrayBuffer> {
  const view = pad(bytes, 128);
  const w = new BigUint64Array(80);
  const hash = BigUint64Array.from(start);
  const rotate = (word: bigint, by: bigint) => (word >> by) | ((word << (64n - by)) & MASK);
  for (let at = 0; at < view.byteLength; at += 128) {
    for (let i = 0; i < 16; i++) w[i] = view.getBigUint64(at + i * 8);
    for (let i = 16; i < 80; i++) {
      const [x, y] = [w[i - 15] ?? 0n, w[i - 2] ?? 0n];
      const s0 = rotate(x, 1n) ^ rotate(x, 8n) ^ (x >> 7n);
      const s1 = rotate(y, 19n) ^ rotate(y, 61n) ^ (y >> 6n);
      w[i] = (w[i - 16] ?? 0n) + s0 + (w[i - 7] ?? 0n) + s1;
    }
    let [a = 0n, b = 0n, c = 0n, d = 0n, e = 0n, f = 0n, g = 0n, h = 0n] = hash;
    for (let i = 0; i < 80; i++) {
      const s1 = rotate(e, 14n) ^ rotate(e, 18n) ^ rotate(e, 41n);
      const one = h + s1 + ((e & f) ^ (~e & MASK & g)) + (K512[i] ?? 0n) + (w[i] ?? 0n);
      const s0 = rotate(a, 28n) ^ rotate(a, 34n) ^ rotate(a, 39n);
      const two = s0 + ((a & b) ^ (a & c) ^ (b & c));
      h = g;
      g = f;
      f = e;
      e = (d + one) & MASK;
      d = c;
      c = b;
      b = a;
      a = (one + two) & MASK;
    }
    for (const [i, word] of [a, b, c, d, e, f, g, h].entries()) hash[i] = (hash[i] ?? 0n) + word;
  }
  const out = new DataView(new ArrayBuffer(64));
  for (const [i, word] of hash.entries()) out.setBigUint64(i * 8, word);
  return new Uint8Array(out.buffer);
}
