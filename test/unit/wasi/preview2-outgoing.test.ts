/** `wasi:http/outgoing-handler`: requests that a guest makes, with an HttpHost of the test's. */

import { describe, expect, test } from "vitest";
import { errorCode, HttpError } from "../../../src/engine/wasi/preview2/http-error-code.guest.ts";
import type {
  HttpHostAnswer,
  HttpHostOptions,
  HttpHostRequest,
} from "../../../src/engine/wasi/preview2/http-host.guest.ts";
import {
  bad,
  createLab,
  drop,
  good,
  isSettled,
  ManualSource,
  pause,
  readBody,
  settle,
  text,
  utf8,
  valOf,
} from "./preview2-support.ts";

const STREAMS = "wasi:io/streams";
const NO_OPTIONS = undefined;

interface Sent {
  readonly request: HttpHostRequest;
  readonly options: HttpHostOptions;
  readonly answer: PromiseWithResolvers<HttpHostAnswer>;
}

function createClient() {
  const sent: Sent[] = [];
  const lab = createLab({
    http: {
      send: (request, options) => {
        const answer = Promise.withResolvers<HttpHostAnswer>();
        options.signal.addEventListener("abort", () => answer.reject(options.signal.reason));
        sent.push({ request, options, answer });
        return answer.promise;
      },
    },
  });
  const http = (name: string, ...args: unknown[]) => lab.call("wasi:http/types", name, ...args);
  const create = (parts: Record<string, unknown> = {}, headers: [string, string][] = []) => {
    const entries = headers.map(([name, value]) => [name, utf8(value)]);
    const request = http("[constructor]outgoing-request", good(http("[static]fields.from-list", entries)));
    const all = {
      scheme: { tag: "HTTP", val: undefined },
      authority: "example.com",
      "path-with-query": "/a?b",
      ...parts,
    };
    for (const [name, value] of Object.entries(all)) good(http(`[method]outgoing-request.set-${name}`, request, value));
    return request;
  };
  const handle = (request: unknown, options: unknown = NO_OPTIONS) =>
    lab.call("wasi:http/outgoing-handler", "handle", request, options);
  const get = (future: unknown) => http("[method]future-incoming-response.get", future);
  const wait = async (future: unknown) => {
    await lab.call(
      "wasi:io/poll",
      "[method]pollable.block",
      http("[method]future-incoming-response.subscribe", future),
    );
    return good(get(future));
  };
  const limit = (name: string, ns: bigint) => {
    const options = http("[constructor]request-options");
    good(http(`[method]request-options.set-${name}`, options, ns));
    return options;
  };
  return { ...lab, sent, http, create, handle, get, wait, limit, send: () => pause(lab) };
}

describe("a request", () => {
  test("is sent as it was made, and its answer comes once", async () => {
    const { sent, http, create, handle, get, wait, call, send } = createClient();
    const method = { tag: "other", val: "BREW" };
    const future = good(handle(create({ method, authority: "example.com:81" }, [["X-A", "1"]])));
    expect(get(future)).toBeUndefined();
    await send();
    expect(sent[0]?.request).toEqual({
      method: "BREW",
      scheme: "http",
      authority: "example.com:81",
      pathWithQuery: "/a?b",
      headers: ["x-a", "1"],
      body: null,
      trailers: undefined,
    });
    sent[0]?.answer.resolve({ head: { status: 418, headers: ["x-b", "2"] }, body: utf8("short and stout") });
    const response = good(await wait(future));
    expect(get(future)).toEqual({ tag: "err", val: undefined });
    expect(http("[method]incoming-response.status", response)).toBe(418);
    expect(http("[method]fields.has", http("[method]incoming-response.headers", response), "X-B")).toBe(true);
    const body = good(http("[method]incoming-response.consume", response));
    expect(http("[method]incoming-response.consume", response)).toEqual({ tag: "err", val: undefined });
    const stream = good(http("[method]incoming-body.stream", body));
    expect(text(good(call(STREAMS, "[method]input-stream.blocking-read", stream, 99n)))).toBe("short and stout");
  });

  test("goes by HTTPS to the root when it says nothing else, or to a binding", async () => {
    const { sent, create, handle, send } = createClient();
    good(handle(create({ scheme: undefined, "path-with-query": undefined })));
    good(handle(create({ "path-with-query": "?q" })));
    good(handle(create({ scheme: { tag: "other", val: "nebula-binding" }, authority: "KV" })));
    await send();
    expect(sent.map(({ request }) => [request.scheme, request.pathWithQuery])).toEqual([
      ["https", "/"],
      ["http", "/?q"],
      ["nebula-binding", "/a?b"],
    ]);
  });

  test.each([
    [{ scheme: { tag: "other", val: "gopher" } }, "HTTP-protocol-error"],
    [{ authority: undefined }, "HTTP-request-URI-invalid"],
    [{ "path-with-query": "relative" }, "HTTP-request-URI-invalid"],
  ])("with %j is refused with %s", (parts, tag) => {
    const { create, handle } = createClient();
    expect(bad(handle(create(parts)))).toEqual({ tag, val: undefined });
  });

  test("is denied where there is no way out", () => {
    const { create } = createClient();
    const refusal = createLab().call("wasi:http/outgoing-handler", "handle", create(), undefined);
    expect(bad(refusal)).toEqual({ tag: "HTTP-request-denied", val: undefined });
  });

  test("carries a body that was written before the guest waits in one piece, with trailers", async () => {
    const { sent, http, create, handle, call, send } = createClient();
    const request = create({ method: { tag: "post", val: undefined } });
    const body = good(http("[method]outgoing-request.body", request));
    good(handle(request));
    const stream = good(http("[method]outgoing-body.write", body));
    good(call(STREAMS, "[method]output-stream.blocking-write-and-flush", stream, utf8("hello")));
    drop(stream);
    good(http("[static]outgoing-body.finish", body, good(http("[static]fields.from-list", [["x-t", utf8("1")]]))));
    await send();
    expect(sent[0]?.request.body).toEqual(utf8("hello"));
    expect(await sent[0]?.request.trailers).toEqual(["x-t", "1"]);
  });

  test("streams a body, and fails it when the guest drops it", async () => {
    const { sent, http, create, handle, call, send } = createClient();
    const request = create();
    const body = good(http("[method]outgoing-request.body", request));
    good(handle(request));
    await send();
    const stream = good(http("[method]outgoing-body.write", body));
    good(call(STREAMS, "[method]output-stream.blocking-write-and-flush", stream, utf8("hello")));
    drop(stream);
    const reading = readBody(sent[0]?.request.body ?? null);
    drop(body);
    await expect(reading).rejects.toMatchObject({ code: { tag: "HTTP-protocol-error" } });
  });

  test("that fails closes the body that was under way", async () => {
    const { sent, http, create, handle, call, send } = createClient();
    const request = create();
    const stream = good(http("[method]outgoing-body.write", good(http("[method]outgoing-request.body", request))));
    good(handle(request));
    await send();
    sent[0]?.answer.reject(new HttpError(errorCode("connection-refused")));
    await send();
    const refusal = bad(call(STREAMS, "[method]output-stream.write", stream, utf8("x")));
    expect(refusal).toMatchObject({ tag: "closed" });
  });

  test.each([
    [new HttpError(errorCode("HTTP-request-denied")), { tag: "HTTP-request-denied", val: undefined }],
    [new HttpError({ tag: "DNS-error", val: { rcode: "NXDOMAIN", infoCode: undefined } }), { tag: "DNS-error" }],
    [new TypeError("no such host"), { tag: "internal-error", val: "no such host" }],
    ["odd", { tag: "internal-error", val: "odd" }],
  ])("that fails with %s gives %j", async (thrown, code) => {
    const { sent, create, handle, wait, send } = createClient();
    const future = good(handle(create()));
    await send();
    sent[0]?.answer.reject(thrown);
    expect(bad(await wait(future))).toMatchObject(code);
  });

  test("fails where the host throws at once", async () => {
    const { create } = createClient();
    const lab = createLab({
      http: {
        send: () => {
          throw new HttpError(errorCode("loop-detected"));
        },
      },
    });
    const future = good(lab.call("wasi:http/outgoing-handler", "handle", create(), undefined));
    await pause(lab);
    const result = good(lab.call("wasi:http/types", "[method]future-incoming-response.get", future));
    expect(bad(result)).toEqual({ tag: "loop-detected", val: undefined });
  });
});

describe("times", () => {
  test("connect-timeout is handed to the host, in milliseconds", async () => {
    const { sent, create, handle, limit, send } = createClient();
    good(handle(create(), limit("connect-timeout", 1_500_000n)));
    await send();
    expect(sent[0]?.options.connectTimeoutMs).toBe(1.5);
  });

  test("first-byte-timeout ends a request whose head does not come", async () => {
    const { sent, create, handle, wait, limit, clock, send } = createClient();
    const future = good(handle(create(), limit("first-byte-timeout", 1000n)));
    await send();
    clock.advance(999n);
    await send();
    expect(sent[0]?.options.signal.aborted).toBe(false);
    clock.advance(1n);
    expect(bad(await wait(future))).toEqual({ tag: "connection-read-timeout", val: undefined });
    expect(sent[0]?.options.signal.aborted).toBe(true);
  });

  test("between-bytes-timeout ends a body that stops coming, and only that", async () => {
    const { sent, http, create, handle, wait, limit, clock, call, send } = createClient();
    const future = good(handle(create(), limit("between-bytes-timeout", 1000n)));
    await send();
    clock.advance(5000n);
    const { promise, resolve } = Promise.withResolvers<ReadableStreamDefaultController<Uint8Array>>();
    sent[0]?.answer.resolve({ head: { status: 200, headers: [] }, body: new ReadableStream({ start: resolve }) });
    const controller = await promise;
    const body = good(http("[method]incoming-response.consume", good(await wait(future))));
    const stream = good(http("[method]incoming-body.stream", body));
    const read = () => call(STREAMS, "[method]input-stream.blocking-read", stream, 9n);
    const first = read();
    clock.advance(900n);
    controller.enqueue(utf8("one"));
    expect(text(good(await first))).toBe("one");
    expect(clock.sleeping).toBe(0);
    const second = read();
    expect(await isSettled(second)).toBe(false);
    clock.advance(1000n);
    expect(http("http-error-code", valOf(bad(await second)))).toEqual({
      tag: "connection-read-timeout",
      val: undefined,
    });
  });
});

describe("what nobody waits for", () => {
  test("ends when its future is dropped, sent or not", async () => {
    const { sent, create, handle, send } = createClient();
    drop(good(handle(create())));
    const future = good(handle(create()));
    await send();
    expect(sent).toHaveLength(1);
    drop(future);
    expect(sent[0]?.options.signal.aborted).toBe(true);
  });

  test("ends with the instance, whose guest does not wake up again", async () => {
    const { sent, create, handle, get, preview2, send } = createClient();
    const future = good(handle(create()));
    await send();
    preview2.end();
    await settle();
    expect(sent[0]?.options.signal.aborted).toBe(true);
    expect(get(future)).toBeUndefined();
  });

  test("a body that is dropped is cancelled, one that was read is not", async () => {
    const { sent, http, create, handle, wait, call, send } = createClient();
    const open = async (body: HttpHostAnswer["body"]) => {
      const future = good(handle(create()));
      await send();
      sent.at(-1)?.answer.resolve({ head: { status: 200, headers: [] }, body });
      const response = good(await wait(future));
      drop(future);
      return response;
    };
    let cancelled = 0;
    const onCancel = () => {
      cancelled += 1;
    };
    drop(await open(new ReadableStream({ cancel: onCancel })));
    expect([cancelled, sent[0]?.options.signal.aborted]).toEqual([1, true]);

    const read = await open(ReadableStream.from([utf8("x")]));
    const body = good(http("[method]incoming-response.consume", read));
    const stream = good(http("[method]incoming-body.stream", body));
    good(await call(STREAMS, "[method]input-stream.blocking-read", stream, 9n));
    bad(await call(STREAMS, "[method]input-stream.blocking-read", stream, 9n));
    drop(stream);
    drop(body);
    expect(sent[1]?.options.signal.aborted).toBe(false);
  });

  test("trailers of an answer are given", async () => {
    const { sent, http, create, handle, wait, send } = createClient();
    const future = good(handle(create()));
    await send();
    const trailers = Promise.resolve(["x-t", "1"]);
    sent[0]?.answer.resolve({ head: { status: 200, headers: [] }, body: null, trailers });
    const body = good(http("[method]incoming-response.consume", good(await wait(future))));
    const coming = http("[static]incoming-body.finish", body);
    http("[method]future-trailers.get", coming);
    await send();
    const fields = good(good(http("[method]future-trailers.get", coming)));
    expect(http("[method]fields.has", fields, "X-T")).toBe(true);
  });
});

test("a source that is asked by two readers at once is asked once", async () => {
  const source = new ManualSource();
  const { call } = createLab({ stdin: source });
  const [one, other] = [0, 1].map(() => call("wasi:cli/stdin", "get-stdin"));
  const reading = [one, other].map((stream) => call(STREAMS, "[method]input-stream.blocking-read", stream, 1n));
  source.give("ab");
  expect((await Promise.all(reading)).map((result) => text(good(result)))).toEqual(["a", "b"]);
});

describe("what the host would not take", () => {
  test("is refused here: a long URL, a long method", async () => {
    const { sent, create, handle, send } = createClient();
    expect(bad(handle(create({ "path-with-query": `/${"a".repeat(70_000)}` })))).toEqual(
      errorCode("HTTP-request-URI-too-long"),
    );
    expect(bad(handle(create({ authority: "a".repeat(70_000) })))).toEqual(errorCode("HTTP-request-URI-too-long"));
    const method = { tag: "other", val: "A".repeat(33) };
    expect(bad(handle(create({ method })))).toEqual(errorCode("HTTP-request-method-invalid"));
    await send();
    expect(sent).toEqual([]);
  });

  test("is refused here: more than a thousand at once, until some are over", async () => {
    const { sent, create, handle, wait, send } = createClient();
    const futures = Array.from({ length: 1_000 }, () => good(handle(create())));
    expect(bad(handle(create()))).toEqual(errorCode("connection-limit-reached"));
    await send();
    expect(sent).toHaveLength(1_000);
    drop(futures[0]);
    drop(futures[0]);
    sent[1]?.answer.reject(new HttpError(errorCode("connection-refused")));
    expect(bad(await wait(futures[1]))).toEqual(errorCode("connection-refused"));
    good(handle(create()));
    good(handle(create()));
    expect(bad(handle(create()))).toEqual(errorCode("connection-limit-reached"));
  });
});

test("a body fails with what the host says its failure means", async () => {
  const { sent, create, handle, wait, http, send, call } = createClient();
  const future = good(handle(create()));
  await send();
  const body = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error("raw")) });
  const explain = () => new HttpError(errorCode("connection-read-timeout"));
  sent[0]?.answer.resolve({ head: { status: 200, headers: [] }, body, explain });
  const response = good(await wait(future));
  const incoming = good(http("[method]incoming-response.consume", response));
  const stream = good(http("[method]incoming-body.stream", incoming));
  await settle();
  const read = await call(STREAMS, "[method]input-stream.blocking-read", stream, 9n);
  const failure = valOf(bad(read));
  expect(http("http-error-code", failure)).toEqual(errorCode("connection-read-timeout"));
});
