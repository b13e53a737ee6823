/**
 * Values as bytes and back, and what strangers may send in their place.
 */

import { describe, expect, test } from "vitest";
import { decodeClone, encodeClone, findCloneText, fromCloneText } from "../../../src/env/clone.ts";

function copy(value: unknown): unknown {
  return decodeClone(encodeClone(value));
}

/** Records as a stranger writes them. */
function written(records: unknown, bytes = new Uint8Array()): Uint8Array {
  const json = Buffer.from(JSON.stringify(records));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(json.byteLength);
  return Buffer.concat([length, json, bytes]);
}

describe("a copy", () => {
  test.each([
    ["texts and numbers", ["a", "", "\ud800", 1.5, -1, Number.MAX_VALUE, true, null]],
    ["numbers that JSON lacks", [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0]],
    ["undefined and big integers", [undefined, 0n, -(2n ** 70n)]],
    ["nested objects and lists", { a: { b: [{ c: [] }] } }],
    ["maps and sets", new Map<unknown, unknown>([[{ k: 1 }, new Set([new Map()])]])],
    ["dates and expressions", [new Date(5), new Date(Number.NaN), /a.b/giu]],
    ["values in objects", [new Number(1), new String("s"), new Boolean(false), Object(1n)]],
    ["lists with holes", Object.assign([], { 0: 1, 2: 3 })],
    ["buffers", [new Uint8Array([1, 2]).buffer, new Float64Array([1.5]), new BigInt64Array([-1n])]],
  ])("has %s as they were", (_what, value) => {
    expect(copy(value)).toEqual(value);
    expect(copy({ value })).toEqual({ value });
  });

  test("goes in the same circles", () => {
    const value: Record<string, unknown> = { list: [] };
    Object.assign(value, { self: value, list: [value, value] });
    const made = copy(value);
    expect(made).toMatchObject({ list: [made, made], self: made });
  });

  test("is as deep as its original, however deep that is", () => {
    let value: unknown = "end";
    for (let i = 0; i < 50_000; i++) value = { value };
    let made = copy(value);
    while (typeof made === "object" && made !== null) made = Reflect.get(made, "value");
    expect(made).toBe("end");
  });

  test("has views of one buffer as views of one buffer, whatever bytes it is read from", () => {
    const buffer = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]).buffer;
    const encoded = encodeClone([new Uint8Array(buffer, 1, 2), new DataView(buffer, 2, 3), buffer]);
    // Small ones of Node share one buffer with many others.
    const pooled = Buffer.from(Buffer.concat([Buffer.from("before"), encoded])).subarray(6);
    for (const bytes of [encoded, pooled]) {
      const [array, view, whole] = decodeClone(bytes) as [Uint8Array, DataView, ArrayBuffer];
      expect([array.buffer === whole, view.buffer === whole]).toEqual([true, true]);
      expect([...array, view.getUint8(0), whole.byteLength]).toEqual([2, 3, 3, 8]);
    }
  });

  test("has errors with class, name, message, stack, cause and what else they have", () => {
    class OwnError extends Error {
      override name = "OwnError";
      code = "E_OWN";
    }
    const own = new OwnError("mine", { cause: new RangeError("cause") });
    const made = copy([own, new AggregateError([new TypeError("t")], "all"), new DOMException("d", "AbortError")]);
    const [error, all, dom] = made as [OwnError, AggregateError, DOMException];
    expect(error).toMatchObject({ name: "OwnError", message: "mine", code: "E_OWN", stack: own.stack });
    expect(error.cause).toBeInstanceOf(RangeError);
    expect(all.errors[0]).toBeInstanceOf(TypeError);
    expect([dom instanceof DOMException, dom.name, dom.code]).toEqual([true, "AbortError", 20]);
  });

  test("has keys of any name, and changes no prototype", () => {
    const made = copy(JSON.parse('{"__proto__":{"polluted":1},"constructor":1}'));
    expect(Object.getPrototypeOf(made)).toBe(Object.prototype);
    expect(Object.keys(made as object)).toEqual(["__proto__", "constructor"]);
    expect({}).not.toHaveProperty("polluted");
  });

  test.each([
    ["a function", () => 1, /function cannot be sent/],
    ["a symbol", Symbol("s"), /Symbol\(s\) could not be cloned/],
    ["a promise", Promise.resolve(), /#<Promise> could not be cloned/],
    ["a WeakMap", new WeakMap(), /#<WeakMap>/],
    ["a Response", new Response(), /type "Response"/],
    ["a stream", new ReadableStream(), /type "ReadableStream"/],
    ["shared memory", new Uint8Array(new SharedArrayBuffer(1)), /shared/],
    ["an instance of a class", new (class Point {})(), /type "Point"/],
  ])("there is none of %s", (_what, value, words) => {
    expect(() => encodeClone({ value })).toThrow(
      expect.objectContaining({ name: "DataCloneError", message: expect.stringMatching(words) }),
    );
  });

  test("is not gathered beyond its limit", () => {
    expect(() => encodeClone("x".repeat(1_000), 999)).toThrow(/limited to/);
    expect(() => encodeClone(new ArrayBuffer(1_000), 999)).toThrow(/limited to/);
    expect(() => encodeClone("é".repeat(600), 999)).toThrow(/limited to/);
    expect(encodeClone("x".repeat(900), 999).byteLength).toBeLessThan(999);
  });
});

describe("what a stranger sends", () => {
  test.each([
    ["nothing", new Uint8Array()],
    ["a length beyond the end", new Uint8Array([255, 255, 255, 255, 1])],
    ["no JSON", Buffer.from("\0\0\0\x03abc")],
    ["no list", written({})],
    ["no records", written([])],
    ["a record that is no list", written([{}])],
    ["an unknown record", written([["Worker", "data:,"]])],
    ["a record that does not exist", written([["array", [[7]]]])],
    ["a number that is no place", written([["array", [[-1], [0.5]]]])],
    ["an unknown slot", written([["array", [["constructor"]]]])],
    ["a slot that is an object", written([["array", [{}]]])],
    ["a big integer that is none", written([["array", [["i", "1e9"]]]])],
    ["a big integer without end", written([["array", [["i", "9".repeat(100_000)]]]])],
    ["a length that is none", written([["sparse", -1, []]])],
    ["an expression that is none", written([["regexp", "(", ""]])],
    ["a buffer beyond its bytes", written([["buffer", 0, 9]], new Uint8Array(8))],
    ["a buffer of gigabytes", written([["buffer", 0, 2 ** 40]])],
    [
      "many buffers of the same bytes",
      written(
        [
          ["buffer", 0, 8],
          ["buffer", 0, 8],
        ],
        new Uint8Array(8),
      ),
    ],
    ["a view of nothing", written([["view", "Uint8Array", null, 0, 1]])],
    [
      "a view of a class that is none",
      written([
        ["view", "Function", [1], 0, 1],
        ["buffer", 0, 0],
      ]),
    ],
    [
      "a view beyond its buffer",
      written(
        [
          ["view", "Uint8Array", [1], 0, 9],
          ["buffer", 0, 8],
        ],
        new Uint8Array(8),
      ),
    ],
    ["a key that is no text", written([["object", [1, 2]]])],
    ["an error without words", written([["error", ["Error"], 1, "", []]])],
  ])("is refused: %s", (_what, bytes) => {
    expect(() => decodeClone(bytes)).toThrow(TypeError);
  });

  test("names no class but those of errors that are known", () => {
    const made = decodeClone(written([["error", ["Function", "return 1"], "m", "s", []]]));
    expect(made).toMatchObject({ name: "Error", message: "m", stack: "s" });
  });

  test("never does anything but be read or be refused, however it is changed", () => {
    const bytes = encodeClone({ a: [new Map([[1, new Date(0)]]), new Uint8Array(9), new Error("e")], b: 1n, c: /x/ });
    for (let at = 0; at < bytes.byteLength; at++) {
      for (const bit of [1, 16, 128]) {
        const changed = bytes.slice();
        changed[at] = (changed[at] ?? 0) ^ bit;
        try {
          decodeClone(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
        }
      }
    }
  });
});

test("a value as text is whole or not at all", () => {
  expect(fromCloneText(findCloneText({ a: [1n] }, 100) ?? "")).toEqual({ a: [1n] });
  expect(findCloneText({ a: "x".repeat(100) }, 100)).toBeUndefined();
  expect(findCloneText(new Uint8Array(1), 100)).toBeUndefined();
  expect(findCloneText(() => {}, 100)).toBeUndefined();
});
