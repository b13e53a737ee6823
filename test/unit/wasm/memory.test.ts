import { describe, expect, test } from "vitest";
import { importMemory, POOLED_MEMORY } from "../../../src/wasm/import-memory.ts";
import { decodeModule } from "../../../src/wasm/module.ts";
import { splitData } from "../../../src/wasm/split-data.ts";
import { assembleWat } from "../../support/wat.ts";

const FULL = `(module
  (import "env" "add" (func $add (param i32 i32) (result i32)))
  (memory (export "memory") 2 10)
  (table (export "table") 2 2 funcref)
  (elem (i32.const 0) $sum $add)
  (global $g (export "g") (mut i32) (i32.const 7))
  (data (i32.const 1024) "hello")
  (data $kept "passive")
  (data (i32.const 1026) "LL")
  (func $begin (global.set $g (i32.load8_u (i32.const 1024))))
  (start $begin)
  (func $sum (export "sum") (result i32)
    (call $add (i32.load8_u (i32.const 1024)) (i32.load8_u (i32.const 1026))))
  (func (export "keep") (memory.init $kept (i32.const 2048) (i32.const 0) (i32.const 7))))`;

const add = (a: number, b: number) => a + b;

function instantiate(bytes: Uint8Array<ArrayBufferLike>, memory?: WebAssembly.Memory) {
  const module = new WebAssembly.Module(Uint8Array.from(bytes));
  return new WebAssembly.Instance(module, {
    env: { add },
    ...(memory && { [POOLED_MEMORY.module]: { [POOLED_MEMORY.name]: memory } }),
  }).exports;
}

function call(exports: Readonly<Record<string, unknown>>, name: string): unknown {
  const target = exports[name];
  return typeof target === "function" ? target() : undefined;
}

const text = (memory: WebAssembly.Memory, at: number, length: number) =>
  Buffer.from(memory.buffer, at, length).toString();

describe("importing the memory", () => {
  test("leaves everything else as it was", () => {
    const { bytes, memory } = importMemory(assembleWat(FULL));
    expect(memory).toEqual({ initialPages: 2, maximumPages: 10 });
    const given = new WebAssembly.Memory({ initial: 2, maximum: 10 });
    const exports = instantiate(bytes, given);
    expect(exports.memory).toBe(given);
    expect(call(exports, "sum")).toBe(0x68 + 0x4c);
    expect(text(given, 1024, 5)).toBe("heLLo");
    call(exports, "keep");
    expect(text(given, 2048, 7)).toBe("passive");
    expect(decodeModule(bytes).exports).toEqual(decodeModule(assembleWat(FULL)).exports);
  });

  test("works where there was no import", () => {
    const { bytes, memory } = importMemory(
      assembleWat(`(module (memory 1) (func (export "f") (result i32) (i32.const 3)))`),
    );
    expect(memory).toEqual({ initialPages: 1 });
    expect(call(instantiate(bytes, new WebAssembly.Memory({ initial: 1 })), "f")).toBe(3);
  });

  test("works where there is nothing but the memory", () => {
    const { bytes } = importMemory(assembleWat(`(module (memory (export "memory") 1))`));
    const memory = new WebAssembly.Memory({ initial: 1 });
    expect(instantiate(bytes, memory).memory).toBe(memory);
  });

  test("gives the same bytes for the same bytes", () => {
    expect(importMemory(assembleWat(FULL)).bytes).toEqual(importMemory(assembleWat(FULL)).bytes);
  });

  test.each([
    ["an imported memory", `(module (import "env" "memory" (memory 1)))`, "it imports its memory already"],
    ["no memory", `(module (func (export "f")))`, "it has no memory"],
    ["two memories", `(module (memory 1) (memory 1))`, "it has 2 memories"],
    ["a shared memory", `(module (memory 1 2 shared))`, "its memory is shared between threads"],
    ["a 64-bit memory", `(module (memory i64 1))`, "its memory has 64-bit addresses"],
  ])("leaves a module with %s alone and says so", (_name, wat, reason) => {
    const bytes = assembleWat(wat);
    expect(importMemory(bytes)).toEqual({ bytes, reason });
  });
});

describe("splitting off the data", () => {
  test("gives a module that behaves the same once the image is written", () => {
    const split = splitData(importMemory(assembleWat(FULL)).bytes);
    const memory = new WebAssembly.Memory({ initial: 2, maximum: 10 });
    expect(split.image?.map(({ offset, bytes }) => [offset, Buffer.from(bytes).toString()])).toEqual([
      [1024, "hello"],
      [1026, "LL"],
    ]);
    for (const { offset, bytes } of split.image ?? []) new Uint8Array(memory.buffer).set(bytes, offset);
    const exports = instantiate(split.bytes, memory);
    expect(exports.g).toHaveProperty("value", 0x68);
    expect(call(exports, "sum")).toBe(0x68 + 0x4c);
    call(exports, "keep");
    expect(text(memory, 2048, 7)).toBe("passive");
  });

  test("works before the memory is imported, too", () => {
    const imported = importMemory(splitData(assembleWat(FULL)).bytes);
    const memory = new WebAssembly.Memory({ initial: 2, maximum: 10 });
    expect(call(instantiate(imported.bytes, memory), "sum")).toBe(0);
  });

  test("leaves no segments behind that no code names", () => {
    const wat = `(module (memory (export "memory") 1) (data (i32.const 8) "a") (data "passive") (data (i32.const 9) "b")
      (func (export "_start") (memory.copy (i32.const 0) (i32.const 8) (i32.const 2))))`;
    const split = splitData(assembleWat(wat));
    expect(split.image).toHaveLength(2);
    expect(WebAssembly.validate(split.bytes)).toBe(true);
    expect(decodeModule(split.bytes).data).toEqual([]);
  });

  test("leaves the indices alone of segments that code names", () => {
    const wat = `(module (memory (export "memory") 1) (data (i32.const 8) "a") (data $p "passive")
      (func (export "_start") (data.drop $p)))`;
    const { bytes } = splitData(assembleWat(wat));
    expect(decodeModule(bytes).data.map(({ mode, content }) => [mode, content.byteLength])).toEqual([
      ["passive", 0],
      ["passive", 7],
    ]);
  });

  test("takes the offsets' 32 bits without their sign", () => {
    const wat = `(module (memory 40000) (data (i32.const -2147483648) "x"))`;
    expect(splitData(assembleWat(wat)).image).toEqual([{ offset: 2 ** 31, bytes: Uint8Array.of(0x78) }]);
  });

  test.each([
    ["no data", `(module (memory 1))`, "it has no data that is written at its start"],
    ["only passive data", `(module (memory 1) (data "x"))`, "it has no data that is written at its start"],
    [
      "an offset that is imported",
      `(module (import "env" "base" (global i32)) (memory 1) (data (global.get 0) "x"))`,
      "where its data goes depends on an import",
    ],
    ["data beyond its memory", `(module (memory 1) (data (i32.const 65535) "xy"))`, "its data does not fit its memory"],
    ["a 64-bit memory", `(module (memory i64 1) (data (i64.const 0) "x"))`, "its memory is not a plain one"],
  ])("leaves a module with %s alone and says so", (_name, wat, reason) => {
    const bytes = assembleWat(wat);
    expect(splitData(bytes)).toEqual({ bytes, reason });
  });
});
