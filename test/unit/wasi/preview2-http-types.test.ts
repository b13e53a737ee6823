/** `wasi:http/types`: fields, messages and bodies, as a component uses them. */

import { describe, expect, test } from "vitest";
import { errorCode, HttpError } from "../../../src/engine/wasi/preview2/http-error-code.guest.ts";
import { IncomingBody, type IncomingContent } from "../../../src/engine/wasi/preview2/incoming-body.guest.ts";
import { IncomingRequest } from "../../../src/engine/wasi/preview2/incoming-messages.guest.ts";
import { IoError } from "../../../src/engine/wasi/preview2/io-error.guest.ts";
import { OutgoingBody } from "../../../src/engine/wasi/preview2/outgoing-body.guest.ts";
import { bad, createLab, drop, good, isSettled, readBody, settle, text, utf8, valOf } from "./preview2-support.ts";

const { call } = createLab();
const http = (name: string, ...args: unknown[]) => call("wasi:http/types", name, ...args);
const STREAMS = "wasi:io/streams";
const OK = { tag: "ok", val: undefined };
const FAILED = { tag: "err", val: undefined };

type Entry = readonly [string, string];

const toEntries = (entries: readonly Entry[]) => entries.map(([name, value]) => [name, utf8(value)]);
const newFields = (...entries: Entry[]) => good(http("[static]fields.from-list", toEntries(entries)));
const listOf = (fields: unknown) =>
  (http("[method]fields.entries", fields) as [string, Uint8Array][]).map(([name, value]) => [name, text(value)]);
const valuesOf = (fields: unknown, name: string) =>
  (http("[method]fields.get", fields, name) as Uint8Array[]).map(text);

describe("fields", () => {
  test("are found whatever the case, and keep case and order", () => {
    const fields = newFields(["X-One", "1"], ["b", "2"], ["x-one", "3"]);
    expect(listOf(fields)).toEqual([
      ["X-One", "1"],
      ["b", "2"],
      ["X-One", "3"],
    ]);
    expect(valuesOf(fields, "x-ONE")).toEqual(["1", "3"]);
    expect(http("[method]fields.has", fields, "B")).toBe(true);
  });

  test("are set, appended to and deleted", () => {
    const fields = http("[constructor]fields");
    expect(http("[method]fields.append", fields, "a", utf8("1"))).toEqual(OK);
    good(http("[method]fields.append", fields, "b", utf8("2")));
    good(http("[method]fields.set", fields, "A", [utf8("3"), utf8("4")]));
    expect(listOf(fields)).toEqual([
      ["A", "3"],
      ["A", "4"],
      ["b", "2"],
    ]);
    good(http("[method]fields.set", fields, "a", []));
    good(http("[method]fields.delete", fields, "B"));
    good(http("[method]fields.delete", fields, "none"));
    expect(listOf(fields)).toEqual([]);
    expect(valuesOf(fields, "a")).toEqual([]);
    good(http("[method]fields.append", fields, "empty", utf8("")));
    expect(valuesOf(fields, "empty")).toEqual([""]);
  });

  test("are cloned into fields of their own", () => {
    const fields = newFields(["a", "1"]);
    const copy = http("[method]fields.clone", fields);
    good(http("[method]fields.append", copy, "b", utf8("2")));
    expect(listOf(fields)).toEqual([["a", "1"]]);
    expect(listOf(copy)).toHaveLength(2);
  });

  test("hold any byte but control characters", () => {
    const fields = http("[constructor]fields");
    for (let byte = 0; byte < 256; byte++) {
      const result = http("[method]fields.append", fields, "a", new Uint8Array([byte]));
      const isValid = byte === 9 || (byte >= 32 && byte !== 127);
      expect(result).toMatchObject({ tag: isValid ? "ok" : "err" });
    }
    const values = http("[method]fields.get", fields, "a") as Uint8Array[];
    expect(values.at(-1)).toEqual(Buffer.from([255]));
  });

  test.each(["", "voilà", "hey ho", " ", "(what)", "[x]", "{x}", '"x"', "a:b", "a\n"])(
    "refuse %j as a name, and do not have it",
    (name) => {
      const fields = http("[constructor]fields");
      expect(http("[method]fields.has", fields, name)).toBe(false);
      expect(valuesOf(fields, name)).toEqual([]);
      const refusal = { tag: "invalid-syntax" };
      expect(bad(http("[method]fields.set", fields, name, [utf8("x")]))).toMatchObject(refusal);
      expect(bad(http("[method]fields.append", fields, name, utf8("x")))).toMatchObject(refusal);
      expect(bad(http("[method]fields.delete", fields, name))).toMatchObject(refusal);
      expect(bad(http("[static]fields.from-list", [[name, utf8("x")]]))).toMatchObject(refusal);
    },
  );

  test.each(["a\nb", "a\rb", "a\0"])("refuse %j as a value", (value) => {
    const fields = newFields(["a", "1"]);
    expect(bad(http("[method]fields.set", fields, "a", [utf8("2"), utf8(value)]))).toMatchObject({
      tag: "invalid-syntax",
    });
    expect(bad(http("[static]fields.from-list", [["a", utf8(value)]]))).toMatchObject({ tag: "invalid-syntax" });
    expect(listOf(fields)).toEqual([["a", "1"]]);
  });

  test.each(["", "+5", "-5", " 5", "1e3", "99999999999999999999"])("refuse the content-length %j", (value) => {
    expect(bad(http("[static]fields.from-list", [["Content-Length", utf8(value)]]))).toMatchObject({
      tag: "invalid-syntax",
    });
  });

  test.each([
    "connection",
    "Keep-Alive",
    "proxy-authenticate",
    "proxy-authorization",
    "Proxy-Connection",
    "TRANSFER-ENCODING",
    "upgrade",
    "http2-settings",
    "Host",
  ])("forbid %s", (name) => {
    const fields = http("[constructor]fields");
    const refusal = { tag: "forbidden" };
    expect(bad(http("[method]fields.append", fields, name, utf8("x")))).toMatchObject(refusal);
    expect(bad(http("[method]fields.set", fields, name, []))).toMatchObject(refusal);
    expect(bad(http("[static]fields.from-list", [[name, utf8("x")]]))).toMatchObject(refusal);
  });

  test("of a message are immutable, and their clone is not", () => {
    const headers = newFields(["a", "1"]);
    const request = http("[constructor]outgoing-request", headers);
    for (const fields of [headers, http("[method]outgoing-request.headers", request)]) {
      const refusal = { tag: "immutable" };
      expect(bad(http("[method]fields.set", fields, "a", []))).toMatchObject(refusal);
      expect(bad(http("[method]fields.append", fields, "a", utf8("x")))).toMatchObject(refusal);
      expect(bad(http("[method]fields.delete", fields, "a"))).toMatchObject(refusal);
      good(http("[method]fields.append", http("[method]fields.clone", fields), "a", utf8("x")));
    }
  });

  test.each([
    ["long", utf8("x".repeat(1000))],
    ["empty", utf8("")],
  ])("end a guest that fills them without end with %s values", (_, value) => {
    const fields = http("[constructor]fields");
    expect(() => {
      for (;;) http("[method]fields.append", fields, "a", value);
    }).toThrow(WebAssembly.RuntimeError);
  });
});

describe("incoming-request", () => {
  const newRequest = (
    head: { method?: string; url?: string; headers?: string[] },
    content: IncomingContent = { body: null },
  ) => new IncomingRequest({ method: "GET", url: "http://example.com/", headers: [], ...head }, content);
  const get = (request: unknown, name: string) => http(`[method]incoming-request.${name}`, request);

  test.each([
    ["GET", { tag: "get", val: undefined }],
    ["PATCH", { tag: "patch", val: undefined }],
    ["BREW", { tag: "other", val: "BREW" }],
    ["get", { tag: "other", val: "get" }],
  ])("has the method %s", (method, expected) => {
    expect(get(newRequest({ method }), "method")).toEqual(expected);
  });

  test.each([
    ["http://example.com:8080/a/b?c=d&e", "HTTP", "example.com:8080", "/a/b?c=d&e"],
    ["https://example.com", "HTTPS", "example.com", "/"],
    ["https://[::1]:80?x=/y", "HTTPS", "[::1]:80", "/?x=/y"],
  ])("takes %s apart", (url, scheme, authority, path) => {
    const request = newRequest({ url });
    expect(get(request, "scheme")).toEqual({ tag: scheme, val: undefined });
    expect(get(request, "authority")).toBe(authority);
    expect(get(request, "path-with-query")).toBe(path);
  });

  test("has its headers, without those of the connection, and for reading only", () => {
    const headers = get(newRequest({ headers: ["host", "example.com", "connection", "close", "x-a", "é"] }), "headers");
    expect((http("[method]fields.entries", headers) as [string, Uint8Array][])[1]?.[1]).toEqual(Buffer.from([0xe9]));
    expect(http("[method]fields.has", headers, "connection")).toBe(false);
    expect(bad(http("[method]fields.delete", headers, "x-a"))).toMatchObject({ tag: "immutable" });
  });

  test("gives its body once, and the body its stream once", () => {
    const request = newRequest({}, { body: utf8("hello") });
    const body = good(get(request, "consume"));
    expect(get(request, "consume")).toEqual(FAILED);
    const stream = good(http("[method]incoming-body.stream", body));
    expect(http("[method]incoming-body.stream", body)).toEqual(FAILED);
    expect(text(good(call(STREAMS, "[method]input-stream.blocking-read", stream, 99n)))).toBe("hello");
  });

  test("ends a body that nobody wants", async () => {
    const cancelled: unknown[] = [];
    const content = () => ({
      body: new ReadableStream<Uint8Array>({ cancel: (reason) => void cancelled.push(reason) }),
    });
    drop(newRequest({}, content()));
    const consumed = newRequest({}, content());
    const body = good(get(consumed, "consume"));
    drop(consumed);
    expect(cancelled).toHaveLength(1);
    drop(body);
    await settle();
    expect(cancelled).toHaveLength(2);
  });
});

describe("incoming-body", () => {
  const trailersOf = async (body: unknown) => {
    const future = http("[static]incoming-body.finish", body);
    await call("wasi:io/poll", "[method]pollable.block", http("[method]future-trailers.subscribe", future));
    return { future, result: good(http("[method]future-trailers.get", future)) };
  };

  test("may not be dropped or finished while its stream is alive", () => {
    for (const end of [drop, (body: unknown) => http("[static]incoming-body.finish", body)]) {
      const body = new IncomingBody({ body: utf8("x") });
      const stream = good(http("[method]incoming-body.stream", body));
      expect(() => end(body)).toThrow(WebAssembly.RuntimeError);
      drop(stream);
      end(body);
    }
  });

  test("has no trailers unless some come", async () => {
    const { future, result } = await trailersOf(new IncomingBody({ body: null }));
    expect(result).toEqual(OK);
    expect(http("[method]future-trailers.get", future)).toEqual(FAILED);
  });

  test("is read to its end before the trailers are there", async () => {
    const trailers = Promise.withResolvers<string[]>();
    const body = new IncomingBody({
      body: ReadableStream.from([utf8("a"), utf8("b")]),
      trailers: trailers.promise,
    });
    const stream = good(http("[method]incoming-body.stream", body));
    expect(text(good(await call(STREAMS, "[method]input-stream.blocking-read", stream, 9n)))).toBe("a");
    drop(stream);
    const future = http("[static]incoming-body.finish", body);
    expect(http("[method]future-trailers.get", future)).toBeUndefined();
    await settle();
    expect(http("[method]future-trailers.get", future)).toBeUndefined();
    trailers.resolve(["x-sum", "1"]);
    await settle();
    const fields = valOf(good(http("[method]future-trailers.get", future)));
    expect(listOf(fields)).toEqual([["x-sum", "1"]]);
    expect(bad(http("[method]fields.delete", fields, "x-sum"))).toMatchObject({ tag: "immutable" });
  });

  test.each<[unknown, unknown]>([
    [new HttpError(errorCode("connection-terminated")), { tag: "connection-terminated", val: undefined }],
    [new TypeError("broken"), { tag: "internal-error", val: "broken" }],
  ])("that fails gives no trailers but the code", async (cause, code) => {
    const failing = () =>
      new ReadableStream<Uint8Array>({
        pull: (controller) => controller.error(cause),
      });
    const { result } = await trailersOf(new IncomingBody({ body: failing() }));
    expect(result).toEqual({ tag: "err", val: code });
    const stream = good(new IncomingBody({ body: failing() }).stream());
    const failure = bad(await call(STREAMS, "[method]input-stream.blocking-read", stream, 1n));
    expect(failure).toMatchObject({ tag: "last-operation-failed" });
    const found = http("http-error-code", valOf(failure));
    expect(found).toEqual(cause instanceof HttpError ? code : undefined);
  });
});

describe("outgoing-request", () => {
  const newRequest = (...entries: Entry[]) => http("[constructor]outgoing-request", newFields(...entries));
  const set = (request: unknown, name: string, value: unknown) =>
    http(`[method]outgoing-request.set-${name}`, request, value);
  const get = (request: unknown, name: string) => http(`[method]outgoing-request.${name}`, request);
  const some = (tag: string, val?: string) => ({ tag, val });

  test("is a GET of nothing at first", () => {
    const request = newRequest();
    expect(get(request, "method")).toEqual(some("get"));
    for (const name of ["path-with-query", "scheme", "authority"]) expect(get(request, name)).toBeUndefined();
  });

  test.each([
    ["method", some("post"), some("post")],
    ["method", some("other", "coucou"), some("other", "coucou")],
    ["method", some("other", "PUT"), some("put")],
    ["scheme", some("HTTPS"), some("HTTPS")],
    ["scheme", some("other", "http"), some("HTTP")],
    ["scheme", some("other", "git+ssh"), some("other", "git+ssh")],
    ["scheme", undefined, undefined],
    ["path-with-query", "/a/../b?c=d", "/a/../b?c=d"],
    ["path-with-query", "", "/"],
    ["path-with-query", "../..", "../.."],
    ["path-with-query", "/ünï", "/ünï"],
    ["path-with-query", undefined, undefined],
    ["authority", "user:pass%20@example.com:80", "user:pass%20@example.com:80"],
    ["authority", "[2001:db8::1]:8080", "[2001:db8::1]:8080"],
    ["authority", "127.0.0.1", "127.0.0.1"],
    ["authority", undefined, undefined],
  ])("takes the %s %j", (name, value, expected) => {
    const request = newRequest();
    expect(set(request, name, value)).toEqual(OK);
    expect(get(request, name)).toEqual(expected);
  });

  test.each<readonly [string, unknown]>([
    ["method", some("other", "")],
    ["method", some("other", "G T")],
    ["scheme", some("other", "")],
    ["scheme", some("other", "1a")],
    ["scheme", some("other", "a b")],
    ["path-with-query", "/a b"],
    ["path-with-query", "/a\n"],
    ["path-with-query", "/a#b"],
    ["path-with-query", "/<"],
    ...["::", ":@", "@@", "@:", " ", "", "#", "a:what", "a:", "a:65536", "a/b", "[::1]:x"].map(
      (each) => ["authority", each] as const,
    ),
  ])("refuses the %s %j", (name, value) => {
    const request = newRequest();
    expect(set(request, name, value)).toEqual(FAILED);
  });

  test("gives its body once, and none when its length is no number", () => {
    const request = newRequest();
    good(get(request, "body"));
    expect(get(request, "body")).toEqual(FAILED);
    expect(get(newRequest(["content-length", "1"], ["content-length", "2"]), "body")).toEqual(FAILED);
  });
});

test("request-options keep their times", () => {
  const options = http("[constructor]request-options");
  for (const name of ["connect-timeout", "first-byte-timeout", "between-bytes-timeout"]) {
    expect(http(`[method]request-options.${name}`, options)).toBeUndefined();
    expect(http(`[method]request-options.set-${name}`, options, 5n)).toEqual(OK);
    expect(http(`[method]request-options.${name}`, options)).toBe(5n);
    good(http(`[method]request-options.set-${name}`, options, undefined));
    expect(http(`[method]request-options.${name}`, options)).toBeUndefined();
  }
});

test("an outgoing-response has a status, which is 200 at first", () => {
  const response = http("[constructor]outgoing-response", newFields(["a", "1"]));
  const status = () => http("[method]outgoing-response.status-code", response);
  expect(status()).toBe(200);
  good(http("[method]outgoing-response.set-status-code", response, 404));
  for (const wrong of [0, 99, 1000]) {
    expect(http("[method]outgoing-response.set-status-code", response, wrong)).toEqual(FAILED);
  }
  expect(status()).toBe(404);
  expect(listOf(http("[method]outgoing-response.headers", response))).toEqual([["a", "1"]]);
  good(http("[method]outgoing-response.body", response));
  expect(http("[method]outgoing-response.body", response)).toEqual(FAILED);
});

describe("outgoing-body", () => {
  const write = (body: unknown, content: string) => {
    const stream = good(http("[method]outgoing-body.write", body));
    const result = call(STREAMS, "[method]output-stream.blocking-write-and-flush", stream, utf8(content));
    drop(stream);
    return result;
  };
  const finish = (body: unknown, trailers?: unknown) => http("[static]outgoing-body.finish", body, trailers);

  test("that is finished before anyone reads is one piece", async () => {
    const body = new OutgoingBody("response", undefined);
    good(write(body, "hello"));
    expect(http("[method]outgoing-body.write", body)).toEqual(FAILED);
    expect(finish(body, newFields(["X-Sum", "1"]))).toEqual(OK);
    expect(body.pipe.toBody()).toEqual(utf8("hello"));
    expect(await body.trailers).toEqual(["x-sum", "1"]);
  });

  test("may not be dropped or finished while its stream is alive", () => {
    for (const end of [drop, finish]) {
      const body = new OutgoingBody("response", undefined);
      const stream = good(http("[method]outgoing-body.write", body));
      expect(() => end(body)).toThrow(WebAssembly.RuntimeError);
      drop(stream);
      end(body);
    }
  });

  test("that is dropped before it is finished fails for its reader", async () => {
    const body = new OutgoingBody("response", undefined);
    write(body, "hello");
    drop(body);
    await expect(readBody(body.pipe.toBody())).rejects.toMatchObject({ code: { tag: "HTTP-protocol-error" } });
    expect(await body.trailers).toBeUndefined();
  });

  test.each([
    ["request", "HTTP-request-body-size"],
    ["response", "HTTP-response-body-size"],
  ] as const)("of a %s has the length that was promised, or fails with %s", async (owner, tag) => {
    const right = new OutgoingBody(owner, 5n);
    good(write(right, "hello"));
    expect(finish(right)).toEqual(OK);

    const short = new OutgoingBody(owner, 5n);
    good(write(short, "hel"));
    expect(finish(short)).toEqual({ tag: "err", val: { tag, val: 3n } });
    await expect(readBody(short.pipe.toBody())).rejects.toMatchObject({ code: { tag, val: 3n } });

    const long = new OutgoingBody(owner, 5n);
    const failure = bad(write(long, "hello!"));
    expect(http("http-error-code", valOf(failure))).toEqual({ tag, val: 6n });
    expect(finish(long)).toEqual({ tag: "err", val: { tag, val: 6n } });
  });

  test("waits for its reader, and goes on when there is room", async () => {
    const body = new OutgoingBody("response", undefined);
    const stream = good(http("[method]outgoing-body.write", body));
    const reader = new Response(body.pipe.toBody() as ReadableStream<Uint8Array<ArrayBuffer>>).body?.getReader();
    good(call(STREAMS, "[method]output-stream.write", stream, new Uint8Array(65_536)));
    expect(good(call(STREAMS, "[method]output-stream.check-write", stream))).toBe(0n);
    const waiting = call(STREAMS, "[method]output-stream.blocking-write-and-flush", stream, utf8("more"));
    expect((await reader?.read())?.value).toHaveLength(65_536);
    good(await waiting);
    drop(stream);
    good(finish(body));
    expect(text((await reader?.read())?.value)).toBe("more");
    expect((await reader?.read())?.done).toBe(true);
  });

  test("that is finished while its reader is slow still arrives whole", async () => {
    const body = new OutgoingBody("response", undefined);
    const stream = good(http("[method]outgoing-body.write", body));
    const read = body.pipe.toBody();
    good(call(STREAMS, "[method]output-stream.write", stream, new Uint8Array(65_536)));
    await settle();
    drop(stream);
    good(finish(body));
    expect(await readBody(read)).toHaveLength(65_536);
  });

  test("closes its stream when its reader leaves", async () => {
    const body = new OutgoingBody("response", undefined);
    const stream = good(http("[method]outgoing-body.write", body));
    const read = body.pipe.toBody() as ReadableStream<Uint8Array>;
    good(call(STREAMS, "[method]output-stream.write", stream, new Uint8Array(65_536)));
    const waiting = call(STREAMS, "[method]output-stream.blocking-flush", stream);
    expect(await isSettled(waiting)).toBe(false);
    await read.cancel();
    await waiting;
    expect(bad(call(STREAMS, "[method]output-stream.write", stream, utf8("x")))).toMatchObject({ tag: "closed" });
    drop(stream);
    drop(body);
  });
});

test("http-error-code knows only errors of HTTP", () => {
  expect(http("http-error-code", new IoError(new HttpError(errorCode("loop-detected"))))).toEqual({
    tag: "loop-detected",
    val: undefined,
  });
  expect(http("http-error-code", new IoError(new TypeError("x")))).toBeUndefined();
});
