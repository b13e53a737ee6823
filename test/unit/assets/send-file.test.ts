import { describe, expect, test } from "vitest";
import { MIB } from "../../../src/model/units.ts";
import { createSite, type SiteFile } from "./site.ts";

const PLAIN: SiteFile = { content: "0123456789", type: "text/html" };
const ENCODED: SiteFile = { content: "x".repeat(100), encoded: { br: "br", zstd: "zst", gzip: "gzip" } };
const site = createSite({
  files: { "/plain": PLAIN, "/enc": ENCODED, "/empty": "", "/404.html": "lost" },
  notFoundHandling: "404-page",
});

async function tagOf(path: string, headers: Record<string, string> = {}): Promise<string> {
  return (await site.get(path, { headers })).header("etag") ?? "";
}

describe("a file", () => {
  test("comes with type, length, tag, ranges and caching", async () => {
    const { headers, status, body } = await site.get("/plain");
    expect([status, body]).toEqual([200, "0123456789"]);
    expect(headers).toEqual([
      ...["content-type", "text/html", "accept-ranges", "bytes", "etag", await tagOf("/plain")],
      ...["cache-control", "public, max-age=0, must-revalidate", "content-length", "10"],
    ]);
    expect(await tagOf("/plain")).toMatch(/^"[0-9a-f]{32}"$/);
  });

  test("answers HEAD with the same headers and no body", async () => {
    const [get, head] = [await site.get("/plain"), await site.get("/plain", { method: "HEAD" })];
    expect([head.status, head.headers, head.body]).toEqual([get.status, get.headers, ""]);
  });

  test("of no bytes has a length of 0", async () => {
    const got = await site.get("/empty");
    expect([got.answer, got.header("content-length")]).toEqual(["200", "0"]);
  });

  test.each([{ authorization: "x" }, { range: "bytes=0-" }])(
    "has no Cache-Control when asked with %o",
    async (headers) => {
      expect((await site.get("/plain", { headers })).header("cache-control")).toBeUndefined();
    },
  );
});

describe("conditions", () => {
  test.each([
    ["if-none-match", "TAG", 304],
    ["if-none-match", "W/TAG", 304],
    ["if-none-match", '"a,b" , W/"c",TAG', 304],
    ["if-none-match", "*", 304],
    ["if-none-match", '"other"', 200],
    ["if-none-match", "nonsense", 200],
    ["if-none-match", "", 200],
    ["if-match", "TAG", 200],
    ["if-match", "*", 200],
    ["if-match", "W/TAG", 412],
    ["if-match", '"other"', 412],
    ["if-modified-since", "Sun, 06 Nov 2094 08:49:37 GMT", 200],
  ])("%s: %s gives %d", async (name, value, status) => {
    const headers = { [name]: value.replace("TAG", await tagOf("/plain")) };
    expect((await site.get("/plain", { headers })).status).toBe(status);
    expect((await site.get("/plain", { headers, method: "HEAD" })).status).toBe(status);
  });

  test("a 304 has the validators and nothing about a body", async () => {
    const etag = await tagOf("/enc");
    const { headers } = await site.get("/enc", { headers: { "if-none-match": etag } });
    expect(headers).toEqual([
      ...["etag", etag, "vary", "accept-encoding", "cache-control", "public, max-age=0, must-revalidate"],
    ]);
  });

  test("do not apply to an error page", async () => {
    const etag = (await site.get("/lost")).header("etag") ?? "";
    const got = await site.get("/lost", { headers: { "if-none-match": etag, "if-match": '"x"', range: "bytes=0-1" } });
    expect(got.answer).toBe("404 lost");
  });
});

describe("ranges", () => {
  test.each([
    ["bytes=0-3", "206 0123", "bytes 0-3/10"],
    ["bytes=4-", "206 456789", "bytes 4-9/10"],
    ["bytes=-3", "206 789", "bytes 7-9/10"],
    ["bytes=-99", "206 0123456789", "bytes 0-9/10"],
    ["bytes=9-99999999999999999999", "206 9", "bytes 9-9/10"],
    ["BYTES=0-0", "206 0", "bytes 0-0/10"],
    ["bytes=10-", "416", "bytes */10"],
    ["bytes=-0", "416", "bytes */10"],
    ["bytes=0-1,3-4", "200 0123456789", undefined],
    ["bytes=5-2", "200 0123456789", undefined],
    ["bytes=-", "200 0123456789", undefined],
    ["bytes=a-b", "200 0123456789", undefined],
    ["items=0-1", "200 0123456789", undefined],
    [`bytes=0${" ".repeat(50_000)}x`, "200 0123456789", undefined],
  ])("%s gives %s", async (range, answer, contentRange) => {
    const got = await site.get("/plain", { headers: { range } });
    expect([got.answer, got.header("content-range")]).toEqual([answer, contentRange]);
    expect(got.header("content-length")).toBe(String(got.body.length));
  });

  test("of an empty file, and with HEAD, are ignored", async () => {
    expect((await site.get("/empty", { headers: { range: "bytes=0-" } })).status).toBe(200);
    expect((await site.get("/plain", { headers: { range: "bytes=0-1" }, method: "HEAD" })).status).toBe(200);
  });

  test("come from the file as it is, whatever encoding is accepted", async () => {
    const got = await site.get("/enc", { headers: { range: "bytes=0-1", "accept-encoding": "br" } });
    expect([got.answer, got.header("content-encoding"), got.header("vary")]).toEqual([
      "206 xx",
      undefined,
      "accept-encoding",
    ]);
  });

  test.each([
    ["TAG", 206],
    ["W/TAG", 200],
    ['"other"', 200],
    ["Sun, 06 Nov 1994 08:49:37 GMT", 200],
  ])("with If-Range: %s give %d", async (ifRange, status) => {
    const headers = { range: "bytes=0-1", "if-range": ifRange.replace("TAG", await tagOf("/plain")) };
    expect((await site.get("/plain", { headers })).status).toBe(status);
  });

  test("give way to If-None-Match", async () => {
    const headers = { range: "bytes=99-", "if-none-match": await tagOf("/plain") };
    expect((await site.get("/plain", { headers })).status).toBe(304);
  });
});

describe("encodings", () => {
  test.each([
    [undefined, undefined],
    ["", undefined],
    ["gzip, deflate, br, zstd", "br"],
    ["gzip, zstd", "zstd"],
    ["GZIP", "gzip"],
    ["x-gzip", "gzip"],
    ["deflate", undefined],
    ["br;q=0.5, gzip;q=0.8", "gzip"],
    ["br;q=0, gzip;q=0.001", "gzip"],
    ["*", "br"],
    ["*, br;q=0", "zstd"],
    ["*;q=0", undefined],
    ["identity;q=0", undefined],
    ["identity, br;q=0.5", undefined],
    ["identity, br", "br"],
    ["br;q=2", undefined],
    ["br;q=nonsense, gzip", "gzip"],
  ])("Accept-Encoding: %s gives %s", async (acceptEncoding, encoding) => {
    const headers = acceptEncoding === undefined ? {} : { "accept-encoding": acceptEncoding };
    const got = await site.get("/enc", { headers });
    expect([got.header("content-encoding"), got.header("vary")]).toEqual([encoding, "accept-encoding"]);
    expect(got.header("content-length")).toBe(String(got.body.length));
  });

  test("a form that is larger than the file is not preferred to it", async () => {
    const large = createSite({ files: { "/a": { content: "a", encoded: { br: "larger" } } } });
    expect((await large.get("/a", { headers: { "accept-encoding": "identity, br" } })).body).toBe("a");
  });

  test("each has its own tag, and only that one gives 304", async () => {
    const tags = await Promise.all(["br", "gzip", "zstd", ""].map((one) => tagOf("/enc", { "accept-encoding": one })));
    expect(new Set(tags).size).toBe(4);
    const [br = "", gzip = ""] = tags;
    const ask = (tag: string) => site.get("/enc", { headers: { "accept-encoding": "br", "if-none-match": tag } });
    expect([(await ask(br)).status, (await ask(gzip)).status]).toEqual([304, 200]);
  });

  test("a file without other forms has no Vary", async () => {
    expect((await site.get("/plain", { headers: { "accept-encoding": "br" } })).header("vary")).toBeUndefined();
  });
});

describe("bytes", () => {
  const gone = { code: "NEBULA_CLIENT_GONE" };

  test("of a small file are read once, by however many at once", async () => {
    const own = createSite({ files: ["/a"] });
    await Promise.all(Array.from({ length: 20 }, () => own.get("/a")));
    await own.get("/a");
    expect(own.blobs.reads).toBe(1);
  });

  test("are not read for HEAD, 304 and redirects", async () => {
    const own = createSite({ files: ["/a.html"] });
    const etag = (await own.get("/a", { method: "HEAD" })).header("etag") ?? "";
    await own.get("/a", { headers: { "if-none-match": etag } });
    await own.get("/a.html");
    expect(own.blobs.reads).toBe(0);
  });

  test("leave the cache when others need the room, least recently used first", async () => {
    const own = createSite({
      files: { "/a": "a".repeat(40), "/b": "b".repeat(40), "/c": "c".repeat(40) },
      cacheBytes: 100,
    });
    for (const path of ["/a", "/b", "/a", "/c"]) await own.get(path);
    expect(own.blobs.reads).toBe(3);
    await own.get("/a");
    expect(own.blobs.reads).toBe(3);
    await own.get("/b");
    expect(own.blobs.reads).toBe(4);
  });

  test("of a large file are streamed each time, also in part", async () => {
    const content = "0123456789".repeat(MIB / 5);
    const own = createSite({ files: { "/large": content } });
    expect((await own.get("/large")).body).toBe(content);
    expect((await own.get("/large", { headers: { range: "bytes=-3" } })).answer).toBe("206 789");
    expect([own.blobs.reads, own.blobs.streams]).toEqual([0, 2]);
  });

  test("of a large file stop when the client leaves", async () => {
    const own = createSite({ files: { "/large": "x".repeat(2 * MIB) } });
    const client = new AbortController();
    const head = { method: "GET", url: "http://site.test/large", headers: [] };
    const { body } = await own.assets.fetch({ head, body: null, signal: client.signal });
    const reader = body instanceof ReadableStream ? body.getReader() : undefined;
    await reader?.read();
    client.abort();
    await expect(reader?.closed).rejects.toBeDefined();
    expect(own.blobs.cancelled).toBe(1);
  });

  test("are not waited for by a client that leaves, and others still get them", async () => {
    const own = createSite({ files: ["/a"] });
    const { promise, resolve } = Promise.withResolvers<void>();
    own.blobs.gate = promise;
    const client = new AbortController();
    const leaving = expect(own.get("/a", { signal: client.signal })).rejects.toMatchObject(gone);
    const staying = own.get("/a");
    client.abort();
    await leaving;
    resolve();
    expect((await staying).body).toBe("/a");
    expect(own.blobs.reads).toBe(1);
  });

  test("are not asked for by a client that has left", async () => {
    const own = createSite({ files: { "/a": "a", "/large": "x".repeat(2 * MIB) } });
    for (const path of ["/a", "/large"]) {
      await expect(own.get(path, { signal: AbortSignal.abort() })).rejects.toMatchObject(gone);
    }
    expect(own.blobs.streams).toBe(0);
  });

  test("that cannot be read fail the request and are tried again", async () => {
    const own = createSite({ files: ["/a"] });
    own.blobs.gate = Promise.reject(new Error("disk"));
    await expect(own.get("/a")).rejects.toThrow("disk");
    own.blobs.gate = undefined;
    expect((await own.get("/a")).body).toBe("/a");
  });

  test("of another length than the manifest says are refused", async () => {
    const own = createSite({ files: ["/a"] });
    for (const digest of own.blobs.kept.keys()) own.blobs.kept.set(digest, new Uint8Array(99));
    await expect(own.get("/a")).rejects.toMatchObject({ code: "NEBULA_STATE_FAILED" });
  });
});
