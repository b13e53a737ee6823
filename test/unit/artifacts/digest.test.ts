import { describe, expect, it } from "vitest";
import { digestOf, digestOfJson, toCanonicalJson } from "../../../src/artifacts/digest.ts";

describe("digestOf()", () => {
  it("is SHA-256 in lower-case hexadecimal", () => {
    // FIPS 180-4's example for "abc".
    expect(digestOf(new TextEncoder().encode("abc"))).toBe(
      "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
  });
});

describe("digestOfJson()", () => {
  it("does not depend on the order of keys nor on undefined properties", () => {
    expect(digestOfJson({ b: [1, { d: 2, c: 3 }], a: undefined })).toBe(digestOfJson({ b: [1, { c: 3, d: 2 }] }));
  });

  it("depends on the order of a list and on every value", () => {
    const values = [[1, 2], [2, 1], ["1", 2], { 0: 1, 1: 2 }, [1, 2, null], { a: null }, {}];
    expect(new Set(values.map(digestOfJson)).size).toBe(values.length);
  });
});

describe("toCanonicalJson()", () => {
  it("sorts keys by their UTF-16 code units, as RFC 8785 section 3.2.3 shows", () => {
    const value = { "\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\u{1f600}": 5, "\u0080": 6, ö: 7 };
    expect(toCanonicalJson(value)).toBe('{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"\u{1f600}":5,"\ufb33":3}');
  });

  it.each([
    [Number.NaN, "a number"],
    [Number.POSITIVE_INFINITY, "a number"],
    [undefined, "a undefined"],
    [[undefined], "a undefined"],
    [1n, "a bigint"],
    [() => {}, "a function"],
    [new Uint8Array(1), "a Uint8Array"],
    [{ at: new Date(0) }, "a Date"],
  ])("refuses %s", (value, kind) => {
    expect(() => toCanonicalJson(value)).toThrow(new TypeError(`Cannot write JSON: ${kind} has no place in it`));
  });
});
