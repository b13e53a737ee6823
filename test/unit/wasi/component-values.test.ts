/** Values of every type cross between JavaScript and components, both ways, as core values and through memory. */

import { describe, expect, test } from "vitest";
import { type HostFunction, suspending } from "../../../src/engine/wasi/component/host-function.guest.ts";
import { type ComponentInstance, compileComponent } from "../../../src/engine/wasi/component/linker.guest.ts";
import { decodeComponent } from "../../../src/wasm/component/decode.ts";
import { listImports } from "../../../src/wasm/component/list.ts";
import { PLAIN, readFixture } from "./component-lab.ts";

const letters = "abcdefghijklmnopqrstuvwxyz";
const toFlags = (count: number, on: (index: number) => boolean) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [
      `f${(letters[Math.floor(i / 26)] ?? "").toUpperCase()}${letters[i % 26]}`,
      on(i),
    ]),
  );

const tag = (name: string, val?: unknown) => ({ tag: name, val });

const VALUES: Readonly<Record<string, readonly unknown[]>> = {
  bool: [true, false],
  u8: [0, 255],
  s8: [-128, 127],
  u16: [0, 65_535],
  s16: [-32_768, 32_767],
  u32: [0, 4_294_967_295],
  s32: [-2_147_483_648, 2_147_483_647],
  u64: [0n, 18_446_744_073_709_551_615n],
  s64: [-9_223_372_036_854_775_808n, 9_223_372_036_854_775_807n],
  f32: [0.5, -0, Number.POSITIVE_INFINITY, Number.NaN],
  f64: [0.1, Number.MIN_VALUE, Number.NaN],
  char: ["a", "é", "😀", "\u0000"],
  string: ["", "short", "ünïcödé 😀", "\ufeffwith a mark", "long ".repeat(20_000)],
  bytes: [new Uint8Array(), new Uint8Array([1, 2, 255]), new Uint8Array(100_000).fill(7)],
  words: [[], [1, 65_535]],
  texts: [[], ["", "a", "😀", "a much longer text than the others are"]],
  record: [{ a: 1, bC: 2n ** 63n, d: "text" }],
  tuple: [[1, 0.1, "x"]],
  flags3: [toFlags(3, () => true), toFlags(3, (i) => i === 1)],
  flags12: [toFlags(12, (i) => i % 2 === 0)],
  flags20: [toFlags(20, (i) => i % 3 === 0)],
  flags40: [toFlags(40, (i) => i % 3 === 0), toFlags(40, () => true)],
  enum: ["red", "dark-green"],
  enum300: ["e0", "e256", "e299"],
  option: [undefined, 0, 7],
  options: [tag("none"), tag("some", undefined), tag("some", 7)],
  result: [tag("ok", 2n ** 64n - 1n), tag("err", "why")],
  empty: [tag("ok"), tag("err")],
  failure: [tag("ok"), tag("err", 0.5)],
  narrow: [tag("a", -0.5), tag("b", 4_294_967_295), tag("c")],
  wide: [tag("a", 0.5), tag("b", 4_294_967_295), tag("c", 0.1), tag("d", 2n ** 64n - 1n), tag("e", "text"), tag("f")],
  large: [Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`n${i}`, i * 3]))],
};

const identity = decodeComponent(readFixture("identity"));

/** A host whose every function gives its argument back, and notes it. */
function openIdentity(wrap: (run: (x: unknown) => unknown) => HostFunction): {
  instance: ComponentInstance;
  seen: unknown[];
} {
  const seen: unknown[] = [];
  const turn = wrap((x) => {
    seen.push(x);
    return x;
  });
  const names = listImports(identity).flatMap(({ functions }) => functions);
  const host = { $root: Object.fromEntries(names.map((name) => [name, turn])) };
  const linked = compileComponent(identity, { host, compileModule: (bytes) => new WebAssembly.Module(bytes) });
  return { instance: linked.instantiate(host, PLAIN), seen };
}

describe("values", () => {
  test("every type of the fixture has values here", () => {
    const types = listImports(identity).flatMap(({ functions }) => functions.map((name) => name.slice("turn-".length)));
    expect(types.filter((type) => !(type in VALUES)).toSorted()).toEqual(["latin1", "utf16"]);
  });

  describe.each(Object.entries(VALUES))("of type %s", (type, values) => {
    test("come back through a function of the host", async () => {
      const { instance, seen } = openIdentity((run) => run);
      for (const value of values) expect(await instance.call("$root", `turn-${type}`, [value])).toEqual(value);
      expect(seen).toEqual(values);
    });

    test("come back through a function of the host that waits", async () => {
      const { instance, seen } = openIdentity((run) => suspending(async (x: unknown) => run(x)));
      for (const value of values) expect(await instance.call("$root", `turn-${type}`, [value])).toEqual(value);
      expect(seen).toEqual(values);
    });

    test("come back through memory", async () => {
      const { instance } = openIdentity((run) => run);
      const isBytes = type === "u8";
      const list = isBytes ? Uint8Array.from(values, Number) : values;
      expect(await instance.call("$root", `list-${type}`, [list])).toEqual(list);
      expect(await instance.call("$root", `list-${type}`, [isBytes ? new Uint8Array() : []])).toEqual(
        isBytes ? new Uint8Array() : [],
      );
    });
  });

  test.each(["string", "utf16", "latin1"])("strings in %s are the same ones", async (encoding) => {
    const { instance } = openIdentity((run) => run);
    for (const text of ["", "a", "naïve", "日本語", "😀", "\u0000", "x".repeat(70_000), "é".repeat(70_000)]) {
      expect(await instance.call("$root", `turn-${encoding}`, [text])).toBe(text);
    }
    expect(await instance.call("$root", `turn-${encoding}`, ["\ud800!"])).toBe("\ufffd!");
  });

  test.each([
    ["u8", "1"],
    ["u64", 1],
    ["bool", 1],
    ["string", 1],
    ["char", "ab"],
    ["char", "\ud800"],
    ["record", undefined],
    ["record", { a: 1 }],
    ["tuple", {}],
    ["bytes", "ab"],
    ["enum", "blue"],
    ["wide", { tag: "z" }],
    ["wide", "a"],
    ["result", undefined],
  ])("what is no value of type %s is refused", async (type, value) => {
    const { instance } = openIdentity((run) => run);
    await expect(instance.call("$root", `turn-${type}`, [value])).rejects.toThrow(TypeError);
  });

  test("an argument too many is refused", async () => {
    const { instance } = openIdentity((run) => run);
    await expect(instance.call("$root", "turn-u8", [1, 2])).rejects.toThrow(/takes 1 argument/);
  });
});
