import { createHash } from "node:crypto";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createWebFetch } from "../../../src/engine/guest/deno-fetch.guest.ts";
import type { OutboundRequest, SendOut } from "../../../src/engine/guest/platform.guest.ts";
import type { Body } from "../../../src/model/exchange.ts";
import { bytesOf } from "../../support/capabilities.ts";

interface Reply {
  readonly status?: number;
  readonly headers?: readonly string[];
  readonly body?: Body;
}

/** A fetch that gets these replies, one after the other, and what it sent for them. */
function openFetch(...replies: Reply[]) {
  const sent: (Omit<OutboundRequest, "headers" | "body"> & { headers: Record<string, string>; body: string })[] = [];
  const send = async ({ method, url, headers, body }: OutboundRequest) => {
    const pairs = headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1] ?? ""]] : []));
    sent.push({ method, url, headers: Object.fromEntries(pairs), body: (await bytesOf(body)).toString() });
    const { status = 200, headers: answered = [], body: content = null } = replies.shift() ?? {};
    return {
      answer: Promise.resolve({ head: { status, headers: answered }, body: content, trailers: undefined }),
      settled: Promise.resolve(),
      cancel: () => {},
    };
  };
  const native = () => Promise.reject(new Error("the runtime's own fetch was asked"));
  return { fetch: createWebFetch(send as unknown as SendOut, native), sent };
}

const redirect = (status: number, location: string): Reply => ({ status, headers: ["location", location] });

describe("what is sent", () => {
  it("has the headers that every fetch sends, unless the function has its own", async () => {
    const { fetch, sent } = openFetch();
    await fetch("http://a.test/x?y#z", { headers: { accept: "text/plain" } });
    expect(sent[0]).toMatchObject({ method: "GET", url: "http://a.test/x?y#z", body: "" });
    expect(sent[0]?.headers).toEqual({
      accept: "text/plain",
      "accept-language": "*",
      "accept-encoding": "gzip, deflate, br",
      "user-agent": "Nebula",
    });
  });

  it("has its length where that is known", async () => {
    const { fetch, sent } = openFetch();
    await fetch("http://a.test/", { method: "POST", body: "äb" });
    await fetch("http://a.test/", { method: "POST", body: new Blob(["c"]).stream(), duplex: "half" });
    expect(sent.map(({ headers, body }) => [headers["content-length"], body])).toEqual([
      ["3", "äb"],
      [undefined, "c"],
    ]);
  });

  it("leads to the network or nowhere", async () => {
    const { fetch, sent } = openFetch();
    for (const url of ["file:///etc/passwd", "ftp://a.test/", "about:blank"])
      await expect(fetch(url)).rejects.toThrow(/is no scheme of the network/);
    await expect(fetch("data:,x")).rejects.toThrow("the runtime's own fetch was asked");
    await expect(fetch("nonsense")).rejects.toThrow(TypeError);
    expect(sent).toEqual([]);
  });
});

describe("a redirect", () => {
  it.each([
    [301, "POST", "GET", ""],
    [302, "POST", "GET", ""],
    [303, "PUT", "GET", ""],
    [303, "HEAD", "HEAD", ""],
    [302, "PUT", "PUT", "body"],
    [307, "POST", "POST", "body"],
    [308, "POST", "POST", "body"],
  ])("of status %i makes %s a %s with the body %j", async (status, method, then, body) => {
    const { fetch, sent } = openFetch(redirect(status, "/next"), { body: Buffer.from("here") });
    const init = {
      method,
      headers: { "content-type": "text/x", cookie: "a=b" },
      ...(method !== "HEAD" && { body: "body" }),
    };
    const answer = await fetch("http://a.test/first", init);
    expect([answer.url, answer.redirected]).toEqual(["http://a.test/next", true]);
    const [, second] = sent;
    expect(second).toMatchObject({ method: then, url: "http://a.test/next", body });
    expect(second?.headers["content-type"]).toBe(then === "GET" ? undefined : "text/x");
    expect(second?.headers.cookie).toBe("a=b");
  });

  it("to another origin takes no credentials along", async () => {
    const { fetch, sent } = openFetch(redirect(302, "http://b.test/"));
    await fetch("http://a.test/", { headers: { authorization: "x", cookie: "y", "x-own": "z" } });
    expect(sent[1]?.headers).toMatchObject({ "x-own": "z" });
    expect(Object.keys(sent[1]?.headers ?? {})).not.toEqual(expect.arrayContaining(["authorization"]));
    expect(Object.keys(sent[1]?.headers ?? {})).not.toEqual(expect.arrayContaining(["cookie"]));
  });

  it("is followed twenty times and no more", async () => {
    const { fetch, sent } = openFetch(...Array.from({ length: 30 }, () => redirect(302, "/again")));
    await expect(fetch("http://a.test/")).rejects.toThrow("more than 20 redirects");
    expect(sent).toHaveLength(21);
  });

  it.each(["file:///etc/passwd", "data:,x", "http://", "javascript:1"])("that leads to %s is an error", async (to) => {
    await expect(openFetch(redirect(302, to)).fetch("http://a.test/")).rejects.toThrow("the redirect leads nowhere");
  });

  it("that asks for a streamed body once more is an error", async () => {
    const { fetch } = openFetch(redirect(307, "/next"));
    const body = new Blob(["x"]).stream();
    await expect(fetch("http://a.test/", { method: "POST", body, duplex: "half" })).rejects.toThrow(
      "cannot be sent again",
    );
  });

  it("is given as it is, or refused, where the function says so", async () => {
    const { fetch } = openFetch(redirect(302, "/next"), redirect(302, "/next"));
    const answer = await fetch("http://a.test/", { redirect: "manual" });
    expect([answer.status, answer.headers.get("location")]).toEqual([302, "/next"]);
    await expect(fetch("http://a.test/", { redirect: "error" })).rejects.toThrow("unexpected redirect");
  });
});

describe("what comes back", () => {
  it.each([
    ["gzip", gzipSync("text")],
    ["x-gzip", gzipSync("text")],
    ["deflate", deflateSync("text")],
    ["br", brotliCompressSync("text")],
    ["gzip, br", brotliCompressSync(gzipSync("text"))],
    ["GZIP", gzipSync("text")],
  ])("in the coding %s is unpacked", async (coding, body) => {
    const { fetch } = openFetch({ headers: ["Content-Encoding", coding], body });
    expect(await (await fetch("http://a.test/")).text()).toBe("text");
  });

  it("in a coding that nobody knows is given as it is, and so is what has none", async () => {
    const { fetch } = openFetch(
      { headers: ["content-encoding", "own"], body: Buffer.from("a") },
      { body: Buffer.from("b") },
    );
    expect(await (await fetch("http://a.test/")).text()).toBe("a");
    expect(await (await fetch("http://a.test/")).text()).toBe("b");
  });

  it("is checked against integrity, by its strongest digest", async () => {
    const sha = (bits: number) => `sha${bits}-${createHash(`sha${bits}`).update("text").digest("base64")}`;
    const get = (integrity: string) => openFetch({ body: Buffer.from("text") }).fetch("http://a.test/", { integrity });
    expect(await (await get(`sha256-AAAA ${sha(512)}`)).text()).toBe("text");
    expect(await (await get("nonsense")).text()).toBe("text");
    await expect(get(`${sha(256)} sha512-AAAA`)).rejects.toThrow("not what integrity says");
  });

  it("stops when the function has aborted", async () => {
    const { fetch, sent } = openFetch();
    await expect(fetch("http://a.test/", { signal: AbortSignal.abort(new Error("mine")) })).rejects.toThrow("mine");
    expect(sent).toEqual([]);
  });
});
