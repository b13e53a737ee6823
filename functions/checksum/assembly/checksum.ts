/**
 * SHA-256 of the body (or of `?input=`), in hexadecimal digits, as FIPS 180-4 describes it.
 *
 * AssemblyScript on nothing but three calls of WASI: the body is hashed while it is read, so it may be of any length.
 */

import { fd_read, fd_write, proc_exit } from "./wasi_snapshot_preview1";

/** The table of section 4.2.2. */
// biome-ignore format: eight to a line, as it stands there
const K: StaticArray<u32> = [
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

/** The hash so far; section 5.3.3 says how it begins. */
// biome-ignore format: the same
const H: StaticArray<u32> = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

const BLOCK: usize = 64;
const BUFFER: usize = 65536; // a multiple of BLOCK
const STDIN: u32 = 0;
const STDOUT: u32 = 1;

/** The message schedule of one block. */
const w = new StaticArray<u32>(64);
const buffer = memory.data(65536);
const line = memory.data(65);
/** One iovec (address, length) and after it the count of bytes that a call returns. */
const io = memory.data(12);

main();

function main(): void {
  let length: u64 = 0;
  let held: usize = 0;
  for (;;) {
    const count = read(buffer + held, BUFFER - held);
    if (count === 0) break;
    length += count;
    held += count;
    const whole = held & ~(BLOCK - 1);
    hashBlocks(buffer, buffer + whole);
    held -= whole;
    memory.copy(buffer, buffer + whole, held);
  }
  hashBlocks(buffer, pad(held, length));
  printDigest();
}

/** Appends a one, zeros and the length in bits; returns the end. */
function pad(held: usize, length: u64): usize {
  const end = buffer + ((held + 8) / BLOCK + 1) * BLOCK;
  memory.fill(buffer + held, 0, end - buffer - held);
  store<u8>(buffer + held, 0x80);
  store<u64>(end - 8, bswap(length << 3));
  return end;
}

function hashBlocks(from: usize, to: usize): void {
  for (let block = from; block < to; block += BLOCK) hashBlock(block);
}

function hashBlock(block: usize): void {
  for (let i = 0; i < 16; i++) w[i] = bswap(load<u32>(block + ((<usize>i) << 2)));
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15];
    const y = w[i - 2];
    const s0 = rotr(x, 7) ^ rotr(x, 18) ^ (x >>> 3);
    const s1 = rotr(y, 17) ^ rotr(y, 19) ^ (y >>> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  let a = H[0];
  let b = H[1];
  let c = H[2];
  let d = H[3];
  let e = H[4];
  let f = H[5];
  let g = H[6];
  let h = H[7];
  for (let i = 0; i < 64; i++) {
    const s1 = rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25);
    const t1 = h + s1 + ((e & f) ^ (~e & g)) + K[i] + w[i];
    const s0 = rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22);
    const t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  H[0] += a;
  H[1] += b;
  H[2] += c;
  H[3] += d;
  H[4] += e;
  H[5] += f;
  H[6] += g;
  H[7] += h;
}

function printDigest(): void {
  for (let i = 0; i < 64; i++) {
    const digit = (H[i >> 3] >> ((7 - (i & 7)) << 2)) & 15;
    store<u8>(line + i, digit < 10 ? 0x30 + digit : 0x57 + digit);
  }
  store<u8>(line + 64, 0x0a);
  write(line, 65);
}

/** Bytes read; 0 at the end. */
function read(address: usize, max: usize): usize {
  store<usize>(io, address);
  store<usize>(io, max, 4);
  if (fd_read(STDIN, io, 1, io + 8) !== 0) proc_exit(1);
  return load<usize>(io, 8);
}

function write(address: usize, length: usize): void {
  while (length > 0) {
    store<usize>(io, address);
    store<usize>(io, length, 4);
    if (fd_write(STDOUT, io, 1, io + 8) !== 0) proc_exit(1);
    const count = load<usize>(io, 8);
    address += count;
    length -= count;
  }
}
