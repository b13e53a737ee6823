/**
 * Real functions behind the data port of a whole node: what the other end-to-end tests of the gateway fake.
 */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../support/capabilities.ts";
import { openTestNode, type TestNode } from "../support/node.ts";
import { childrenOf } from "../support/processes.ts";
import { openRaw } from "../support/raw-http.ts";

const ECHO = `
let aborted = 0;
export default {
  async fetch(request, env, ctx) {
    const url = new URL(request.url);
    if (url.pathname === "/aborted") return new Response(String(aborted));
    if (url.pathname === "/throw") throw new Error("the secret word");
    if (url.pathname === "/ignore") return new Response("ignored");
    if (url.pathname === "/upper") {
      const upper = new TransformStream({
        transform: (chunk, controller) => controller.enqueue(new TextEncoder().encode(new TextDecoder().decode(chunk).toUpperCase())),
      });
      return new Response(request.body.pipeThrough(upper));
    }
    if (url.pathname === "/count") return new Response(String((await request.arrayBuffer()).byteLength));
    if (url.pathname === "/hang" || url.pathname === "/endless") {
      request.signal.addEventListener("abort", () => { aborted += 1; });
      if (url.pathname === "/hang") await new Promise(() => {});
      const body = new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
        cancel: () => { aborted += 1; },
      });
      return new Response(body);
    }
    const headers = new Headers({ "x-seen": JSON.stringify([...request.headers]) });
    headers.append("set-cookie", "a=1; Path=/");
    headers.append("set-cookie", "b=2");
    return new Response(request.method + " " + request.url + " " + (await request.text()), { headers });
  },
};`;

describe("a function on a node", () => {
  let node: TestNode;
  const before = childrenOf();
  beforeAll(async () => {
    node = await openTestNode();
    await node.deploy("echo", ECHO, { routes: ["*/echo/*"], limits: { requestBodyBytes: 1_000_000 } });
    await node.deploy("site", {
      files: {},
      assets: {
        "index.html": "<h1>site</h1>",
        "docs/index.html": "<h1>docs</h1>",
        "ten.txt": "0123456789",
      },
    });
  });
  afterAll(async () => {
    await node.close();
    await until("all processes gone", () => childrenOf().every((pid) => before.includes(pid)));
  });
  const open = () => openRaw(node.dataUrl);
  const get = (path: string, headers = "") => `GET ${path} HTTP/1.1\r\nHost: echo.localhost\r\n${headers}\r\n`;

  test("sees the request as it came, and its answer arrives as it is", async () => {
    await using connection = await open();
    connection.send(get("/a%2Fb%20c?x=%26&y=+", "X-Twice: 1\r\nX-Twice: 2\r\n"));
    const answer = await connection.next();
    expect(answer.body).toBe("GET http://echo.localhost/a%2Fb%20c?x=%26&y=+ ");
    expect(JSON.parse(answer.header("x-seen") ?? "")).toContainEqual(["x-twice", "1, 2"]);
    expect(answer.headers.filter(([name]) => name === "set-cookie")).toHaveLength(2);
    expect(answer.header("x-nebula-engine")).toBe("isolate");
    expect(answer.header("server-timing")).toMatch(/start;desc="cold"/);
  });

  test("is found by name, by path and by route, each with the path that is its own", async () => {
    await using connection = await open();
    connection.send(get("/x"));
    connection.send("GET /fn/echo/x?y HTTP/1.1\r\nHost: a.test\r\n\r\n");
    connection.send("GET /echo/x HTTP/1.1\r\nHost: a.test\r\n\r\n");
    expect((await connection.next()).body).toBe("GET http://echo.localhost/x ");
    expect((await connection.next()).body).toBe("GET http://a.test/x?y ");
    expect((await connection.next()).body).toBe("GET http://a.test/echo/x ");
  });

  test("answers GET with a body, which Request has no room for, without it", async () => {
    await using connection = await open();
    connection.send(`${get("/x", "Content-Length: 5\r\n")}hello${get("/y")}`);
    expect((await connection.next()).body).toBe("GET http://echo.localhost/x ");
    expect((await connection.next()).body).toBe("GET http://echo.localhost/y ");
  });

  test("answers HEAD without a body, and OPTIONS itself", async () => {
    await using connection = await open();
    connection.send(
      "HEAD /x HTTP/1.1\r\nHost: echo.localhost\r\n\r\nOPTIONS /x HTTP/1.1\r\nHost: echo.localhost\r\n\r\n",
    );
    expect(await connection.next("HEAD")).toMatchObject({ status: 200, body: "" });
    expect((await connection.next()).body).toBe("OPTIONS http://echo.localhost/x ");
  });

  test("streams both ways at once", async () => {
    await using connection = await open();
    connection.send("POST /upper HTTP/1.1\r\nHost: echo.localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (const word of ["one", "two", "six"]) {
      connection.send(`3\r\n${word}\r\n`);
      await connection.until(word.toUpperCase());
    }
    connection.send("0\r\nX-Trailer: 1\r\n\r\n");
    expect((await connection.next()).body).toBe("ONETWOSIX");
  });

  test("may leave a large body unread, and the connection goes on", async () => {
    await using connection = await open();
    connection.send("POST /ignore HTTP/1.1\r\nHost: echo.localhost\r\nContent-Length: 600000\r\n\r\n");
    connection.send("x".repeat(600_000));
    expect((await connection.next()).body).toBe("ignored");
    connection.send(get("/next"));
    expect((await connection.next()).body).toBe("GET http://echo.localhost/next ");
  });

  test("gets no more of a body than its limit", async () => {
    await using connection = await open();
    connection.send("POST /count HTTP/1.1\r\nHost: echo.localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (let i = 0; i < 20; i += 1) connection.send(`10000\r\n${"x".repeat(65_536)}\r\n`);
    connection.send("0\r\n\r\n");
    const answer = await connection.next();
    expect(JSON.parse(answer.body)).toMatchObject({ code: "NEBULA_BODY_TOO_LARGE", status: 413 });
    await connection.closed();
  });

  test("learns that its client has left, before and during the answer, and is free for the next", async () => {
    for (const path of ["/hang", "/endless"]) {
      const { body: seen } = await ask("/aborted");
      await using connection = await open();
      connection.send(get(path));
      if (path === "/endless") await connection.until("\r\n\r\n");
      else
        await until("handed over", async () => (await node.client.getFunction("echo")).function.instances.busy === 1);
      connection.socket.destroy();
      await until("abort", async () => Number((await ask("/aborted")).body) > Number(seen));
    }
    await until("idle", async () => (await node.client.getFunction("echo")).function.instances.busy === 0);
  });

  test("is not read faster than its client reads", async () => {
    await using connection = await open();
    const { rss } = process.memoryUsage();
    connection.send(get("/endless"));
    await connection.until("\r\n\r\n");
    connection.socket.pause();
    for (let i = 0; i < 20; i += 1) expect((await ask("/next")).status).toBe(200);
    expect(process.memoryUsage().rss - rss).toBeLessThan(64 * 1024 * 1024);
  });

  test("that throws shows nothing of it on the data port", async () => {
    const answer = await ask("/throw");
    expect(JSON.parse(answer.body)).toEqual({
      code: "NEBULA_GUEST_THREW",
      status: 500,
      title: "The function failed",
      instance: answer.header("x-request-id"),
    });
    expect(JSON.stringify(answer)).not.toMatch(/secret|index\.ts|node:|\/src\//);
    const line = node.lines.find(({ fields }) => fields.requestId === answer.header("x-request-id"));
    expect(line?.fields).toMatchObject({ code: "NEBULA_GUEST_THREW", function: "echo", engine: "isolate" });
    expect(String(line?.fields.stack)).toContain("the secret word");
    expect(String(line?.fields.stack)).toContain("index.ts");
  });

  test("shows messages and stacks to whoever develops it", async () => {
    const own = await openTestNode({ isDevelopment: true });
    try {
      await own.deploy("echo", ECHO);
      const answer = await fetch(`${own.dataUrl}/fn/echo/throw`);
      expect(await answer.json()).toMatchObject({
        code: "NEBULA_GUEST_THREW",
        detail: expect.stringContaining("the secret word"),
        stack: expect.stringContaining("index.ts"),
      });
    } finally {
      await own.close();
    }
  });

  describe("with static files alone", () => {
    const asset = async (path: string, headers = "", method = "GET") => {
      await using connection = await open();
      connection.send(`${method} ${path} HTTP/1.1\r\nHost: a.test\r\n${headers}\r\n`);
      return await connection.next(method);
    };

    test("has its redirects lead to where it is served from", async () => {
      expect((await asset("/fn/site/docs")).header("location")).toBe("/fn/site/docs/");
      expect((await asset("/fn/site/docs/index.html?a=b")).header("location")).toBe("/fn/site/docs/?a=b");
    });

    test("serves ranges, conditions and heads", async () => {
      const whole = await asset("/fn/site/ten.txt");
      expect(whole).toMatchObject({ status: 200, body: "0123456789" });
      expect(whole.header("x-nebula-engine")).toBe("assets");
      expect(whole.header("x-request-id")).toBeDefined();
      const etag = whole.header("etag") ?? "";
      const part = await asset("/fn/site/ten.txt", "Range: bytes=2-4\r\n");
      expect(part).toMatchObject({ status: 206, body: "234" });
      expect(part.header("content-range")).toBe("bytes 2-4/10");
      expect(await asset("/fn/site/ten.txt", "Range: bytes=20-\r\n")).toMatchObject({ status: 416 });
      expect(await asset("/fn/site/ten.txt", `If-None-Match: ${etag}\r\n`)).toMatchObject({ status: 304, body: "" });
      const head = await asset("/fn/site/ten.txt", "", "HEAD");
      expect(head).toMatchObject({ status: 200, body: "" });
      expect(head.header("content-length")).toBe("10");
    });
  });

  async function ask(path: string) {
    await using connection = await open();
    connection.send(get(path));
    return await connection.next();
  }
});
