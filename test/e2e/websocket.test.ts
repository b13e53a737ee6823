/**
 * WebSocket through the data port to a server behind it: with a client that speaks it, and as bytes on sockets.
 */

import { afterEach, describe, expect, test } from "vitest";
import { openHttpClient } from "../../src/engine/container/http-client.ts";
import type { Answer, Tunnel } from "../../src/model/exchange.ts";
import { DEFAULT_LIMITS } from "../../src/model/function.ts";
import { systemClock } from "../../src/model/ports.ts";
import { openTestGateway, type TestGateway, type TestGatewayOptions } from "../support/gateway.ts";
import { openRaw, type RawConnection } from "../support/raw-http.ts";
import { openWebSocketServer, type WebSocketServer } from "../support/websocket-server.ts";

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

function keep<T extends AsyncDisposable>(it: T): T {
  open.push(it);
  return it;
}

/** The data port before a WebSocket server. */
async function openEcho(options: TestGatewayOptions = {}): Promise<{ gateway: TestGateway; server: WebSocketServer }> {
  const server = keep(await openWebSocketServer());
  const client = keep(openHttpClient({ host: "127.0.0.1", port: server.port, clock: systemClock }));
  const answer = (call: Parameters<typeof client.fetch>[0]) =>
    client.fetch(call, { name: "guest", limits: DEFAULT_LIMITS });
  return { gateway: keep(await openTestGateway({ mayUpgrade: true, answer, ...options })), server };
}

/** The data port before a function that answers with a tunnel whose ends are the test's. */
async function openTunnel(options: TestGatewayOptions = {}) {
  const inwards = new TransformStream<Uint8Array, Uint8Array>();
  const outwards = new TransformStream<Uint8Array, Uint8Array>();
  const tunnel: Tunnel = { readable: outwards.readable, writable: inwards.writable };
  const answer = (): Answer => ({ head: { status: 101, headers: ["x-own", "1"] }, body: null, tunnel });
  const gateway = keep(await openTestGateway({ mayUpgrade: true, answer, ...options }));
  const raw = keep(await openRaw(gateway.url));
  return { gateway, raw, reader: inwards.readable.getReader(), writer: outwards.writable.getWriter() };
}

const UPGRADE = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n";
const HANDSHAKE = `${UPGRADE}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n`;
const ask = (path = "/", lines = HANDSHAKE) => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n${lines}\r\n`;

async function toWebSocket({ url }: TestGateway, protocols: string[] = []): Promise<WebSocket> {
  const socket = new WebSocket(url.replace("http:", "ws:"), protocols);
  socket.binaryType = "arraybuffer";
  await new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve();
    socket.onerror = () => reject(new Error("cannot connect"));
  });
  return socket;
}

async function nextMessage(socket: WebSocket): Promise<unknown> {
  return await new Promise((resolve) => {
    socket.onmessage = ({ data }) => resolve(data);
  });
}

async function closed(socket: WebSocket): Promise<CloseEvent> {
  return await new Promise((resolve) => {
    socket.onclose = resolve;
  });
}

async function lineOf({ lines }: TestGateway): Promise<Readonly<Record<string, unknown>>> {
  const find = () => lines.find(({ msg }) => msg === "request");
  await expect.poll(find).toBeDefined();
  return find()?.fields ?? {};
}

describe("a WebSocket", () => {
  test("carries messages both ways, and closes as both sides agree", async () => {
    const { gateway } = await openEcho();
    const socket = await toWebSocket(gateway, ["chat", "other"]);
    expect(socket.protocol).toBe("chat");
    for (const text of ["hello", "ä".repeat(100_000)]) {
      const message = nextMessage(socket);
      socket.send(text);
      expect(await message).toBe(text);
    }
    const message = nextMessage(socket);
    socket.send(new Uint8Array(3_000_000).fill(7));
    expect(await message).toEqual(new Uint8Array(3_000_000).fill(7).buffer);
    const end = closed(socket);
    socket.close(4000, "enough");
    expect(await end).toMatchObject({ code: 4000, reason: "enough", wasClean: true });
  });

  test("leaves one line in the log when it ends, with what went through", async () => {
    const { gateway } = await openEcho();
    const socket = await toWebSocket(gateway);
    const message = nextMessage(socket);
    socket.send("a".repeat(1_000));
    await message;
    expect(gateway.lines.filter(({ msg }) => msg === "request")).toEqual([]);
    const end = closed(socket);
    socket.close();
    await end;
    const line = await lineOf(gateway);
    expect(line).toMatchObject({ status: 101, outcome: "ok", function: "guest", method: "GET" });
    expect(line.bytesIn).toBeGreaterThan(1_000);
    expect(line.bytesOut).toBeGreaterThan(1_000);
  });

  test("many at once do not mix", async () => {
    const { gateway } = await openEcho();
    const sockets = await Promise.all(Array.from({ length: 20 }, () => toWebSocket(gateway)));
    const messages = sockets.map((socket, i) => {
      const message = nextMessage(socket);
      socket.send(`message ${i}`);
      return message;
    });
    expect(await Promise.all(messages)).toEqual(sockets.map((_, i) => `message ${i}`));
    const ends = sockets.map(closed);
    for (const socket of sockets) socket.close();
    await Promise.all(ends);
  });

  test("is closed when the container dies", async () => {
    const { gateway, server } = await openEcho();
    const socket = await toWebSocket(gateway);
    const end = closed(socket);
    server.sockets[0]?.resetAndDestroy();
    expect(await end).toMatchObject({ code: 1006, wasClean: false });
    expect(await lineOf(gateway)).toMatchObject({ status: 101, code: "NEBULA_GUEST_EXITED" });
  });

  test("is closed in the container when the client is gone", async () => {
    const { gateway, server } = await openEcho();
    const raw = keep(await openRaw(gateway.url));
    raw.send(ask());
    await raw.next();
    const end = new Promise((resolve) => server.sockets[0]?.once("close", resolve));
    raw.socket.resetAndDestroy();
    await end;
    expect(await lineOf(gateway)).toMatchObject({ status: 101, code: "NEBULA_CLIENT_GONE" });
  });
});

describe("the handshake", () => {
  test("passes WebSocket's headers on both ways, and says who answered", async () => {
    const { gateway, server } = await openEcho();
    const raw = keep(await openRaw(gateway.url));
    raw.send(ask("/chat?room=1", `${HANDSHAKE}Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: x\r\n`));
    const response = await raw.next();
    expect(response.status).toBe(101);
    expect(response.header("connection")).toBe("Upgrade");
    expect(response.header("upgrade")).toBe("websocket");
    // The example of RFC 6455, section 1.3.
    expect(response.header("sec-websocket-accept")).toBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    expect(response.header("sec-websocket-protocol")).toBe("chat");
    expect(response.header("x-request-id")).toBe("r0");
    expect(response.header("x-nebula-engine")).toBe("isolate");
    expect(response.header("content-length")).toBeUndefined();
    expect(response.header("transfer-encoding")).toBeUndefined();
    const [asked] = server.asked;
    expect(asked?.url).toBe("/chat?room=1");
    expect(asked?.headers).toMatchObject({
      host: "a.test",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      "sec-websocket-version": "13",
      "sec-websocket-protocol": "chat",
      "sec-websocket-extensions": "x",
      "x-forwarded-for": "127.0.0.1",
    });
  });

  test("may be refused by the function, with an answer of its own", async () => {
    const { gateway } = await openEcho();
    const raw = keep(await openRaw(gateway.url));
    raw.send(ask("/plain"));
    const response = await raw.next();
    expect(response).toMatchObject({ status: 404, body: "no WebSocket" });
    expect(response.header("connection")).toBe("close");
    await raw.closed();
    expect(await lineOf(gateway)).toMatchObject({ status: 404, outcome: "ok" });
  });

  test("may fail, with a problem", async () => {
    const { gateway, server } = await openEcho();
    await server[Symbol.asyncDispose]();
    const raw = keep(await openRaw(gateway.url));
    raw.send(ask());
    expect(await raw.next()).toMatchObject({ status: 500 });
    await raw.closed();
    expect(await lineOf(gateway)).toMatchObject({ status: 500, code: "NEBULA_GUEST_EXITED" });
  });

  test("may be answered with a long body, which is sent no faster than the client reads", async () => {
    const body = () =>
      new ReadableStream<Uint8Array>({
        start: (controller) => {
          for (let i = 0; i < 100; i += 1) controller.enqueue(new Uint8Array(65_536).fill(97));
          controller.close();
        },
      });
    const answer = () => ({ head: { status: 403, headers: [] }, body: body() });
    const gateway = keep(await openTestGateway({ mayUpgrade: true, answer }));
    const raw = keep(await openRaw(gateway.url));
    raw.send(ask());
    expect((await raw.next()).body.length).toBe(6_553_600);
  });

  test.each([
    ["a function whose engine cannot", { mayUpgrade: false }, ask()],
    ["a POST", {}, ask().replace("GET", "POST")],
    ["a request with a body", {}, `${ask("/", `${HANDSHAKE}Content-Length: 2\r\n`)}ab`],
    ["HTTP/1.0", {}, ask().replace("HTTP/1.1", "HTTP/1.0")],
    ["another protocol", {}, ask("/", "Connection: Upgrade\r\nUpgrade: h2c\r\n")],
    ["several protocols", {}, ask("/", "Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n")],
    ["a Connection without the option", {}, ask("/", "Connection: keep-alive\r\nUpgrade: websocket\r\n")],
  ])("is no handshake for %s: the request is answered as any other", async (_what, options, text) => {
    const gateway = keep(await openTestGateway({ mayUpgrade: true, ...options }));
    const raw = keep(await openRaw(gateway.url));
    raw.send(text);
    const response = await raw.next();
    expect(response.status).toBe(200);
    expect(response.header("upgrade")).toBeUndefined();
    expect(gateway.seen[0]?.upgrade).toBeUndefined();
    if (text.includes("HTTP/1.0")) return;
    raw.send("GET /next HTTP/1.1\r\nHost: a.test\r\n\r\n");
    expect((await raw.next()).body).toContain("/next");
  });

  test("does not overtake a response that is due", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const gateway = keep(
      await openTestGateway({
        mayUpgrade: true,
        answer: async ({ head, upgrade }) => {
          if (head.url.endsWith("/slow")) await promise;
          return { head: { status: 200, headers: [] }, body: Buffer.from(`${head.url} ${upgrade}`) };
        },
      }),
    );
    const raw = keep(await openRaw(gateway.url));
    raw.send(`GET /slow HTTP/1.1\r\nHost: a.test\r\n\r\n${ask("/socket")}`);
    await expect.poll(() => gateway.seen.length).toBe(2);
    resolve();
    expect((await raw.next()).body).toBe("http://a.test/slow undefined");
    expect((await raw.next()).body).toBe("http://a.test/socket undefined");
  });

  test("that was not asked for is no answer", async () => {
    const { gateway, raw, writer } = await openTunnel({ mayUpgrade: false });
    writer.closed.catch(() => {});
    raw.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    expect(await raw.next()).toMatchObject({ status: 500 });
    expect(await lineOf(gateway)).toMatchObject({ code: "NEBULA_RESPONSE_INVALID" });
  });
});

describe("a tunnel", () => {
  const begin = async (raw: RawConnection, behind = "") => {
    raw.send(ask() + behind);
    expect(await raw.next()).toMatchObject({ status: 101 });
  };

  test("has what stood behind the request's head", async () => {
    const { raw, reader } = await openTunnel();
    await begin(raw, "first");
    expect(String(Buffer.from((await reader.read()).value ?? []))).toBe("first");
  });

  test("passes the client's end on, and sends what the function still has to say", async () => {
    const { raw, reader, writer } = await openTunnel();
    await begin(raw);
    raw.socket.end("last");
    expect(String(Buffer.from((await reader.read()).value ?? []))).toBe("last");
    expect((await reader.read()).done).toBe(true);
    await writer.write(Buffer.from("goodbye"));
    await writer.close();
    await raw.until("goodbye");
    await raw.closed();
  });

  test("ends with the function's end, after what it has sent", async () => {
    const { raw, writer, reader } = await openTunnel();
    await begin(raw);
    const cancelled = expect(reader.read()).rejects.toThrow();
    await writer.write(Buffer.from("x".repeat(1_000_000)));
    await writer.close();
    await raw.closed();
    expect(raw.received.endsWith("x".repeat(1_000_000))).toBe(true);
    await cancelled;
  });

  test("is read from the function no faster than the client reads", async () => {
    const { raw, writer } = await openTunnel();
    await begin(raw);
    raw.socket.pause();
    let written = 0;
    const chunk = new Uint8Array(65_536);
    const writing = (async () => {
      for (; written < 1_000; written += 1) await writer.write(chunk);
      await writer.close();
    })();
    const seen: number[] = [];
    const isStill = () => new Set([...seen.slice(-2), seen[seen.push(written) - 1]]).size === 1 && seen.length > 3;
    await expect.poll(isStill, { interval: 50 }).toBe(true);
    expect(written).toBeLessThan(500);
    raw.socket.resume();
    await writing;
    await raw.closed();
  });

  test("is read from the client no faster than the function reads", async () => {
    const { raw, reader } = await openTunnel();
    await begin(raw);
    const total = 64_000_000;
    raw.send(new Uint8Array(total));
    raw.socket.end();
    const seen: number[] = [];
    const isStill = () => {
      seen.push(raw.socket.writableLength, raw.socket.bytesWritten);
      return seen.length > 6 && seen.at(-2) === seen.at(-4) && seen.at(-1) === seen.at(-3);
    };
    await expect.poll(isStill, { interval: 50 }).toBe(true);
    expect(raw.socket.writableLength).toBeGreaterThan(total / 4);
    let read = 0;
    for (let next = await reader.read(); !next.done; next = await reader.read()) read += next.value.byteLength;
    expect(read).toBe(total);
  });

  test("on which nothing moves is closed after the time of a connection that stands still", async () => {
    const { gateway, raw, reader } = await openTunnel({ timeouts: { stalledMs: 200 } });
    await begin(raw);
    const cancelled = expect(reader.read()).rejects.toThrow();
    await raw.closed();
    await cancelled;
    expect(await lineOf(gateway)).toMatchObject({ status: 101 });
  });

  test("ends when the node drains, once no request is in flight", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const tunnels = [new TransformStream<Uint8Array, Uint8Array>(), new TransformStream<Uint8Array, Uint8Array>()];
    const [inwards, outwards] = tunnels;
    if (inwards === undefined || outwards === undefined) throw new Error("no streams");
    const gateway = keep(
      await openTestGateway({
        mayUpgrade: true,
        answer: async ({ upgrade }) => {
          const tunnel = { readable: outwards.readable, writable: inwards.writable };
          if (upgrade !== undefined) return { head: { status: 101, headers: [] }, body: null, tunnel };
          await promise;
          return { head: { status: 200, headers: [] }, body: null };
        },
      }),
    );
    const raw = keep(await openRaw(gateway.url));
    await begin(raw);
    const other = keep(await openRaw(gateway.url));
    other.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    await expect.poll(() => gateway.seen.length).toBe(2);
    const drained = gateway.gateway.drain({ timeoutMs: 20_000 });
    const writer = outwards.writable.getWriter();
    await writer.write(Buffer.from("still here"));
    await raw.until("still here");
    resolve();
    expect(await other.next()).toMatchObject({ status: 200 });
    await Promise.all([drained, raw.closed()]);
  });

  test("is cut when the time to drain is up, also before the function has answered", async () => {
    const gateway = keep(
      await openTestGateway({
        mayUpgrade: true,
        answer: ({ signal }) =>
          new Promise((_, reject) => {
            signal.addEventListener("abort", () => reject(signal.reason));
          }),
      }),
    );
    const raw = keep(await openRaw(gateway.url));
    raw.send(ask());
    await expect.poll(() => gateway.seen.length).toBe(1);
    await gateway.gateway.drain({ timeoutMs: 50 });
    await raw.closed();
    expect(await lineOf(gateway)).toMatchObject({ code: "NEBULA_CLIENT_GONE" });
  });
});
