/**
 * What a function may reach, and what of its request arrives there. Servers on 127.0.0.1 stand for the network.
 */

import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import { createOutbound, type Resolve } from "../../../src/bindings/outbound.ts";
import type { Body, HeaderList } from "../../../src/model/exchange.ts";
import { findHeader } from "../../../src/model/exchange.ts";
import { bytesOf, createFeed, rejectionOf } from "../../support/capabilities.ts";
import { createFakeClock } from "../../support/fake-clock.ts";

const nowhere: Resolve = (hostname, _options, callback) => callback(new Error(`ENOTFOUND ${hostname}`), []);

interface Sent {
  readonly method?: string;
  readonly headers?: HeaderList;
  readonly body?: Body;
  readonly redirect?: "follow" | "manual" | "error";
  readonly signal?: AbortSignal;
}

function open(allow: readonly string[], resolve?: Resolve) {
  const outbound = createOutbound({ name: "guest", allow, headersTimeoutMs: 5_000, ...(resolve && { resolve }) });
  onTestFinished(() => outbound[Symbol.asyncDispose]());
  return async (url: string, sent: Sent = {}) => {
    const { method = "GET", headers = [], body = null, redirect = "follow" } = sent;
    const { signal = new AbortController().signal } = sent;
    return await outbound.fetch({ head: { method, url, headers }, body, signal }, { redirect });
  };
}

/** `127.0.0.1:<port>` of a server that ends with the test. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  return `127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
}

/** Tells what it was asked, and with which headers. */
const mirror = async (request: IncomingMessage, response: ServerResponse) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  response.end(JSON.stringify({ ...request.headers, method: request.method, body: Buffer.concat(chunks).toString() }));
};
const readJson = async (answer: Promise<{ body: Body }>): Promise<unknown> =>
  JSON.parse((await bytesOf((await answer).body)).toString());
const to =
  (status: number, location: string): RequestListener =>
  (_request, response) =>
    void response.writeHead(status, { location }).end();

describe("the allow-list", () => {
  const CASES: readonly (readonly [pattern: string, url: string, mayReach: boolean])[] = [
    ["api.example.com", "http://api.example.com/x", true],
    ["api.example.com", "https://API.EXAMPLE.COM/x", true],
    ["api.example.com", "http://api.example.com:8080/", false],
    ["api.example.com", "http://example.com/", false],
    ["api.example.com", "http://x.api.example.com/", false],
    ["api.example.com", "http://xapi.example.com/", false],
    ["api.example.com", "http://api.example.com.evil.test/", false],
    ["api.example.com", "http://evil.test/api.example.com", false],
    ["api.example.com", "http://evil.test#api.example.com", false],
    ["api.example.com", "http://evil.test\\@api.example.com/", false],
    ["api.example.com", "http://user:hidden@api.example.com/", false],
    ["api.example.com", "ftp://api.example.com/", false],
    ["api.example.com", "file:///etc/passwd", false],
    ["api.example.com", "data:,x", false],
    ["api.example.com", "nonsense", false],
    ["API.example.com:8080", "http://api.example.com:8080/", true],
    ["api.example.com:8080", "http://api.example.com/", false],
    ["api.example.com:443", "https://api.example.com/", true],
    ["api.example.com:443", "http://api.example.com/", false],
    ["*.example.com", "http://a.example.com/", true],
    ["*.example.com", "http://a.b.example.com/", true],
    ["*.example.com", "http://example.com/", false],
    ["*.example.com", "http://evilexample.com/", false],
    ["127.0.0.1:1", "http://127.0.0.1:1/", true],
    ["127.0.0.1:1", "http://127.1:1/", true],
    ["127.0.0.1:1", "http://2130706433:1/", true],
    ["127.0.0.1:1", "http://127.0.0.1:2/", false],
    ["127.0.0.1:1", "http://localhost:1/", false],
    ["[::1]:1", "http://[::1]:1/", true],
    ["localhost:1", "http://localhost:1/", true],
    ["localhost:1", "http://127.0.0.1:1/", false],
    ["localhost:1", "http://[::ffff:127.0.0.1]:1/", false],
  ];
  test.for(CASES)("%s and %s: %s", async ([pattern, url, mayReach]) => {
    const error = await rejectionOf(open([pattern], nowhere)(url));
    expect(error.code).toBe(mayReach ? "NEBULA_OUTBOUND_FAILED" : "NEBULA_OUTBOUND_DENIED");
    expect(error.message).not.toContain("hidden");
  });

  test("that is empty leads nowhere", async () => {
    const error = await rejectionOf(open([], nowhere)("http://example.com/secret?key=1"));
    expect(error).toMatchObject({
      code: "NEBULA_OUTBOUND_DENIED",
      details: { function: "guest", host: "example.com" },
    });
    expect(error.message + error.hint).not.toMatch(/secret|key/);
    expect(error.hint).toContain('"example.com"');
  });

  test.for(
    [
      "127.0.0.1",
      "127.9.9.9",
      "10.1.2.3",
      "172.16.0.1",
      "192.168.1.1",
      "169.254.169.254",
      "100.64.0.1",
      "0.0.0.0",
    ].concat(
      ["224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"],
      ["64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1"],
    ),
  )("does not let a name lead to %s", async (address) => {
    const family = address.includes(":") ? 6 : 4;
    const resolve: Resolve = (_hostname, _options, callback) => callback(null, [{ address, family }]);
    const error = await rejectionOf(open(["rebound.test"], resolve)("http://rebound.test/"));
    expect(error).toMatchObject({ code: "NEBULA_OUTBOUND_DENIED", details: { host: "rebound.test" } });
  });
});

describe("a request", () => {
  test("arrives as it was sent, without the headers of its connection", async () => {
    const host = await serve(mirror);
    const headers = ["x-a", "1", "x-a", "2", "cookie", "c=1", "connection", "x", "host", "evil.test", "te", "trailers"];
    const body = Buffer.from("hello");
    expect(await readJson(open([host])(`http://${host}/`, { method: "PUT", headers, body }))).toMatchObject({
      host,
      method: "PUT",
      "x-a": "1, 2",
      cookie: "c=1",
      "content-length": "5",
      body: "hello",
    });
  });

  test("streams both ways", async () => {
    const host = await serve((request, response) => void request.pipe(response));
    const feed = createFeed();
    const answering = open([host])(`http://${host}/`, { method: "POST", body: feed.stream });
    feed.push("one");
    const { body, head } = await answering;
    expect(head.status).toBe(200);
    if (!(body instanceof ReadableStream)) throw new Error("no stream");
    const reader = body.getReader();
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe("one");
    feed.push("two");
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe("two");
    feed.end();
    expect((await reader.read()).done).toBe(true);
  });

  test("has its answer decoded, and keeps each cookie apart", async () => {
    const host = await serve((_request, response) => {
      response.writeHead(200, { "content-encoding": "gzip", "set-cookie": ["a=1", "b=2"] }).end(gzipSync("zipped"));
    });
    const { head, body } = await open([host])(`http://${host}/`);
    expect((await bytesOf(body)).toString()).toBe("zipped");
    expect(findHeader(head.headers, "content-encoding")).toBeUndefined();
    expect(findHeader(head.headers, "content-length")).toBeUndefined();
    expect(head.headers.filter((_text, i) => head.headers[i - 1] === "set-cookie")).toEqual(["a=1", "b=2"]);
  });

  test("that nobody takes says why, and nothing of what was asked", async () => {
    const refused = await serve((request) => void request.socket.destroy());
    const error = await rejectionOf(open([refused])(`http://${refused}/secret?key=1`));
    expect(error).toMatchObject({ code: "NEBULA_OUTBOUND_FAILED", status: 502 });
    expect(error.message).toBe(`Cannot fetch from "${refused}": UND_ERR_SOCKET`);
    const blocked = await rejectionOf(open(["127.0.0.1:1"])("http://127.0.0.1:1/"));
    expect(blocked.message).toBe('Cannot fetch from "127.0.0.1:1": bad port');
  });

  test("ends with its signal's reason, before the answer and during it", async () => {
    const begun = Promise.withResolvers<void>();
    const host = await serve((request, response) => {
      if (request.url === "/stream") response.write("first");
      begun.resolve();
    });
    const ask = open([host]);
    const before = new AbortController();
    const waiting = rejectionOf(ask(`http://${host}/`, { signal: before.signal }));
    await begun.promise;
    before.abort();
    expect(await waiting).toMatchObject({ code: "NEBULA_INTERNAL", cause: before.signal.reason });
    const during = new AbortController();
    const { body } = await ask(`http://${host}/stream`, { signal: during.signal });
    during.abort();
    await expect(bytesOf(body)).rejects.toThrow();
  });
});

describe("a redirect", () => {
  test("is followed as fetch does, and the last URL is told", async () => {
    const target = await serve(mirror);
    const statuses = [301, 302, 303, 307, 308];
    const host = await serve((request, response) =>
      to(Number(request.url?.slice(1)), `http://${target}/end`)(request, response),
    );
    const ask = open([host, target]);
    const sent = { method: "POST", headers: ["content-type", "text/x", "x-a", "1"], body: Buffer.from("hello") };
    for (const status of statuses) {
      const answer = await ask(`http://${host}/${status}`, sent);
      expect(answer.url).toBe(`http://${target}/end`);
      const seen: unknown = JSON.parse((await bytesOf(answer.body)).toString());
      const isKept = status >= 307;
      expect(seen).toMatchObject({ method: isKept ? "POST" : "GET", body: isKept ? "hello" : "", "x-a": "1" });
      expect(Reflect.get(Object(seen), "content-type")).toBe(isKept ? "text/x" : undefined);
    }
  });

  test("takes credentials to no other origin", async () => {
    const target = await serve(mirror);
    const credentials = ["authorization", "Bearer x", "cookie", "c=1", "x-a", "1"];
    const away = await serve(to(302, `http://${target}/`));
    const home = await serve((request, response) =>
      request.url === "/" ? to(302, "/home")(request, response) : void mirror(request, response),
    );
    const ask = open([away, home, target]);
    const seen = await readJson(ask(`http://${away}/`, { headers: credentials }));
    expect(seen).toMatchObject({ "x-a": "1" });
    expect(seen).not.toHaveProperty("authorization");
    expect(seen).not.toHaveProperty("cookie");
    expect(await readJson(ask(`http://${home}/`, { headers: credentials }))).toMatchObject({ cookie: "c=1" });
  });

  test.for([
    ["to a host that is not on the list", "http://127.0.0.1:2/", "NEBULA_OUTBOUND_DENIED"],
    ["to another scheme", "file:///etc/passwd", "NEBULA_OUTBOUND_DENIED"],
    ["to what is no URL", "http://[", "NEBULA_OUTBOUND_FAILED"],
    ["to itself without end", "", "NEBULA_OUTBOUND_FAILED"],
  ])("is refused %s", async ([, location = "", code]) => {
    const host = await serve(to(302, location));
    expect(await rejectionOf(open([host])(`http://${host}/`))).toMatchObject({ code });
  });

  test("of a body that streamed is refused, because it cannot be sent again", async () => {
    const host = await serve(to(307, "/again"));
    const body = new Blob(["x"]).stream();
    const error = await rejectionOf(open([host])(`http://${host}/`, { method: "POST", body }));
    expect(error.code).toBe("NEBULA_OUTBOUND_FAILED");
  });

  test("is handed over or refused where that is what was asked for", async () => {
    const host = await serve(to(302, "/next"));
    const ask = open([host]);
    const { head, url } = await ask(`http://${host}/`, { redirect: "manual" });
    expect(head.status).toBe(302);
    expect(findHeader(head.headers, "location")).toBe("/next");
    expect(url).toBe(`http://${host}/`);
    expect(await rejectionOf(ask(`http://${host}/`, { redirect: "error" }))).toMatchObject({
      code: "NEBULA_OUTBOUND_FAILED",
    });
  });
});

describe("trailers", () => {
  test("come after the answer's body, without what may be none", async () => {
    const host = await serve((_request, response) => {
      response.writeHead(200, { trailer: "x-sum" }).write("body");
      response.addTrailers({ "X-Sum": "4", "cache-control": "no-store", "set-cookie": "a=b" });
      response.end();
    });
    const answer = await open([host])(`http://${host}/`);
    expect((await bytesOf(answer.body)).toString()).toBe("body");
    expect(await answer.trailers).toEqual(["x-sum", "4"]);
  });

  test("are none where none come, and where the body breaks off", async () => {
    const host = await serve((request, response) => {
      response.write("body");
      if (request.url === "/whole") response.end();
      else setTimeout(() => response.destroy(), 10);
    });
    const fetch = open([host]);
    const whole = await fetch(`http://${host}/whole`);
    await bytesOf(whole.body);
    expect(await whole.trailers).toBeUndefined();
    const broken = await fetch(`http://${host}/broken`);
    const thrown = await bytesOf(broken.body).catch((error: unknown) => error);
    expect(await broken.trailers).toBeUndefined();
    expect(broken.explain?.(thrown)).toMatchObject({
      code: "NEBULA_OUTBOUND_FAILED",
      details: { reason: "terminated" },
    });
  });

  test("do not keep back an answer that is cancelled", async () => {
    const host = await serve((_request, response) => void response.write("for ever"));
    const answer = await open([host])(`http://${host}/`);
    if (answer.body instanceof ReadableStream) await answer.body.cancel();
    expect(await answer.trailers).toBeUndefined();
  });
});

describe("a failure says why", () => {
  const NAMED: readonly (readonly [reason: string, code: string])[] = [
    ["dns", "ENOTFOUND"],
    ["dns-timeout", "EAI_AGAIN"],
    ["unroutable", "EHOSTUNREACH"],
    ["connect-timeout", "UND_ERR_CONNECT_TIMEOUT"],
    ["tls-certificate", "DEPTH_ZERO_SELF_SIGNED_CERT"],
    ["tls", "ERR_SSL_WRONG_VERSION_NUMBER"],
  ];
  test.each(NAMED)("%s", async (reason, code) => {
    const fetch = open(["api.example"], (_hostname, _options, callback) =>
      callback(Object.assign(new Error("no"), { code }), []),
    );
    expect(await rejectionOf(fetch("http://api.example/"))).toMatchObject({
      code: "NEBULA_OUTBOUND_FAILED",
      details: { reason },
    });
  });

  test("of what comes from the wire, too", async () => {
    const silent = await serve((request, response) => {
      if (request.url === "/large") response.writeHead(200, { "x-a": "a".repeat(40_000) }).end();
      else response.destroy();
    });
    const fetch = open([silent]);
    for (const [path, reason] of [
      ["gone", "terminated"],
      ["large", "headers-too-large"],
    ]) {
      expect((await rejectionOf(fetch(`http://${silent}/${path}`))).details.reason).toBe(reason);
    }
    expect((await rejectionOf(fetch("http://elsewhere/"))).details.reason).toBe("denied");
    expect((await rejectionOf(open(["a.test"], toPrivate)("http://a.test/"))).details.reason).toBe("address-denied");
  });
});

const toPrivate: Resolve = (_hostname, _options, callback) => callback(null, [{ address: "10.0.0.1", family: 4 }]);

describe("connecting", () => {
  test("may take as long as the caller says, and no longer", async () => {
    const clock = createFakeClock();
    const asked = Promise.withResolvers<void>();
    const outbound = createOutbound({
      name: "guest",
      allow: ["api.example"],
      headersTimeoutMs: 5_000,
      clock,
      resolve: () => asked.resolve(),
    });
    onTestFinished(() => outbound[Symbol.asyncDispose]());
    const head = { method: "GET", url: "http://api.example/", headers: [] };
    const { signal } = new AbortController();
    const answer = outbound.fetch({ head, body: null, signal }, { redirect: "manual", connectTimeoutMs: 50 });
    const failure = rejectionOf(answer);
    await asked.promise;
    clock.pass(50);
    expect(await failure).toMatchObject({ code: "NEBULA_OUTBOUND_FAILED", details: { reason: "connect-timeout" } });
  });

  test("in time, an answer may take longer", async () => {
    const clock = createFakeClock();
    const head = await serve((_request, response) => {
      clock.pass(1_000);
      response.end("late");
    });
    const outbound = createOutbound({ name: "guest", allow: [head], headersTimeoutMs: 5_000, clock });
    onTestFinished(() => outbound[Symbol.asyncDispose]());
    const { signal } = new AbortController();
    const call = { head: { method: "GET", url: `http://${head}/`, headers: [] }, body: null, signal };
    const { body } = await outbound.fetch(call, { redirect: "manual", connectTimeoutMs: 50 });
    expect((await bytesOf(body)).toString()).toBe("late");
  });
});
