/**
 * Small WASI programs in the text format, each made to do one thing.
 */

import { assembleWat } from "./wat.ts";

/** What a program may use: the imports of preview 1 that these need, a memory, and `print` from memory to a descriptor. */
const PRELUDE = `
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))`;

const HELPERS = `
  (func $print (param $fd i32) (param $at i32) (param $length i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $length))
    (drop (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func $read (param $at i32) (param $length i32) (result i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $length))
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.load (i32.const 8)))
  (func $sleep (param $ms i64)
    (i64.store (i32.const 64) (i64.const 7))
    (i32.store (i32.const 72) (i32.const 0))
    (i32.store (i32.const 80) (i32.const 1))
    (i64.store (i32.const 88) (i64.mul (local.get $ms) (i64.const 1000000)))
    (i64.store (i32.const 96) (i64.const 0))
    (i32.store (i32.const 104) (i32.const 0))
    (drop (call $poll_oneoff (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 192))))`;

/** How a program is written: the body of `_start`, and what stands beside it. */
export interface ProgramText {
  readonly start: string;
  /** `17` or `17 20`: pages. */
  readonly memory?: string;
  readonly rest?: string;
  /** More imports; they come first in a module. */
  readonly imports?: string;
}

/** The module. Addresses up to 255 belong to the helpers `$print`, `$read` and `$sleep`. */
export function toProgram({ start, memory = "1", rest = "", imports = "" }: ProgramText): Uint8Array {
  return assembleWat(`(module ${PRELUDE}
    ${imports}
    (memory (export "memory") ${memory})
    ${HELPERS}
    ${rest}
    (func (export "_start") ${start}))`);
}

/** Writes a text to standard output. */
export function saying(text: string, rest: Omit<ProgramText, "start"> = {}): Uint8Array {
  const data = `(data (i32.const 256) ${JSON.stringify(text)})`;
  return toProgram({
    ...rest,
    start: `(call $print (i32.const 1) (i32.const 256) (i32.const ${Buffer.byteLength(text)}))`,
    rest: `${data} ${rest.rest ?? ""}`,
  });
}

/** Copies its standard input to its standard output, 1000 bytes at a time. */
export const echo = toProgram({
  start: `(local $got i32)
    (loop $next
      (local.set $got (call $read (i32.const 256) (i32.const 1000)))
      (if (local.get $got) (then
        (call $print (i32.const 1) (i32.const 256) (local.get $got))
        (br $next))))`,
});

/** Never ends. */
export const loop = toProgram({ start: "(loop $again (br $again))" });
