import { describe, expect, it } from "vitest";
import { mergeData } from "../../../src/wasm/merge-data.ts";
import { decodeModule } from "../../../src/wasm/module.ts";
import { assembleWat } from "../../support/wat.ts";

/** The memory after instantiation. */
function memoryOf(bytes: Uint8Array): Uint8Array {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  if (!(exports.memory instanceof WebAssembly.Memory)) throw new Error("no memory");
  return new Uint8Array(exports.memory.buffer);
}

const toModule = (data: string, rest = "") => assembleWat(`(module (memory (export "memory") 40000) ${data} ${rest})`);

describe("mergeData()", () => {
  it("joins segments with little between them, and the memory begins as before", () => {
    const many = Array.from({ length: 300 }, (_, i) => `(data (i32.const ${1000 + i * 40}) "segment ${i}")`).join("");
    const wasm = toModule(`${many} (data (i32.const 900000) "far") (data (i32.const 60) "before")`);
    const merged = mergeData(wasm);
    expect(decodeModule(merged).data).toHaveLength(3);
    expect(Buffer.compare(memoryOf(merged), memoryOf(wasm))).toBe(0);
  });

  it("places data beyond 2 GiB where it was", () => {
    const wasm = toModule('(data (i32.const -2147483648) "a") (data (i32.const -2147483600) "b")');
    const merged = mergeData(wasm);
    expect(decodeModule(merged).data).toHaveLength(1);
    expect([...memoryOf(merged).subarray(2 ** 31, 2 ** 31 + 49)].filter((byte) => byte !== 0)).toEqual([97, 98]);
  });

  it.each([
    ["segments that overlap", toModule('(data (i32.const 10) "abcdef") (data (i32.const 12) "X")')],
    ["passive segments", toModule('(data "a") (data (i32.const 10) "b") (data (i32.const 20) "c")')],
    [
      "segments that code names",
      toModule(
        '(data (i32.const 10) "b") (data (i32.const 20) "c") (data "a")',
        "(func (memory.init 2 (i32.const 0) (i32.const 0) (i32.const 1)))",
      ),
    ],
    ["one segment", toModule('(data (i32.const 10) "b")')],
    ["no data", toModule("")],
  ])("leaves a module with %s as it is", (_what, wasm) => {
    expect(mergeData(wasm)).toBe(wasm);
  });

  it("gives the same bytes a second time", () => {
    const merged = mergeData(toModule('(data (i32.const 10) "b") (data (i32.const 20) "c")'));
    expect(mergeData(merged)).toBe(merged);
  });
});
