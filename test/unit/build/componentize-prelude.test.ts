/** The web APIs of functions in Wasm, against those of Node. */

import { describe, expect, it } from "vitest";
import { decodeText, encodeText, NebulaTextDecoder } from "../../../src/build/componentize/prelude/encoding.ts";
import { NebulaHeaders } from "../../../src/build/componentize/prelude/headers.ts";
import { format } from "../../../src/build/componentize/prelude/inspect.ts";
import { Jobs } from "../../../src/build/componentize/prelude/jobs.ts";
import { createPromiseClass } from "../../../src/build/componentize/prelude/promise.ts";
import { NebulaRequest } from "../../../src/build/componentize/prelude/request.ts";
import { NebulaResponse } from "../../../src/build/componentize/prelude/response.ts";
import { DIGESTS } from "../../../src/build/componentize/prelude/sha.ts";
import { structuredClone as clone } from "../../../src/build/componentize/prelude/structured-clone.ts";
import { NebulaURL } from "../../../src/build/componentize/prelude/url.ts";
import { NebulaURLSearchParams } from "../../../src/build/componentize/prelude/url-search-params.ts";

const URLS: readonly (readonly [url: string, base?: string])[] = [
  ["http://example.com"],
  ["HTTPS://User:P%40ss@EXAMPLE.com:443/a/./b/../c%20d?q=1#f"],
  ["http://localhost:8787/hello?name=Ada&x=%C3%A9"],
  ["../up?x#y", "http://example.com/a/b/c"],
  ["//other.test/x", "https://example.com/"],
  ["?only=query", "http://example.com/path?old"],
  ["#hash", "http://example.com/path?kept"],
  ["http://0x7f.1/"],
  ["http://[2001:DB8::0:1]:80/"],
  ["http://bücher.example/ü?ü#ü"],
  ["mailto:someone@example.com"],
  ["data:text/plain,hello world"],
  ["file:///C:/a/../b"],
  ["http://a b/"],
  ["http://example.com:99999/"],
  ["not a url"],
  ["http://"],
  ["javascript:alert(1)"],
];
const PARTS = [
  "href",
  "origin",
  "protocol",
  "username",
  "password",
  "host",
  "port",
  "pathname",
  "search",
  "hash",
] as const;

describe("componentize: URL", () => {
  it.each(URLS)("takes %s apart as Node does (base %s)", (url, base) => {
    const wanted = base === undefined ? URL.parse(`${url}`) : URL.parse(`${url}`, base);
    const found = NebulaURL.parse(url, base);
    const pick = (each: Pick<URL, (typeof PARTS)[number]> | null) => each && PARTS.map((part) => each[part]);
    expect(pick(found)).toEqual(pick(wanted));
  });

  it("follows its parameters, and they follow it", () => {
    const url = new NebulaURL("http://example.com/?a=1");
    url.searchParams.append("b", "x y&é");
    expect(url.href).toBe("http://example.com/?a=1&b=x+y%26%C3%A9");
    url.search = "?c=3";
    expect([...url.searchParams]).toEqual([["c", "3"]]);
  });

  it.each(["a=1&a=2&b", "%F0%9F%98%80=%zz", "+a+=%2B", "=&&=x", "ä=ö"])("reads and writes the query %s", (query) => {
    const wanted = new URLSearchParams(query);
    expect([...new NebulaURLSearchParams(query)]).toEqual([...wanted]);
    expect(new NebulaURLSearchParams(query).toString()).toBe(wanted.toString());
  });
});

describe("componentize: text", () => {
  const TEXTS = ["", "plain", "häß", "😀".repeat(200), `${"x".repeat(300)}\ud800y`, "\ufeffmark"];

  it.each(TEXTS)("encodes %j as Node does", (text) => {
    expect(Buffer.from(encodeText(text)).equals(Buffer.from(new TextEncoder().encode(text)))).toBe(true);
  });

  it.each([[0xc3], [0xf0, 0x9f, 0x98], [0xed, 0xa0, 0x80, 0x41], [0xff, 0xfe, 0x41], [0xe2, 0x28, 0xa1]])(
    "decodes the damaged bytes %j %j %j %j as Node does",
    (...bytes) => {
      expect(decodeText(Uint8Array.from(bytes))).toBe(new TextDecoder().decode(Uint8Array.from(bytes)));
    },
  );

  it("decodes a character that comes in pieces", () => {
    const decoder = new NebulaTextDecoder();
    const pieces = [...Buffer.from("a€😀")].map((byte) => decoder.decode(Uint8Array.of(byte), { stream: true }));
    expect(pieces.join("") + decoder.decode()).toBe("a€😀");
  });
});

describe("componentize: requests and responses", () => {
  it("joins and sorts headers, cookies apart", () => {
    const lines: [string, string][] = [
      ["X-B", "1"],
      ["set-cookie", "a=1"],
      ["x-a", " 2 "],
      ["x-b", "3"],
      ["Set-Cookie", "b=2"],
    ];
    expect([...new NebulaHeaders(lines)]).toEqual([...new Headers(lines)]);
    expect(() => new NebulaHeaders({ "x y": "1" })).toThrow(TypeError);
    expect(() => new NebulaHeaders({ x: "a\r\nb" })).toThrow(TypeError);
  });

  it("reads a body once, in any form", async () => {
    const response = new NebulaResponse('{"a":1}');
    const copy = response.clone();
    expect(await response.json()).toEqual({ a: 1 });
    expect(response.bodyUsed).toBe(true);
    await expect(response.text()).rejects.toThrow(TypeError);
    expect(Buffer.from(await copy.bytes()).toString()).toBe('{"a":1}');
  });

  it("carries form data there and back", async () => {
    const form = new NebulaRequest("http://a/", { method: "POST", body: new NebulaURLSearchParams("a=1&b=ä") });
    expect([...(await form.formData())]).toEqual([
      ["a", "1"],
      ["b", "ä"],
    ]);
  });

  it.each([99, 101, 600])("refuses the status %d", (status) => {
    expect(() => new NebulaResponse("", { status })).toThrow(RangeError);
  });
});

describe("componentize: the rest of the scope", () => {
  it.each(Object.keys(DIGESTS))("computes %s as WebCrypto does", async (name) => {
    for (const length of [0, 55, 56, 64, 111, 112, 1_000]) {
      const bytes = Uint8Array.from({ length }, (_, i) => i * 7);
      const wanted = await crypto.subtle.digest(name, bytes);
      expect(DIGESTS[name]?.(bytes).toHex()).toBe(Buffer.from(wanted).toString("hex"));
    }
  });

  it("clones what refers to itself, and refuses functions", () => {
    const value: Record<string, unknown> = {
      map: new Map([[1, new Set(["a"])]]),
      date: new Date(5),
      bytes: Uint8Array.of(1, 2),
    };
    value.self = value;
    const copy = Object(clone(value));
    expect(copy.self).toBe(copy);
    expect(copy).toEqual(value);
    expect(() => clone(() => {})).toThrow(DOMException);
  });

  it("formats as Node's console does", () => {
    expect(format(["%s is %d", "six", 6, { a: [1, { b: 2 }] }])).toBe("six is 6 { a: [ 1, { b: 2 } ] }");
    expect(format([[new Map([["k", null]]), "it's", -0, 5n]])).toBe("[ Map(1) { 'k' => null }, \"it's\", -0, 5n ]");
  });
});

describe("componentize: promises", () => {
  const make = () => {
    const jobs = new Jobs();
    const unhandled = new Set<object>();
    const rejections = {
      add: (promise: object) => void unhandled.add(promise),
      remove: (promise: object) => void unhandled.delete(promise),
    };
    return { jobs, unhandled, Own: createPromiseClass(jobs, rejections) };
  };

  it("settles in the order of the language", () => {
    const { jobs, Own } = make();
    const seen: string[] = [];
    const say = (text: string) => () => void seen.push(text);
    void Own.resolve(Own.resolve()).then(say("resolved")).then(say("then"));
    void new Own<void>((resolve) => resolve(Own.resolve())).then(say("thenable"));
    void Own.reject(new TypeError("no")).catch(say("caught")).finally(say("finally"));
    jobs.drain();
    expect(seen).toEqual(["resolved", "caught", "then", "finally", "thenable"]);
  });

  it("combines, and knows what nobody has caught", () => {
    const { jobs, unhandled, Own } = make();
    const results: unknown[] = [];
    const keep = (value: unknown) => void results.push(value);
    void Own.all([1, Own.resolve(2)]).then(keep);
    void Own.any([Own.reject(1), Own.resolve("any")]).then(keep);
    void Own.allSettled([Own.reject("r"), 3]).then(keep);
    void Own.race([new Own(() => {}), Own.resolve("race")]).then(keep);
    const lost = Own.reject(new TypeError("lost"));
    jobs.drain();
    expect(results).toEqual(
      expect.arrayContaining([
        [1, 2],
        "any",
        "race",
        [
          { status: "rejected", reason: "r" },
          { status: "fulfilled", value: 3 },
        ],
      ]),
    );
    expect([...unhandled]).toEqual([lost]);
  });
});
