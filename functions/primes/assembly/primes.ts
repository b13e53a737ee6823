/**
 * The primes up to a number, one to a line: `?n=100`, n up to 1 000 000. With `&count=1` only how many they are.
 *
 * A reactor: it has no beginning and no end of its own. `_initialize` runs once for an instance and makes the sieve's table,
 * `handle` answers; what that returns is the exit code.
 */

import { environ_get, environ_sizes_get, fd_write } from "./wasi_snapshot_preview1";

const MAX_N: i32 = 1000000;
const STDOUT: u32 = 1;
const STDERR: u32 = 2;
const EQUALS: u8 = 0x3d;
const NEWLINE: u8 = 0x0a;

/** One byte for each odd number: 1 when it is the product of two others. */
const isComposite = memory.data(500001);
const MAX_OUTPUT: usize = 16384;
const output = memory.data(16400);
let used: usize = 0;
/** Two words for the answers of calls, and one vector. */
const io = memory.data(16);
const MAX_VARIABLES: u32 = 256;
const addresses = memory.data(1024);
const MAX_TEXTS: u32 = 65536;
const texts = memory.data(65536);

// What stands at the top level is what `_initialize` does.
for (let i: i32 = 3; i * i <= MAX_N; i += 2) {
  if (load<u8>(isComposite + (i >> 1)) === 0) {
    for (let j: i32 = i * i; j <= MAX_N; j += 2 * i) store<u8>(isComposite + (j >> 1), 1);
  }
}

export function handle(): i32 {
  const n = readParameter(0x6e, 1, 100); // n
  const count = readParameter(0x63, 5, 0); // count
  if (n < 0) {
    putText("n must be a whole number from 0 to 1000000\n");
    flush(STDERR);
    return 2;
  }
  let found: i32 = 0;
  for (let number: i32 = 2; number <= n; number += number === 2 ? 1 : 2) {
    if (number > 2 && load<u8>(isComposite + (number >> 1)) !== 0) continue;
    found++;
    if (count === 0) putNumber(number);
  }
  if (count !== 0) putNumber(found);
  flush(STDOUT);
  return 0;
}

/** The variable with this first letter and length of name, as a whole number up to MAX_N; -1 when it is something else. */
function readParameter(letter: u8, length: usize, fallback: i32): i32 {
  if (environ_sizes_get(io, io + 4) !== 0) return fallback;
  const count = load<u32>(io);
  if (count > MAX_VARIABLES || load<u32>(io, 4) > MAX_TEXTS) return fallback;
  if (environ_get(addresses, texts) !== 0) return fallback;
  for (let i: u32 = 0; i < count; i++) {
    const text: usize = load<u32>(addresses + (i << 2));
    if (load<u8>(text) === letter && nameLength(text) === length) return parse(text + length + 1);
  }
  return fallback;
}

function nameLength(text: usize): usize {
  let length: usize = 0;
  while (load<u8>(text + length) !== EQUALS) length++;
  return length;
}

function parse(text: usize): i32 {
  let number: i32 = load<u8>(text) === 0 ? -1 : 0;
  for (let at = text; load<u8>(at) !== 0; at++) {
    const digit = <i32>load<u8>(at) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
    if (number > MAX_N) return -1;
  }
  return number;
}

function putNumber(number: i32): void {
  if (used > MAX_OUTPUT - 16) flush(STDOUT);
  let digits: usize = 1;
  for (let rest = number / 10; rest > 0; rest /= 10) digits++;
  for (let i = digits, rest = number; i > 0; i--, rest /= 10)
    store<u8>(output + used + i - 1, <u8>(0x30 + (rest % 10)));
  store<u8>(output + used + digits, NEWLINE);
  used += digits + 1;
}

function putText(text: string): void {
  used += String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, output + used);
}

function flush(fd: u32): void {
  let from = output;
  while (used > 0) {
    store<usize>(io, from);
    store<usize>(io, used, 4);
    if (fd_write(fd, io, 1, io + 8) !== 0) break;
    const written = load<usize>(io, 8);
    from += written;
    used -= written;
  }
  used = 0;
}
