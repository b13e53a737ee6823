/**
 * The data port before functions that are closures: what HTTP brings comes through unharmed, what it must not bring
 * is refused, and connections end when and as they should.
 */

import { afterEach, describe, expect, test } from "vitest";
import { NebulaError } from "../../src/model/errors.ts";
import type { Answer, Call } from "../../src/model/exchange.ts";
import { MIB } from "../../src/model/units.ts";
import { bytesOf, createFeed, until } from "../support/capabilities.ts";
import { openTestGateway, type TestGateway, type TestGatewayOptions } from "../support/gateway.ts";
import { openRaw } from "../support/raw-http.ts";

const HOST = "Host: a.test\r\n";
const get = (target = "/", headers = "") => `GET ${target} HTTP/1.1\r\n${HOST}${headers}\r\n`;
const post = (headers: string, body = "") => `POST / HTTP/1.1\r\n${HOST}${headers}\r\n${body}`;
const text = (body: string, headers: readonly string[] = []): Answer => ({
  head: { status: 200, headers },
  body: Buffer.from(body),
});
const streamed = (body: ReadableStream<Uint8Array>): Answer => ({ head: { status: 200, headers: [] }, body });

let gateway: TestGateway;
const open = async (options: TestGatewayOptions = {}) => {
  gateway = await openTestGateway(options);
  return await openRaw(gateway.url);
};
const ask = async (request: string, options: TestGatewayOptions = {}) => {
  await using connection = await open(options);
  connection.send(request);
  return await connection.next(request.slice(0, request.indexOf(" ")));
};
afterEach(() => gateway[Symbol.asyncDispose]());

describe("a connection", () => {
  test("serves one request after the other, and several sent at once in their order", async () => {
    const first = Promise.withResolvers<void>();
    const answer = async ({ head }: Call) => {
      if (head.url.endsWith("/1")) await first.promise;
      else first.resolve();
      return text(head.url);
    };
    await using connection = await open({ answer });
    connection.send(get("/1") + get("/2") + get("/3"));
    for (const path of ["/1", "/2", "/3"]) expect((await connection.next()).body).toBe(`http://a.test${path}`);
    connection.send(get("/4"));
    expect((await connection.next()).body).toBe("http://a.test/4");
    expect(connection.isClosed).toBe(false);
  });

  test("is closed after a request that asks for it, and what follows is dropped", async () => {
    await using connection = await open();
    connection.send(`${get("/", "Connection: close\r\n")}${get("/never")}`);
    const answer = await connection.next();
    await connection.closed();
    expect(answer.header("connection")).toBe("close");
    expect(connection.received.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
    expect(gateway.seen.map(({ head }) => head.url)).toEqual(["http://a.test/"]);
  });

  test("is closed after a request of HTTP/1.0, whose answer has no chunks", async () => {
    await using connection = await open({
      answer: () => streamed(new Blob(["one", "two"]).stream()),
    });
    connection.send(`GET / HTTP/1.0\r\n${HOST}\r\n`);
    await connection.closed();
    const answer = await connection.next();
    expect(answer.header("transfer-encoding")).toBeUndefined();
    expect(answer.body).toBe("onetwo");
  });

  test("goes on as HTTP/1.1 when an upgrade is asked for that nobody supports", async () => {
    await using connection = await open();
    connection.send(get("/1", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"));
    expect(await connection.next()).toMatchObject({ status: 200 });
    connection.send(get("/2"));
    expect((await connection.next()).body).toBe("GET http://a.test/2 ");
    expect(gateway.seen[0]?.head.headers).not.toContain("upgrade");
  });

  test("survives a request body that nobody reads", async () => {
    const answer = async ({ head, body }: Call) => {
      if (body instanceof ReadableStream) await body.cancel();
      return text(head.method);
    };
    await using connection = await open({ answer });
    connection.send(post("Content-Length: 200000\r\n", "x".repeat(200_000)));
    expect((await connection.next()).body).toBe("POST");
    connection.send(get());
    expect((await connection.next()).body).toBe("GET");
  });

  test("is closed when a body that nobody reads does not end", async () => {
    await using connection = await open({ answer: () => text("early"), timeouts: { lingerMs: 30 } });
    connection.send(post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n"));
    expect((await connection.next()).body).toBe("early");
    await connection.closed();
  });
});

describe("a request", () => {
  const TARGETS: readonly (readonly [target: string, url: string])[] = [
    ["/a%2Fb%20c?x=%26&y=+", "http://a.test/a%2Fb%20c?x=%26&y=+"],
    ["/a?b?c=%zz&&=", "http://a.test/a?b?c=%zz&&="],
    ["//a//b", "http://a.test//a//b"],
    ["/%252e%252e/x", "http://a.test/%252e%252e/x"],
    ["/x/../admin", "http://a.test/admin"],
    ["/x/./y", "http://a.test/x/y"],
    ["/x/%2e%2E/admin", "http://a.test/admin"],
    ["/x\\..\\admin", "http://a.test/admin"],
    ["/../../admin?a=../b", "http://a.test/admin?a=../b"],
    ["http://b.test/x?y", "http://b.test/x?y"],
    ["HTTP://B.test", "http://b.test/"],
  ];
  test.for(TARGETS)("has its target come through: %s", async ([target, url]) => {
    await ask(get(target));
    expect(gateway.seen[0]?.head.url).toBe(url);
  });

  test("cannot reach another function's path in disguise", async () => {
    await using connection = await open({ routes: ["*/open/*"] });
    for (const target of ["/open/../admin", "/open/%2e%2e/admin", "/open\\..\\admin", "/admin"]) {
      connection.send(get(target));
      expect(await connection.next()).toMatchObject({ status: 404 });
    }
    expect(gateway.seen).toEqual([]);
  });

  test("reaches a function by its host name and by its path, which is taken off", async () => {
    await using connection = await open({ routes: [] });
    connection.send(`GET /x?y HTTP/1.1\r\nHost: GUEST.localhost:1\r\n\r\n${get("/fn/guest/x?y")}${get("/fn/guest")}`);
    expect((await connection.next()).body).toBe("GET http://GUEST.localhost:1/x?y ");
    expect((await connection.next()).body).toBe("GET http://a.test/x?y ");
    expect((await connection.next()).body).toBe("GET http://a.test/ ");
    connection.send(get("/fn/nobody/") + get("/fn/guest/../nobody"));
    for (let i = 0; i < 2; i += 1) {
      const answer = await connection.next();
      expect(JSON.parse(answer.body)).toMatchObject({ code: "NEBULA_ROUTE_NOT_FOUND", status: 404 });
    }
  });

  test("keeps its headers as they came, without those of the connection", async () => {
    const sent = "X-Twice: 1\r\nx-twice: 2\r\nCookie: a=1\r\nX-Bytes: \xff\r\nKeep-Alive: 1\r\nTE: trailers\r\n";
    const lies = "CF-Connecting-IP: 6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nProxy-Connection: x\r\n";
    await ask(get("/", sent + lies));
    expect(gateway.seen[0]?.head.headers).toEqual(
      ["host", "a.test", "x-twice", "1", "x-twice", "2", "cookie", "a=1", "x-bytes", "\xff"].concat([
        "cf-connecting-ip",
        "127.0.0.1",
      ]),
    );
  });

  test("takes no longer for a Connection header that is mostly space", async () => {
    const startedAtMs = performance.now();
    await ask(get("/", `Connection: a${" ".repeat(60_000)}b\r\n`));
    expect(performance.now() - startedAtMs).toBeLessThan(1_000);
  });

  test("loses the headers that it declares to be of its connection, but never its host", async () => {
    await ask(get("/", "Connection: keep-alive, X-Mine ,host\r\nX-Mine: 1\r\nX-Other: 2\r\n"));
    expect(gateway.seen[0]?.head.headers.slice(0, -2)).toEqual(["host", "a.test", "x-other", "2"]);
  });

  test("with an asterisk is OPTIONS of the root", async () => {
    const answer = await ask(`OPTIONS * HTTP/1.1\r\n${HOST}\r\n`);
    expect(answer.body).toBe("OPTIONS http://a.test/ ");
  });

  test("has its body told to continue only when somebody reads it", async () => {
    await using connection = await open({ limits: { requestBodyBytes: 10 } });
    connection.send(post("Expect: 100-continue\r\nContent-Length: 2\r\n"));
    expect(await connection.next()).toMatchObject({ status: 100 });
    connection.send("hi");
    expect((await connection.next()).body).toBe("POST http://a.test/ hi");
    expect(gateway.seen[0]?.head.headers).not.toContain("expect");
    connection.send(post("Expect: 100-continue\r\nContent-Length: 11\r\n"));
    expect(await connection.next()).toMatchObject({ status: 413 });
  });

  test("with an expectation that nobody knows is answered all the same", async () => {
    expect(await ask(get("/", "Expect: tea\r\n"))).toMatchObject({ status: 200 });
  });

  test("streams its body to the function while the answer streams back", async () => {
    const upper = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => controller.enqueue(Buffer.from(Buffer.from(chunk).toString().toUpperCase())),
    });
    const answer = ({ body }: Call) =>
      streamed(body instanceof ReadableStream ? body.pipeThrough(upper) : new ReadableStream());
    await using connection = await open({ answer });
    connection.send(post("Transfer-Encoding: chunked\r\n"));
    for (const word of ["one", "two"]) {
      connection.send(`3\r\n${word}\r\n`);
      await connection.until(word.toUpperCase());
    }
    connection.send("0\r\nX-Trailer: 1\r\n\r\n");
    expect((await connection.next()).body).toBe("ONETWO");
    await until("line", () => gateway.lines.length === 1);
    expect(gateway.lines[0]?.fields).toMatchObject({ bytesIn: 6, bytesOut: 6 });
  });
});

describe("what is too much", () => {
  const REFUSALS: readonly (readonly [what: string, request: string, status: number, code: string])[] = [
    ["a URL of 20 000 bytes", get(`/${"x".repeat(20_000)}`), 414, "NEBULA_URL_TOO_LONG"],
    ["headers of 200 000 bytes", get("/", `X-A: ${"x".repeat(200_000)}\r\n`), 431, "NEBULA_HEADERS_TOO_LARGE"],
    ["headers over the function's limit", get("/", `X-A: ${"x".repeat(2_000)}\r\n`), 431, "NEBULA_HEADERS_TOO_LARGE"],
    ["a declared body over the limit", post("Content-Length: 101\r\n"), 413, "NEBULA_BODY_TOO_LARGE"],
    [
      "a chunked body over the limit",
      post("Transfer-Encoding: chunked\r\n", `65\r\n${"x".repeat(101)}\r\n0\r\n\r\n`),
      413,
      "NEBULA_BODY_TOO_LARGE",
    ],
  ];
  test.for(REFUSALS)("is refused: %s", async ([, request, status, code]) => {
    const limits = { requestBodyBytes: 100, headerBytes: 1_000 };
    const answer = await ask(request, { limits, timeouts: { lingerMs: 20 } });
    expect(answer.status).toBe(status);
    expect(answer.header("content-type")).toBe("application/problem+json");
    expect(JSON.parse(answer.body)).toMatchObject({ code, status });
    expect(answer.header("server-timing")).toBeDefined();
    expect(JSON.parse(answer.body)).toMatchObject({ instance: answer.header("x-request-id") });
  });

  test("closes the connection when it was a body, and lets the client see why", async () => {
    await using connection = await open({ limits: { requestBodyBytes: MIB }, timeouts: { lingerMs: 5_000 } });
    connection.send(post(`Content-Length: ${4 * MIB}\r\n`));
    connection.send("x".repeat(4 * MIB));
    const answer = await connection.next();
    expect(answer).toMatchObject({ status: 413 });
    expect(answer.header("connection")).toBe("close");
    await connection.closed();
    expect(gateway.seen).toEqual([]);
  });

  test("is seen by the function as a body that fails", async () => {
    const read = Promise.withResolvers<unknown>();
    const answer = async ({ body }: Call) => {
      read.resolve(bytesOf(body).catch((error: unknown) => error));
      await read.promise;
      return text("read");
    };
    const sent = post("Transfer-Encoding: chunked\r\n", `b\r\n${"x".repeat(11)}\r\n0\r\n\r\n`);
    expect(await ask(sent, { answer, limits: { requestBodyBytes: 10 } })).toMatchObject({ status: 413 });
    expect(await read.promise).toMatchObject({ code: "NEBULA_BODY_TOO_LARGE" });
  });
});

describe("a slow client", () => {
  test("is refused when its head does not come in time", async () => {
    await using connection = await open({ timeouts: { headersMs: 50, checkMs: 10, lingerMs: 20 } });
    connection.send("GET / HTTP/1.1\r\nHost: a");
    const answer = await connection.next();
    expect(JSON.parse(answer.body)).toMatchObject({ code: "NEBULA_REQUEST_TIMEOUT", status: 408 });
    await connection.closed();
  });

  test.for([
    ["whole", "Content-Length: 10\r\n", "hello"],
    ["streamed", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n"],
  ])("is refused when its body does not come in time: %s", async ([, headers = "", body = ""]) => {
    await using connection = await open({ timeouts: { headersMs: 50, requestMs: 60, checkMs: 10, lingerMs: 20 } });
    connection.send(post(headers, body));
    const answer = await connection.next();
    expect(JSON.parse(answer.body)).toMatchObject({ code: "NEBULA_REQUEST_TIMEOUT", status: 408 });
    await connection.closed();
    await until("line", () => gateway.lines.length === 1);
    expect(gateway.lines[0]?.fields).toMatchObject({ code: "NEBULA_REQUEST_TIMEOUT", outcome: "error" });
  });

  test("is cut off when it sends nothing at all, and when a connection stays unused", async () => {
    await using unused = await open({ timeouts: { headersMs: 40, keepAliveMs: 40, checkMs: 10, lingerMs: 20 } });
    await using idle = await openRaw(gateway.url);
    idle.send(get());
    await idle.next();
    await Promise.all([unused.closed(), idle.closed()]);
  });

  test("is waited for by its function, and not read for", async () => {
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          pulled += 1;
          controller.enqueue(Buffer.alloc(65_536));
          if (pulled === 1_000) controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    await using connection = await open({ answer: () => streamed(body), timeouts: { stalledMs: 100 } });
    connection.socket.pause();
    connection.send(get());
    await until("first chunk", () => pulled > 0);
    await until("cut", () => gateway.lines.length === 1);
    // What the kernel's buffers on both sides hold, and no more.
    expect(pulled).toBeLessThan(300);
    expect(gateway.lines[0]?.fields).toMatchObject({ code: "NEBULA_CLIENT_GONE" });
  });

  test("is not who is slow while its function works in silence", async () => {
    const answer = async () => {
      await new Promise((resolve) => setTimeout(resolve, 150));
      return text("late");
    };
    expect((await ask(get(), { answer, timeouts: { stalledMs: 30 } })).body).toBe("late");
  });
});

describe("a client that leaves", () => {
  test("before the answer begins aborts the request's signal, and gets a line of its own", async () => {
    const hold = Promise.withResolvers<Answer>();
    await using connection = await open({ answer: () => hold.promise });
    connection.send(get());
    await until("request", () => gateway.seen.length === 1);
    connection.socket.destroy();
    await until("abort", () => gateway.seen[0]?.signal.aborted === true);
    const feed = createFeed();
    hold.resolve(streamed(feed.stream));
    await feed.cancelled;
    await until("line", () => gateway.lines.length === 1);
    expect(gateway.lines[0]).toMatchObject({
      level: "debug",
      fields: { code: "NEBULA_CLIENT_GONE", outcome: "error" },
    });
  });

  test("while the answer streams cancels the body", async () => {
    const feed = createFeed();
    await using connection = await open({ answer: () => streamed(feed.stream) });
    connection.send(get());
    feed.push("first");
    await connection.until("first");
    connection.socket.destroy();
    await feed.cancelled;
    expect(gateway.seen[0]?.signal.aborted).toBe(true);
    await until("line", () => gateway.lines.length === 1);
    expect(gateway.lines[0]?.fields).toMatchObject({ code: "NEBULA_CLIENT_GONE", status: 200 });
  });

  test("while its request streams makes the body fail", async () => {
    const failure = Promise.withResolvers<unknown>();
    const answer = async ({ body }: Call) => {
      failure.resolve(await bytesOf(body).catch((error: unknown) => error));
      return text("never");
    };
    await using connection = await open({ answer });
    connection.send(post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n"));
    await until("request", () => gateway.seen.length === 1);
    connection.socket.destroy();
    expect(await failure.promise).toMatchObject({ code: "NEBULA_CLIENT_GONE" });
  });
});

describe("an answer", () => {
  test("leaves byte by byte as it comes", async () => {
    const feed = createFeed();
    await using connection = await open({ answer: () => streamed(feed.stream) });
    connection.send(get());
    feed.push("first");
    await connection.until("first");
    expect(connection.received).toContain("Transfer-Encoding: chunked\r\n");
    feed.push("last");
    feed.end();
    expect((await connection.next()).body).toBe("firstlast");
  });

  test("keeps each of its headers, also those that stand several times, but those of the connection", async () => {
    const headers = [
      "set-cookie",
      "a=1; Path=/",
      "set-cookie",
      "b=2",
      "x-a",
      "1",
      "connection",
      "x",
      "x-request-id",
      "me",
    ];
    const answer = await ask(get(), { answer: () => text("", [...headers, "x-nebula-engine", "mine"]) });
    expect(answer.headers.filter(([name]) => name === "set-cookie").map(([, value]) => value)).toEqual([
      "a=1; Path=/",
      "b=2",
    ]);
    expect(answer.header("connection")).toBe("keep-alive");
    expect(answer.header("x-request-id")).toBe("r0");
    expect(answer.header("x-nebula-engine")).toBe("isolate");
    expect(answer.header("server-timing")).toMatch(
      /^route;dur=[\d.]+, queue;dur=[\d.]+, start;desc="(?:cold|warm)";dur=[\d.]+, run;dur=[\d.]+$/,
    );
  });

  test("to HEAD has the head alone, and the length that GET would have", async () => {
    const answer = () => text("hello", ["content-length", "5"]);
    await using connection = await open({ answer });
    connection.send(`HEAD / HTTP/1.1\r\n${HOST}\r\n${get()}`);
    const head = await connection.next("HEAD");
    expect(head.header("content-length")).toBe("5");
    expect((await connection.next()).body).toBe("hello");
  });

  test.for([204, 304])("of status %s has no body", async (status) => {
    const answer = () => ({ head: { status, headers: [] }, body: Buffer.from("x") });
    await using connection = await open({ answer });
    connection.send(get() + get());
    for (let i = 0; i < 2; i += 1) expect(await connection.next()).toMatchObject({ status, body: "" });
  });

  test("that breaks off cuts the connection, so that nobody takes it for whole", async () => {
    const feed = createFeed();
    await using connection = await open({ answer: () => streamed(feed.stream) });
    connection.send(get());
    feed.push("part");
    await connection.until("part");
    feed.fail(new Error("broken"));
    await connection.closed();
    expect(connection.received).not.toContain("\r\n0\r\n");
    await until("line", () => gateway.lines.length === 1);
    expect(gateway.lines[0]?.fields).toMatchObject({ outcome: "error", code: "NEBULA_INTERNAL" });
  });

  test("that is shorter than it said cuts the connection", async () => {
    const answer = () => ({
      head: { status: 200, headers: ["content-length", "10"] },
      body: new Blob(["short"]).stream(),
    });
    await using connection = await open({ answer });
    connection.send(get());
    await connection.closed();
    expect(connection.received).toContain("short");
    await until("line", () => gateway.lines.length === 1);
    expect(gateway.lines[0]?.fields).toMatchObject({ code: "NEBULA_RESPONSE_INVALID" });
    expect(connection.received.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
  });

  test("whose head is no HTTP is a problem of the owner's", async () => {
    const answer = await ask(get(), { answer: () => text("", ["x-a", "1\r\nx-b: 2"]) });
    expect(JSON.parse(answer.body)).toMatchObject({ code: "NEBULA_RESPONSE_INVALID", status: 500 });
    expect(answer.header("x-b")).toBeUndefined();
  });

  test("shows what a function threw to nobody but its owner", async () => {
    const answer = () => {
      throw new Error("the secret");
    };
    expect((await ask(get(), { answer })).body).not.toContain("secret");
  });
});

describe("the log", () => {
  const KEYS = [
    "requestId",
    "method",
    "function",
    "deployment",
    "engine",
    "outcome",
    "status",
    "code",
    "startKind",
  ].concat(["queueMs", "startMs", "runMs", "totalMs", "bytesIn", "bytesOut"]);

  test("has one line per request with the same keys in the same order, and nothing that a client wrote", async () => {
    await using connection = await open({ routes: ["a.test/*"] });
    connection.send(get("/path?query", "X-A: header\r\n"));
    await connection.next();
    connection.send(`GET /path HTTP/1.1\r\nHost: b.test\r\n\r\n`);
    await connection.next();
    connection.send("garbage\r\n\r\n");
    await connection.closed();
    expect(gateway.lines.map(({ msg, fields }) => [msg, Object.keys(fields)])).toEqual(
      Array.from({ length: 3 }, () => ["request", KEYS]),
    );
    expect(JSON.stringify(gateway.lines)).not.toMatch(/path|query|header|b\.test/);
    expect(gateway.lines.map(({ fields }) => [fields.outcome, fields.code])).toEqual([
      ["ok", undefined],
      ["error", "NEBULA_ROUTE_NOT_FOUND"],
      ["error", "NEBULA_REQUEST_INVALID"],
    ]);
  });
});

describe("drain()", () => {
  test("finishes what is in flight, closes what is not, and takes nothing new", async () => {
    const feed = createFeed();
    await using streaming = await open({
      answer: ({ head }) => (head.url.endsWith("/s") ? streamed(feed.stream) : text("")),
    });
    await using unused = await openRaw(gateway.url);
    await using idle = await openRaw(gateway.url);
    idle.send(get());
    await idle.next();
    streaming.send(get("/s"));
    feed.push("first");
    await streaming.until("first");

    const drained = gateway.gateway.drain({ timeoutMs: 10_000 });
    await Promise.all([unused.closed(), idle.closed()]);
    await expect(openRaw(gateway.url)).rejects.toThrow("ECONNREFUSED");
    feed.push("last");
    feed.end();
    expect((await streaming.next()).body).toBe("firstlast");
    await streaming.closed();
    await drained;
  });

  test("tells the client of an answer that has not begun that its connection ends", async () => {
    const hold = Promise.withResolvers<Answer>();
    await using connection = await open({ answer: () => hold.promise });
    connection.send(get());
    await until("request", () => gateway.seen.length === 1);
    const drained = gateway.gateway.drain({ timeoutMs: 10_000 });
    hold.resolve(text("done"));
    const answer = await connection.next();
    expect(answer.body).toBe("done");
    expect(answer.header("connection")).toBe("close");
    await drained;
  });

  test("closes what has not finished in time", async () => {
    const feed = createFeed();
    await using connection = await open({ answer: () => streamed(feed.stream) });
    connection.send(get());
    feed.push("first");
    await connection.until("first");
    await gateway.gateway.drain({ timeoutMs: 20 });
    await connection.closed();
    await feed.cancelled;
  });
});

describe("trailers", () => {
  const CHUNKED = "Transfer-Encoding: chunked\r\n";
  const withTrailers = (
    body: Answer["body"],
    trailers: Answer["trailers"],
    headers: readonly string[] = [],
  ): Answer => ({
    head: { status: 200, headers },
    body,
    trailers,
  });
  const raw = async (request: string, answer: () => Answer) => {
    await using connection = await open({ answer });
    connection.send(request);
    await until(
      "the answer",
      () => connection.isClosed || /\r\n(0\r\n(.+\r\n)*\r\n|\r\nwhole)$/.test(connection.received),
    );
    return connection.received;
  };
  const bodies = { whole: () => Buffer.from("whole"), streamed: () => ReadableStream.from([Buffer.from("whole")]) };

  test.each(Object.entries(bodies))("of an answer that is %s come last", async (_, body) => {
    const answer = () => withTrailers(body(), Promise.resolve(["x-sum", "5", "host", "no"]));
    expect(await raw(get(), answer)).toMatch(/\r\n5\r\nwhole\r\n0\r\nx-sum: 5\r\n\r\n$/);
  });

  test("that are none leave a whole answer as it is", async () => {
    for (const trailers of [
      Promise.resolve(undefined),
      Promise.resolve([]),
      Promise.resolve(["content-length", "1"]),
    ]) {
      const received = await raw(get(), () => withTrailers(Buffer.from("whole"), trailers));
      expect(received).toContain("content-length: 5\r\n");
      expect(received).not.toContain("trailer");
    }
  });

  test("do not come behind a length that was promised", async () => {
    const answer = () =>
      withTrailers(bodies.streamed(), Promise.resolve(["x", "y"]), ["content-length", "5", "trailer", "x"]);
    const received = await raw(get(), answer);
    expect(received).toMatch(/\r\n\r\nwhole$/);
    expect(received).not.toContain("trailer");
  });

  test("that cannot be passed on cut the connection before the end", async () => {
    const failing = () => {
      const trailers = Promise.reject(new NebulaError("NEBULA_RESPONSE_INVALID", "no"));
      trailers.catch(() => {});
      return withTrailers(bodies.streamed(), trailers);
    };
    expect(await raw(get(), failing)).not.toMatch(/\r\n0\r\n/);
    await until("a line", () => gateway.lines.length > 0);
    expect(gateway.lines[0]?.fields.code).toBe("NEBULA_RESPONSE_INVALID");
  });

  test("that never come are not waited for when the client has left", async () => {
    await using connection = await open({ answer: () => withTrailers(bodies.streamed(), new Promise(() => {})) });
    connection.send(get());
    await connection.until("whole");
    connection.socket.destroy();
    await until("a line", () => gateway.lines.length > 0);
    expect(gateway.lines[0]?.fields.code).toBe("NEBULA_CLIENT_GONE");
  });

  test("of a request are known when its body has been read, and only those that may be", async () => {
    const seen: unknown[] = [];
    const answer = async ({ body, trailers }: Call) => {
      await bytesOf(body);
      seen.push(await trailers);
      return text("whole");
    };
    const send = (trailers: string) => ask(post(CHUNKED, `1\r\na\r\n0\r\n${trailers}\r\n`), { answer });
    await send("X-Sum: 1\r\nAuthorization: me\r\nX-Sum: 2\r\n");
    await gateway[Symbol.asyncDispose]();
    await send("");
    expect(seen).toEqual([["x-sum", "1", "x-sum", "2"], undefined]);
  });

  test("of a request that breaks off are none", async () => {
    const seen = Promise.withResolvers<unknown>();
    const answer = async ({ body, trailers }: Call) => {
      await bytesOf(body).catch(() => {});
      seen.resolve(await trailers);
      return text("whole");
    };
    await using connection = await open({ answer });
    connection.send(post(CHUNKED, "1\r\na\r\n"));
    await until("the call", () => gateway.seen.length > 0);
    connection.socket.destroy();
    expect(await seen.promise).toBeUndefined();
  });
});
