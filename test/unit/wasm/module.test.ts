import { describe, expect, test } from "vitest";
import { findWasmForm } from "../../../src/wasm/form.ts";
import { decodeModule } from "../../../src/wasm/module.ts";
import { WasmError } from "../../../src/wasm/reader.ts";
import { concatBytes, toName, toSection, toU32 } from "../../../src/wasm/writer.ts";
import { assembleWat } from "../../support/wat.ts";

const HEADER = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);

const COMMAND = assembleWat(`(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "env" "base" (global $base i32))
  (memory (export "memory") 2 10)
  (table 3 3 funcref)
  (global $g (mut i32) (i32.const 7))
  (data (i32.const 1024) "hello")
  (data (global.get $base) "there")
  (data $kept "passive")
  (func $start (global.set $g (i32.const 8)))
  (start $start)
  (func (export "_start") (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (memory.init $kept (i32.const 0) (i32.const 0) (i32.const 7))))`);

/** Whether V8 takes it. */
function isValid(bytes: Uint8Array<ArrayBuffer>): boolean {
  try {
    return new WebAssembly.Module(bytes) !== undefined;
  } catch {
    return false;
  }
}

describe("the form", () => {
  test("is told by the first eight bytes", () => {
    expect(findWasmForm(COMMAND)).toBe("module");
    expect(findWasmForm(Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00))).toBe("component");
    expect(findWasmForm(HEADER.subarray(0, 7))).toBeUndefined();
    expect(findWasmForm(new TextEncoder().encode("#!/bin/sh"))).toBeUndefined();
  });
});

describe("a module", () => {
  test("is decoded to what it imports, exports and holds", () => {
    const info = decodeModule(COMMAND);
    expect(info).toMatchObject({
      bytes: COMMAND.byteLength,
      imports: [
        {
          module: "wasi_snapshot_preview1",
          name: "fd_write",
          type: { kind: "function", type: { params: ["i32", "i32", "i32", "i32"], results: ["i32"] } },
        },
        { module: "env", name: "base", type: { kind: "global", type: "i32", isMutable: false } },
      ],
      exports: [
        { name: "memory", kind: "memory", index: 0 },
        { name: "_start", kind: "function", index: 2, type: { params: [], results: [] } },
      ],
      memories: [{ initialPages: 2, maximumPages: 10, isShared: false, is64: false }],
      tables: [{ element: "funcref", initial: 3, maximum: 3 }],
      start: 1,
      functions: 2,
    });
    expect(info.data.map(({ mode, offset, content }) => [mode, offset, content.byteLength])).toEqual([
      ["active", 1024, 5],
      ["active", undefined, 5],
      ["passive", undefined, 7],
    ]);
    expect(info.features).toContain("bulk-memory");
  });

  test.each([
    ["threads", `(module (memory 1 2 shared))`],
    ["memory64", `(module (memory i64 1))`],
    ["multimemory", `(module (memory 1) (memory 1))`],
    ["exception-handling", `(module (tag (param i32)) (func (throw 0 (i32.const 1))))`],
    ["gc", `(module (type $s (struct (field i32))) (func (param (ref null $s))))`],
  ])("with %s is told by its sections", (feature, text) => {
    expect(decodeModule(assembleWat(text)).features).toContain(feature);
  });

  test("says which features its tool chain used", () => {
    const declared = concatBytes([toName("target_features"), toU32(1), Uint8Array.of(0x2b), toName("simd128")]);
    expect(decodeModule(concatBytes([HEADER, toSection(0, declared)])).features).toEqual(["simd128"]);
    const damaged = concatBytes([toName("target_features"), toU32(5)]);
    expect(decodeModule(concatBytes([HEADER, toSection(0, damaged)]))).toMatchObject({
      features: [],
      customSections: [{ name: "target_features", bytes: 17 }],
    });
  });

  test("may compute a segment's offset from constants", () => {
    const text = `(module (memory 1) (data (offset (i32.add (i32.const 8) (i32.mul (i32.const 4) (i32.const 3)))) "x"))`;
    expect(decodeModule(assembleWat(text)).data).toMatchObject([{ mode: "active", offset: 20 }]);
  });

  test("may have 100 000 functions", () => {
    const count = 100_000;
    const body = Uint8Array.of(0x02, 0x00, 0x0b);
    const bytes = concatBytes([
      HEADER,
      toSection(1, Uint8Array.of(1, 0x60, 0, 0)),
      toSection(3, concatBytes([toU32(count), new Uint8Array(count)])),
      toSection(10, concatBytes([toU32(count), ...Array.from({ length: count }, () => body)])),
    ]);
    expect(decodeModule(bytes)).toMatchObject({ functions: count });
    expect(isValid(bytes)).toBe(true);
  });
});

describe("hostile bytes", () => {
  test("cut anywhere they are an error or a shorter module, never anything else", () => {
    for (let length = 0; length < COMMAND.byteLength; length++) {
      const cut = COMMAND.slice(0, length);
      try {
        decodeModule(cut);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(WasmError);
        expect(isValid(cut)).toBe(false);
      }
    }
  });

  test("with any byte changed are an error or a module", () => {
    for (let at = 8; at < COMMAND.byteLength; at++) {
      for (const value of [0x00, 0x7f, 0x80, 0xff]) {
        const changed = COMMAND.slice();
        changed[at] = value;
        const isFine = isValid(changed);
        try {
          decodeModule(changed);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(WasmError);
          expect([at, value, isFine]).toEqual([at, value, false]);
        }
      }
    }
  });

  test.each([
    ["a list of four thousand million", toSection(1, Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f)), /ends too early/],
    ["imports that do not fit", toSection(2, Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f)), /does not fit/],
    ["a section that is not one", toSection(77, Uint8Array.of()), /no section 77/],
    ["more than 4 GiB of memory", toSection(5, concatBytes([Uint8Array.of(1, 0), toU32(65_537)])), /4 GiB/],
    ["a maximum below the minimum", toSection(5, Uint8Array.of(1, 1, 9, 3)), /maximum is below/],
    [
      "functions without bodies",
      concatBytes([toSection(1, Uint8Array.of(1, 0x60, 0, 0)), toSection(3, Uint8Array.of(1, 0))]),
      /declares 1 functions and has 0/,
    ],
    ["a section with a rest", toSection(3, Uint8Array.of(0, 0)), /longer than what it holds/],
    [
      "sections in disorder",
      concatBytes([toSection(3, Uint8Array.of(0)), toSection(1, Uint8Array.of(0))]),
      /twice or too late/,
    ],
    ["a number that does not end", toSection(1, new Uint8Array(8).fill(0x80)), /more than 32 bits/],
    ["a section name that is not UTF-8", toSection(0, Uint8Array.of(2, 0xff, 0xff)), /not UTF-8/],
    [
      "ten thousand empty sections more",
      new Uint8Array(30_006).map((_, at) => (at % 3 === 1 ? 1 : 0)),
      /10000 sections/,
    ],
  ])("%s are refused", (_name, section, message) => {
    expect(() => decodeModule(concatBytes([HEADER, section]))).toThrow(message);
  });
});
