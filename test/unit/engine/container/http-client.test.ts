/**
 * Requests to servers of the test: whole ones made with node:http, and sockets that say what no server should.
 */

import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createSocketServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { HttpAnswer } from "../../../../src/engine/container/exchange.ts";
import { type HttpClient, openHttpClient } from "../../../../src/engine/container/http-client.ts";
import type { Body, Call } from "../../../../src/model/exchange.ts";
import { DEFAULT_LIMITS, type Limits } from "../../../../src/model/function.ts";
import { type Clock, systemClock } from "../../../../src/model/ports.ts";
import { bytesOf } from "../../../support/capabilities.ts";
import { createFakeClock } from "../../../support/fake-clock.ts";

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

interface Lab {
  readonly client: HttpClient;
  /** Connections that were made. */
  readonly sockets: Socket[];
  fetch(call?: Partial<Asked>): Promise<HttpAnswer>;
  text(call?: Partial<Asked>): Promise<string>;
}

interface Asked extends Omit<Call, "head"> {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
  readonly basePath: string;
  readonly limits: Partial<Limits>;
}

/** A client before a server of the test. */
async function openLab(server: Server, clock: Clock = systemClock): Promise<Lab> {
  const sockets: Socket[] = [];
  server.on("connection", (socket: Socket) => void sockets.push(socket.on("error", () => {})));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const client = openHttpClient({ host: "127.0.0.1", port, clock });
  open.push({
    [Symbol.asyncDispose]: async () => {
      await client[Symbol.asyncDispose]();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  });
  const fetch: Lab["fetch"] = ({
    method = "GET",
    path = "/",
    headers = ["host", "hello.test"],
    basePath,
    limits,
    ...rest
  } = {}) =>
    client.fetch(
      {
        head: { method, url: `http://hello.test${path}`, headers, ...(basePath !== undefined && { basePath }) },
        body: null,
        signal: new AbortController().signal,
        ...rest,
      },
      { name: "hello", limits: { ...DEFAULT_LIMITS, ...limits } },
    );
  return { client, sockets, fetch, text: async (call) => textOf((await fetch(call)).body) };
}

const serve = (listener: RequestListener, clock?: Clock) => openLab(createServer(listener), clock);

/** A server that answers each request with these bytes, whatever it is. */
const say = (text: string, { isEnding = true }: { isEnding?: boolean } = {}) =>
  openLab(
    createSocketServer((socket) => {
      socket.on("data", () => (isEnding ? socket.end(text, "latin1") : socket.write(text, "latin1")));
    }),
  );

async function textOf(body: Body): Promise<string> {
  return (await bytesOf(body)).toString("latin1");
}

function streamOf(...chunks: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: (controller) => {
      for (const chunk of chunks) controller.enqueue(Buffer.from(chunk));
      controller.close();
    },
  });
}

/** Answers with what was asked. */
const tell: RequestListener = async (message, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  const { method, url, rawHeaders, rawTrailers } = message;
  response.end(
    JSON.stringify({
      method,
      url,
      headers: toObject(rawHeaders),
      trailers: rawTrailers,
      body: Buffer.concat(chunks).toString(),
    }),
  );
};

function toObject(list: readonly string[]): Record<string, string> {
  return Object.fromEntries(list.flatMap((name, i) => (i % 2 === 0 ? [[name.toLowerCase(), list[i + 1] ?? ""]] : [])));
}

/** Waits until a count has begun and does not change any more. */
async function standsStill(count: () => number): Promise<void> {
  const seen = [0, 0, 0];
  const isStill = () => {
    seen.push(count());
    return count() > 0 && new Set(seen.slice(-3)).size === 1;
  };
  await expect.poll(isStill, { interval: 50 }).toBe(true);
}

const nothing = (_message: IncomingMessage, _response: ServerResponse) => {};

describe("a request", () => {
  test("arrives with its method, its path with the query, its headers and its host", async () => {
    const { text } = await serve(tell);
    const headers = ["host", "hello.test:8787", "x-one", "1", "x-one", "2", "accept", "*/*"];
    const told = JSON.parse(await text({ method: "DELETE", path: "/a/b?c=d%20e", headers }));
    expect(told).toMatchObject({ method: "DELETE", url: "/a/b?c=d%20e", body: "" });
    expect(told.headers).toMatchObject({ host: "hello.test:8787", "x-one": "2", accept: "*/*" });
    expect(told.headers).not.toHaveProperty("transfer-encoding");
    expect(told.headers).not.toHaveProperty("content-length");
  });

  test("leaves behind what belongs to the client's connection", async () => {
    const { text } = await serve(tell);
    const also = ["connection", "x-too", "x-too", "1"];
    const headers = [
      "host",
      "a.test",
      "connection",
      "x-mine, close",
      ...also,
      "x-mine",
      "1",
      "keep-alive",
      "timeout=9",
    ];
    headers.push("te", "trailers", "expect", "100-continue", "proxy-authorization", "x", "transfer-encoding", "gzip");
    const told = JSON.parse(await text({ headers }));
    expect(Object.keys(told.headers).sort()).toEqual([
      "connection",
      "host",
      "x-forwarded-for",
      "x-forwarded-host",
      "x-forwarded-proto",
    ]);
    expect(told.headers.connection).toBe("keep-alive");
  });

  test("has the length of its bytes, whatever its headers say", async () => {
    const { text } = await serve(tell);
    const headers = ["host", "a.test", "content-length", "999"];
    const told = JSON.parse(await text({ method: "POST", body: Buffer.from("hello"), headers }));
    expect(told).toMatchObject({ body: "hello", headers: { "content-length": "5" } });
  });

  test("without a body says so where its method would have one", async () => {
    const { text } = await serve(tell);
    expect(JSON.parse(await text({ method: "POST" })).headers).toMatchObject({ "content-length": "0" });
  });

  test("with a stream is chunked, with trailers behind it", async () => {
    const { text } = await serve(tell);
    const trailers = Promise.resolve(["x-sum", "abc", "content-length", "1"]);
    const told = JSON.parse(await text({ method: "PUT", body: streamOf("one", "two"), trailers }));
    expect(told).toMatchObject({
      body: "onetwo",
      headers: { "transfer-encoding": "chunked" },
      trailers: ["x-sum", "abc"],
    });
  });

  test("with a stream of a declared length keeps that, and is held to it", async () => {
    const { text, fetch } = await serve(tell);
    const headers = ["host", "a.test", "content-length", "6"];
    const told = JSON.parse(await text({ method: "PUT", body: streamOf("one", "two"), headers }));
    expect(told).toMatchObject({ body: "onetwo", headers: { "content-length": "6" } });
    for (const body of [streamOf("one"), streamOf("one", "two", "three")]) {
      await expect(fetch({ method: "PUT", body, headers })).rejects.toMatchObject({ code: "NEBULA_REQUEST_INVALID" });
    }
  });

  test("is written no faster than the container reads", async () => {
    const { promise: isRead, resolve: read } = Promise.withResolvers<void>();
    const { fetch } = await serve(async (message, response) => {
      await isRead;
      message.resume().on("end", () => response.end("done"));
    });
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulled += 1;
        controller.enqueue(new Uint8Array(65_536));
        if (pulled === 1_000) controller.close();
      },
    });
    const answer = fetch({ method: "POST", body });
    await standsStill(() => pulled);
    expect(pulled).toBeLessThan(500);
    read();
    expect(await textOf((await answer).body)).toBe("done");
    expect(pulled).toBe(1_000);
  });

  test("whose body fails is not passed on as whole", async () => {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const { fetch } = await serve((message) => void message.resume().on("close", () => resolve(message.complete)));
    const body = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error("gone")) });
    await expect(fetch({ method: "POST", body })).rejects.toMatchObject({ code: "NEBULA_CLIENT_GONE" });
    // The head may not even have left.
    if (await Promise.race([promise, Promise.resolve(false)])) throw new Error("it was whole");
  });

  test("that Node cannot write is refused", async () => {
    const { fetch } = await serve(tell);
    await expect(fetch({ headers: ["x-one", "a\nb"] })).rejects.toMatchObject({ code: "NEBULA_REQUEST_INVALID" });
  });
});

describe("what a proxy tells", () => {
  const forwarded = async (headers: readonly string[], basePath?: string) => {
    const { text } = await serve(tell);
    const all = ["host", "hello.test", ...headers];
    const told = JSON.parse(await text({ headers: all, ...(basePath !== undefined && { basePath }) }));
    return Object.fromEntries(Object.entries(told.headers).filter(([name]) => name.includes("forwarded")));
  };

  test("is who asks, for which host, over what, and what stands before the path", async () => {
    expect(await forwarded(["cf-connecting-ip", "203.0.113.7"], "/fn/hello")).toEqual({
      "x-forwarded-for": "203.0.113.7",
      "x-forwarded-host": "hello.test",
      "x-forwarded-proto": "http",
      "x-forwarded-prefix": "/fn/hello",
    });
  });

  test("cannot be made up by a client", async () => {
    const lies = [
      "x-forwarded-for",
      "1.1.1.1",
      "x-forwarded-proto",
      "https",
      "x-forwarded-prefix",
      "/x",
      "forwarded",
      "x",
    ];
    expect(await forwarded([...lies, "cf-connecting-ip", "203.0.113.7"])).toEqual({
      "x-forwarded-for": "203.0.113.7",
      "x-forwarded-host": "hello.test",
      "x-forwarded-proto": "http",
    });
  });

  test("is added to what a proxy on this machine has told", async () => {
    const said = ["x-forwarded-for", "1.1.1.1", "x-forwarded-proto", "https", "x-forwarded-host", "a.example"];
    expect(await forwarded([...said, "cf-connecting-ip", "127.0.0.1"])).toEqual({
      "x-forwarded-for": "1.1.1.1, 127.0.0.1",
      "x-forwarded-host": "a.example",
      "x-forwarded-proto": "https",
    });
  });
});

describe("a response", () => {
  test("has its status, its headers in order and its body in one piece", async () => {
    const { fetch } = await serve((_message, response) => {
      response.writeHead(201, ["x-a", "1", "Set-Cookie", "a=1", "Set-Cookie", "b=2", "content-length", "5"]);
      response.write("hel");
      response.end("lo");
    });
    const { head, body, settled } = await fetch();
    expect(head.status).toBe(201);
    expect(head.headers.slice(0, 8)).toEqual([
      "x-a",
      "1",
      "set-cookie",
      "a=1",
      "set-cookie",
      "b=2",
      "content-length",
      "5",
    ]);
    expect(body).toBeInstanceOf(Uint8Array);
    expect(await textOf(body)).toBe("hello");
    await settled;
  });

  test("leaves behind what belongs to the container's connection", async () => {
    const { fetch } = await say(
      "HTTP/1.1 200 OK\r\nConnection: close, x-mine\r\nConnection: x-too\r\nX-Mine: 1\r\nX-Too: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: x\r\nX-Own: 2\r\nContent-Length: 0\r\n\r\n",
    );
    expect((await fetch()).head.headers).toEqual(["x-own", "2", "content-length", "0"]);
  });

  test("has no body where HTTP has none, and keeps its connection", async () => {
    const { fetch, sockets } = await serve((message, response) => {
      if (message.method === "HEAD") response.setHeader("content-length", 3);
      response.writeHead(message.url === "/" ? 200 : Number(message.url?.slice(1)), { etag: "x" });
      response.end(message.method === "HEAD" ? undefined : "");
    });
    for (const [method, path] of [
      ["HEAD", "/"],
      ["GET", "/204"],
      ["GET", "/304"],
    ] as const) {
      const { head, body, settled } = await fetch({ method, path });
      expect(body).toBeNull();
      expect(head.headers).toContain("etag");
      await settled;
    }
    expect(sockets).toHaveLength(1);
  });

  test("to HEAD keeps the length that a GET would have", async () => {
    const { fetch } = await say("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n");
    const { head, body } = await fetch({ method: "HEAD" });
    expect(head.headers).toEqual(["content-length", "1234"]);
    expect(body).toBeNull();
  });

  test("begins before its body and before the request ends", async () => {
    const { fetch } = await serve((message, response) => void message.pipe(response));
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    void writer.write(Buffer.from("one"));
    const { body, settled } = await fetch({ method: "POST", body: readable });
    if (!(body instanceof ReadableStream)) throw new Error("no stream");
    const reader = body.getReader();
    expect(String(Buffer.from((await reader.read()).value ?? []))).toBe("one");
    void writer.write(Buffer.from("two"));
    expect(String(Buffer.from((await reader.read()).value ?? []))).toBe("two");
    await writer.close();
    expect((await reader.read()).done).toBe(true);
    await settled;
  });

  test("is streamed when it takes long, although it is small and its length is known", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { fetch } = await serve(async (_message, response) => {
      response.writeHead(200, { "content-length": "6" });
      response.write("one");
      await promise;
      response.end("two");
    });
    const { body } = await fetch();
    expect(body).toBeInstanceOf(ReadableStream);
    resolve();
    expect(await textOf(body)).toBe("onetwo");
  });

  test("is read no faster than its reader does", async () => {
    let written = 0;
    const { fetch } = await serve((_message, response) => {
      const more = () => {
        while (written < 1_000) {
          written += 1;
          if (!response.write(Buffer.alloc(65_536))) return void response.once("drain", more);
        }
        response.end();
      };
      more();
    });
    const { body } = await fetch();
    await standsStill(() => written);
    expect(written).toBeLessThan(500);
    expect((await bytesOf(body)).byteLength).toBe(65_536_000);
  });

  test("may have trailers, streamed or whole", async () => {
    const { fetch } = await serve((message, response) => {
      response.writeHead(200, { trailer: "x-sum" });
      response.flushHeaders();
      if (message.url === "/streamed") response.write("a".repeat(200_000));
      response.addTrailers({ "x-sum": "abc", "set-cookie": "no" });
      response.end("end");
    });
    for (const path of ["/whole", "/streamed"]) {
      const { body, trailers } = await fetch({ path });
      expect((await textOf(body)).endsWith("end")).toBe(true);
      expect(await trailers).toEqual(["x-sum", "abc"]);
    }
  });

  test("that came in several chunks at once is whole", async () => {
    const chunks = "5\r\nhello\r\n1\r\n,\r\n6\r\n world\r\n0\r\n\r\n";
    const { fetch } = await say(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`);
    const { body } = await fetch();
    expect(body).toBeInstanceOf(Uint8Array);
    expect(await textOf(body)).toBe("hello, world");
  });

  test("may end with its connection", async () => {
    const { text } = await say("HTTP/1.0 200 OK\r\ncontent-type: text/plain\r\n\r\nuntil the end");
    expect(await text()).toBe("until the end");
  });

  test("comes after any number of interim ones", async () => {
    const { fetch } = await say(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    );
    const { head, body } = await fetch();
    expect(head.headers).toEqual(["content-length", "2"]);
    expect(await textOf(body)).toBe("ok");
  });

  test("that is whole before the request is read ends both", async () => {
    const { fetch } = await serve((_message, response) => void response.writeHead(413).end("no"));
    const { promise, resolve } = Promise.withResolvers<void>();
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1_024)),
      cancel: () => resolve(),
    });
    const answer = await fetch({ method: "POST", body });
    expect(answer.head.status).toBe(413);
    expect(await textOf(answer.body)).toBe("no");
    await Promise.all([promise, answer.settled]);
  });
});

describe("connections", () => {
  test("are kept for the requests that follow", async () => {
    const { text, fetch, sockets } = await serve(tell);
    for (let i = 0; i < 5; i += 1) await (await fetch()).settled;
    expect(sockets).toHaveLength(1);
    await Promise.all([text(), text(), text()]);
    expect(sockets).toHaveLength(3);
  });

  test("that the container has closed are replaced, where the request can be repeated", async () => {
    const seen: string[] = [];
    const { text, fetch, sockets } = await openLab(
      createSocketServer((socket) => {
        const isFirst = seen.length === 0;
        socket.on("data", (bytes) => {
          seen.push(String(bytes).split(" ")[0] ?? "");
          // The second request finds the connection closed, as if its time had just been up.
          if (isFirst && seen.length === 2) socket.destroy();
          else socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        });
      }),
    );
    await (await fetch()).settled;
    expect(await text()).toBe("ok");
    expect(seen).toEqual(["GET", "GET", "GET"]);
    expect(sockets).toHaveLength(2);
  });

  test("that the container has closed fail a request that must not be repeated", async () => {
    let requests = 0;
    const { fetch } = await openLab(
      createSocketServer((socket) => {
        socket.on("data", () => {
          requests += 1;
          if (requests > 1) socket.destroy();
          else socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        });
      }),
    );
    await (await fetch()).settled;
    await expect(fetch({ method: "POST", body: Buffer.from("x") })).rejects.toMatchObject({
      code: "NEBULA_GUEST_EXITED",
    });
    expect(requests).toBe(2);
  });

  test("are tried once more, not for ever", async () => {
    let requests = 0;
    const { fetch } = await openLab(
      createSocketServer((socket) => {
        socket.on("data", () => {
          requests += 1;
          if (requests > 1) socket.destroy();
          else socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        });
      }),
    );
    await (await fetch()).settled;
    await expect(fetch()).rejects.toMatchObject({ code: "NEBULA_GUEST_EXITED" });
    expect(requests).toBe(3);
  });

  test("bytes behind a response are nobody's answer", async () => {
    const answer = (text: string) => `HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
    for (const isLate of [false, true]) {
      let connections = 0;
      const { fetch, text, sockets } = await openLab(
        createSocketServer((socket) => {
          connections += 1;
          const first = connections === 1;
          socket.on("data", () => {
            if (!first) socket.write(answer("mine"));
            else if (isLate) socket.write(answer("one"), () => setImmediate(() => socket.write(answer("forged"))));
            else socket.write(answer("one") + answer("forged"));
          });
        }),
      );
      const one = await fetch();
      expect(await textOf(one.body)).toBe("one");
      await expect.poll(() => sockets[0]?.destroyed).toBe(true);
      expect(await text()).toBe("mine");
    }
  });

  test("disposed, the client ends what is in flight and takes no more", async () => {
    const { client, fetch, sockets } = await serve(nothing);
    const answers = [fetch(), fetch({ method: "POST", body: streamOf("x") })];
    const ends = Promise.all(
      answers.map((answer) => expect(answer).rejects.toMatchObject({ code: "NEBULA_GUEST_EXITED" })),
    );
    await expect.poll(() => sockets.length).toBe(2);
    await client[Symbol.asyncDispose]();
    await client[Symbol.asyncDispose]();
    await ends;
    await expect.poll(() => sockets.every(({ destroyed }) => destroyed)).toBe(true);
    await expect(fetch()).rejects.toMatchObject({ code: "NEBULA_GUEST_EXITED" });
  });
});

describe("a container that is not there", () => {
  test("fails what nobody listens for", async () => {
    const { client, fetch } = await serve(tell);
    await client[Symbol.asyncDispose]();
    const closed = createSocketServer();
    await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
    const address = closed.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await new Promise((resolve) => closed.close(resolve));
    await using other = openHttpClient({ host: "127.0.0.1", port, clock: systemClock });
    const call = {
      head: { method: "GET", url: "http://a.test/", headers: [] },
      body: null,
      signal: AbortSignal.any([]),
    };
    await expect(other.fetch(call, { name: "hello", limits: DEFAULT_LIMITS })).rejects.toMatchObject({
      code: "NEBULA_GUEST_EXITED",
      message: `Cannot answer with "hello": nothing answers on its port ${port}`,
    });
    await expect(fetch()).rejects.toMatchObject({ code: "NEBULA_GUEST_EXITED" });
  });

  test.each([
    ["before it answers", ""],
    ["in the middle of the head", "HTTP/1.1 200 OK\r\ncontent-le"],
  ])("fails the request when it goes %s", async (_when, text) => {
    const { fetch } = await say(text);
    await expect(fetch()).rejects.toMatchObject({
      code: "NEBULA_GUEST_EXITED",
      message: 'Cannot answer with "hello": its container closed the connection',
    });
  });

  test.each([
    ["of a known length", "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\nabc"],
    ["in chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"],
  ])("fails the body %s when it goes in the middle of it", async (_what, text) => {
    const { fetch } = await say(text);
    const reading = fetch().then(({ body }) => textOf(body));
    await expect(reading).rejects.toMatchObject({
      code: "NEBULA_GUEST_EXITED",
      message: 'Cannot go on with the response of "hello": its container closed the connection',
    });
  });
});

describe("what is not HTTP", () => {
  test.each([
    ["garbage", "SSH-2.0-OpenSSH_9.2\r\n"],
    ["a status of two digits", "HTTP/1.1 99 X\r\n\r\n"],
    ["a status that does not exist", "HTTP/1.1 700 X\r\ncontent-length: 9\r\n\r\n"],
    [
      "a length and chunks",
      "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ],
    [
      "chunks and a length",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ],
    ["two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd"],
    ["a length that is no number", "HTTP/1.1 200 OK\r\ncontent-length: +3\r\n\r\nabc"],
    ["a space before a colon", "HTTP/1.1 200 OK\r\nx-a : 1\r\ncontent-length: 0\r\n\r\n"],
    ["a line feed alone in the head", "HTTP/1.1 200 OK\nx-a: 1\ncontent-length: 0\n\n"],
    ["a NUL in a value", "HTTP/1.1 200 OK\r\nx-a: \0\r\ncontent-length: 0\r\n\r\n"],
    ["chunks of something coded", "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"],
    ["a coding that nobody knows", "HTTP/1.1 200 OK\r\ntransfer-encoding: xchunked\r\n\r\nabc"],
    ["interim responses without end", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".repeat(17)],
    ["HTTP/2", "HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n"],
    ["another protocol, unasked", "HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"],
  ])("is refused: %s", async (_what, text) => {
    const { fetch, sockets } = await say(text, { isEnding: false });
    await expect(fetch()).rejects.toMatchObject({ code: "NEBULA_RESPONSE_INVALID", details: { function: "hello" } });
    await expect.poll(() => sockets.every(({ destroyed }) => destroyed)).toBe(true);
  });

  test("is the error of the body when it comes later", async () => {
    const { fetch } = await say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n", {
      isEnding: false,
    });
    const reading = fetch().then(({ body }) => textOf(body));
    await expect(reading).rejects.toMatchObject({ code: "NEBULA_RESPONSE_INVALID" });
  });
});

describe("limits", () => {
  test("wallMs ends a request without an answer", async () => {
    const clock = createFakeClock();
    const { promise, resolve } = Promise.withResolvers<void>();
    const { fetch } = await serve((message) => {
      message.on("close", resolve);
      clock.pass(1_000);
    }, clock);
    await expect(fetch({ limits: { wallMs: 1_000 } })).rejects.toMatchObject({
      code: "NEBULA_WALL_LIMIT",
      message: 'Cannot wait for "hello": its wall limit of 1 s has passed',
      details: { limit: "wallMs", value: 1_000, function: "hello" },
    });
    await promise;
    expect(clock.waiting).toBe(0);
  });

  test("wallMs ends a body that stands still", async () => {
    const clock = createFakeClock();
    const { fetch } = await serve((_message, response) => void response.write("a"), clock);
    const { body, settled } = await fetch({ limits: { wallMs: 1_000 } });
    if (!(body instanceof ReadableStream)) throw new Error("no stream");
    const reader = body.getReader();
    await reader.read();
    const next = reader.read();
    await expect.poll(() => clock.waiting).toBe(1);
    clock.pass(1_000);
    await expect(next).rejects.toMatchObject({ code: "NEBULA_WALL_LIMIT" });
    await settled;
    expect(clock.waiting).toBe(0);
  });

  test("responseBodyBytes holds for whole bodies and for streams", async () => {
    const { fetch } = await serve((message, response) => {
      if (message.url === "/whole") response.end("a".repeat(101));
      else for (let i = 0; i < 30; i += 1) response.write("a".repeat(10_000));
    });
    const limits = { responseBodyBytes: 100 };
    await expect(fetch({ path: "/whole", limits })).rejects.toMatchObject({ code: "NEBULA_RESPONSE_TOO_LARGE" });
    const { body, settled } = await fetch({ limits });
    await expect(bytesOf(body)).rejects.toMatchObject({ code: "NEBULA_RESPONSE_TOO_LARGE" });
    await settled;
  });

  test.each([
    ["in one field", `x-a: ${"a".repeat(2_000)}\r\n`],
    ["in many", "x-a: b\r\n".repeat(300)],
  ])("headerBytes holds %s", async (_what, lines) => {
    const { fetch } = await say(`HTTP/1.1 200 OK\r\n${lines}content-length: 0\r\n\r\n`);
    await expect(fetch({ limits: { headerBytes: 1_000 } })).rejects.toMatchObject({ code: "NEBULA_RESPONSE_INVALID" });
  });
});

describe("a client that leaves", () => {
  test("before it asks is not asked for", async () => {
    const { fetch, sockets } = await serve(tell);
    await expect(fetch({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "NEBULA_CLIENT_GONE" });
    expect(sockets).toHaveLength(0);
  });

  test("ends its request", async () => {
    const abort = new AbortController();
    const { promise, resolve } = Promise.withResolvers<void>();
    const { fetch } = await serve((message) => {
      message.on("close", resolve);
      abort.abort();
    });
    await expect(fetch({ signal: abort.signal })).rejects.toMatchObject({ code: "NEBULA_CLIENT_GONE" });
    await promise;
  });

  test("ends the response, by its signal or by cancelling the body", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let closed = 0;
    const { fetch } = await serve((_message, response) => {
      response.write("a");
      response.on("close", () => {
        closed += 1;
        if (closed === 2) resolve();
      });
    });
    const abort = new AbortController();
    const first = await fetch({ signal: abort.signal });
    const reading = textOf(first.body);
    abort.abort();
    await expect(reading).rejects.toMatchObject({ code: "NEBULA_CLIENT_GONE" });
    const second = await fetch();
    if (second.body instanceof ReadableStream) await second.body.cancel();
    await Promise.all([promise, first.settled, second.settled]);
  });
});

describe("an upgrade", () => {
  const switching =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n";
  const echo = (first = "") => {
    const server = createServer((_message, response) => void response.writeHead(426).end("no"));
    server.on("upgrade", (_message, socket: Socket) => {
      socket.write(switching + first);
      socket.pipe(socket);
    });
    return openLab(server);
  };

  test("gives a tunnel, with what stood behind the head", async () => {
    const { fetch } = await echo("first ");
    const { head, body, tunnel, settled } = await fetch({ upgrade: "websocket" });
    expect(head).toEqual({ status: 101, headers: ["sec-websocket-accept", "x"] });
    expect(body).toBeNull();
    if (tunnel === undefined) throw new Error("no tunnel");
    const writer = tunnel.writable.getWriter();
    await writer.write(Buffer.from("second"));
    await writer.close();
    expect(await textOf(tunnel.readable)).toBe("first second");
    await settled;
  });

  test("asks with the header and the connection's option", async () => {
    const { text } = await openLab(createServer({ shouldUpgradeCallback: () => false }, tell));
    const told = JSON.parse(
      await text({ upgrade: "websocket", headers: ["host", "a.test", "sec-websocket-key", "k"] }),
    );
    expect(told.headers).toMatchObject({ connection: "Upgrade", upgrade: "websocket", "sec-websocket-key": "k" });
  });

  test("may be answered as if it had not been asked for", async () => {
    const { fetch } = await openLab(
      createServer(
        { shouldUpgradeCallback: () => false },
        (_message, response) => void response.writeHead(426).end("no"),
      ),
    );
    const { head, body, tunnel, settled } = await fetch({ upgrade: "websocket" });
    expect(head.status).toBe(426);
    expect(tunnel).toBeUndefined();
    expect(await textOf(body)).toBe("no");
    await settled;
  });

  test("to something else than was asked for is refused", async () => {
    const { fetch } = await say("HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", { isEnding: false });
    await expect(fetch({ upgrade: "websocket" })).rejects.toMatchObject({ code: "NEBULA_RESPONSE_INVALID" });
  });

  test("ends on both sides when one is cancelled, and with the client", async () => {
    const { fetch, sockets } = await echo();
    const abort = new AbortController();
    const [first, second, third] = await Promise.all([
      fetch({ upgrade: "websocket" }),
      fetch({ upgrade: "websocket" }),
      fetch({ upgrade: "websocket", signal: abort.signal }),
    ]);
    await first.tunnel?.readable.cancel();
    await second.tunnel?.writable.abort();
    abort.abort();
    await Promise.all([first.settled, second.settled, third.settled]);
    await expect.poll(() => sockets.every(({ destroyed }) => destroyed)).toBe(true);
  });

  test("fails its reader when the container is killed", async () => {
    const { fetch, sockets } = await echo();
    const { tunnel, settled } = await fetch({ upgrade: "websocket" });
    const reading = textOf(tunnel?.readable ?? null);
    sockets[0]?.resetAndDestroy();
    await expect(reading).rejects.toThrow();
    await settled;
  });

  test("reads no faster than its reader, and is no more held to a time", async () => {
    const clock = createFakeClock();
    let written = 0;
    const server = createServer();
    server.on("upgrade", (_message, socket: Socket) => {
      socket.write(switching);
      const more = () => {
        while (written < 1_000) {
          written += 1;
          if (!socket.write(Buffer.alloc(65_536))) return void socket.once("drain", more);
        }
        socket.end();
      };
      more();
    });
    const { fetch } = await openLab(server, clock);
    const { tunnel } = await fetch({ upgrade: "websocket", limits: { wallMs: 1_000, responseBodyBytes: 1 } });
    await standsStill(() => written);
    expect(written).toBeLessThan(500);
    expect(clock.waiting).toBe(0);
    expect((await bytesOf(tunnel?.readable ?? null)).byteLength).toBe(65_536_000);
  });
});
