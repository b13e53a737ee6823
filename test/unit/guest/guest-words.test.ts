import { describe, expect, it } from "vitest";
import { findCallHead, findNote, readResponseHead, readTrailers } from "../../../src/engine/guest/guest-words.ts";

const HEAD = { status: 200, headers: ["x-a", "b"] };
const CALL = {
  op: "binding",
  parent: 1,
  binding: "A",
  method: "GET",
  url: "http://a/",
  headers: [],
  redirect: "follow",
};

describe("readResponseHead()", () => {
  it("takes what HTTP allows", () => {
    for (const head of [
      HEAD,
      { status: 599, headers: [] },
      { status: 200, headers: ["x", "\t tab and caf\u00e9 \u00ff"] },
      { status: 200, headers: ["!#$%&'*+-.^_`|~09azAZ", ""] },
    ]) {
      expect(readResponseHead(head, 1_000)).toEqual(head);
    }
  });

  it("takes nothing along that is no part of a head", () => {
    expect(readResponseHead({ ...HEAD, url: "x", __proto__: { a: 1 } }, 1_000)).toEqual(HEAD);
  });

  it.each([
    ["nothing", undefined],
    ["null", null],
    ["a text", "200"],
    ["a list", [200, []]],
    ["an empty object", {}],
    ["a status in words", { ...HEAD, status: "200" }],
    ["a fraction", { ...HEAD, status: 200.5 }],
    ["no number", { ...HEAD, status: Number.NaN }],
    ["status 100", { ...HEAD, status: 100 }],
    ["status 101", { ...HEAD, status: 101 }],
    ["status 199", { ...HEAD, status: 199 }],
    ["status 600", { ...HEAD, status: 600 }],
    ["status 999", { ...HEAD, status: 999 }],
    ["status -200", { ...HEAD, status: -200 }],
    ["no headers", { status: 200 }],
    ["headers as an object", { ...HEAD, headers: { a: "b" } }],
    ["headers as a text", { ...HEAD, headers: "a: b" }],
    ["headers as pairs", { ...HEAD, headers: [["a", "b"]] }],
    ["a name without a value", { ...HEAD, headers: ["a", "b", "c"] }],
    ["a number as a value", { ...HEAD, headers: ["a", 7] }],
    ["an empty name", { ...HEAD, headers: ["", "b"] }],
    ["a name with a space", { ...HEAD, headers: ["a b", "c"] }],
    ["a name with a colon", { ...HEAD, headers: ["a:", "c"] }],
    ["a name with a line end", { ...HEAD, headers: ["a\r\nb", "c"] }],
    ["a name beyond ASCII", { ...HEAD, headers: ["\u00e9", "c"] }],
    ["a value with CR LF", { ...HEAD, headers: ["a", "b\r\nset-cookie: c"] }],
    ["a value with LF", { ...HEAD, headers: ["a", "b\nc"] }],
    ["a value with CR", { ...HEAD, headers: ["a", "b\rc"] }],
    ["a value that ends with LF", { ...HEAD, headers: ["a", "b\n"] }],
    ["a value with NUL", { ...HEAD, headers: ["a", "b\u0000"] }],
    ["a value with DEL", { ...HEAD, headers: ["a", "b\u007f"] }],
    ["a value beyond one byte", { ...HEAD, headers: ["a", "b\u010a"] }],
    ["more than the limit", { ...HEAD, headers: ["a", "b".repeat(1_000)] }],
    ["more than the limit in many", { ...HEAD, headers: Array.from({ length: 600 }, () => "a") }],
  ])("refuses %s, and says what it is", (_, head) => {
    const why = readResponseHead(head, 1_000);
    expect(why).toMatch(/^its (status is|headers (hold|have))/);
  });
});

describe("readTrailers()", () => {
  it("takes what HTTP allows, and says what it does not", () => {
    expect(readTrailers([], 100)).toEqual([]);
    expect(readTrailers(["x-a", "b"], 100)).toEqual(["x-a", "b"]);
    expect(readTrailers(["x-a", "b".repeat(100)], 100)).toBe("its trailers have 107 bytes, the limit is 100 bytes");
  });

  it.each([
    ["no list", { 0: "a", 1: "b", length: 2 }, ""],
    ["a name without a value", ["a"], ""],
    ["a list of lists", [["a", "b"]], ""],
    ["a deep list", JSON.parse(`${"[".repeat(50_000)}${"]".repeat(50_000)}`), ""],
    ["a line end in a name", ["a\r\nb", "c"], ': the name "a\\r\\nb"'],
    ["a line end in a value", ["x-a", "b\r\nset-cookie: c"], ': the value of "x-a"'],
    ["a number for a value", ["x-a", 1], ': the value of "x-a"'],
    ["a long name", ["x-a", "", "\u0000".repeat(500), ""], `: the name ${JSON.stringify(`${"\u0000".repeat(64)}…`)}`],
  ])("refuses %s", (_, value, which) => {
    expect(readTrailers(value, 1_000)).toBe(`its trailers hold what HTTP does not allow${which}`);
  });
});

describe("findCallHead()", () => {
  it("takes how long connecting may take, and nothing that is no time", () => {
    expect(findCallHead({ ...CALL, connectTimeoutMs: 0.5 })).toEqual({ ...CALL, connectTimeoutMs: 0.5 });
    for (const connectTimeoutMs of [-1, 2 ** 31, Number.NaN, "5", null]) {
      expect(findCallHead({ ...CALL, connectTimeoutMs })).toEqual(CALL);
    }
  });

  it("takes calls to bindings and to the network", () => {
    expect(findCallHead(CALL)).toEqual(CALL);
    expect(findCallHead({ ...CALL, op: "outbound", more: 1 })).toEqual({ ...CALL, op: "outbound" });
  });

  it.each([
    ["nothing", undefined],
    ["another operation", { ...CALL, op: "load" }],
    ["no redirect mode", { ...CALL, redirect: undefined }],
    ["an unknown redirect mode", { ...CALL, redirect: "FOLLOW" }],
    ["a parent in words", { ...CALL, parent: "1" }],
    ["a binding that is no text", { ...CALL, binding: { name: "A" } }],
    ["a URL that is no text", { ...CALL, url: 7 }],
    ["no method", { ...CALL, method: "" }],
    ["a method with a space", { ...CALL, method: "GET /" }],
    ["a method with a line end", { ...CALL, method: "GET\r\n" }],
    ["a long method", { ...CALL, method: "A".repeat(33) }],
    ["headers that are no list", { ...CALL, headers: {} }],
    ["a header with a line end", { ...CALL, headers: ["a", "b\r\nhost: c"] }],
  ])("refuses %s", (_, head) => {
    expect(findCallHead(head)).toBeUndefined();
  });
});

describe("findNote()", () => {
  it("takes log lines and readiness", () => {
    expect(findNote({ note: "ready", x: 1 })).toEqual({ note: "ready" });
    expect(findNote({ note: "log", level: "warn", text: "t" })).toEqual({ note: "log", level: "warn", text: "t" });
  });

  it.each([
    ["nothing", null],
    ["an unknown note", { note: "exit" }],
    ["an unknown level", { note: "log", level: "fatal", text: "" }],
    ["a level of Object.prototype", { note: "log", level: "constructor", text: "" }],
    ["a text that is none", { note: "log", level: "log", text: ["a"] }],
  ])("refuses %s", (_, note) => {
    expect(findNote(note)).toBeUndefined();
  });
});
