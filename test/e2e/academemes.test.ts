/**
 * The repository's own project on a node: every page, picture and function through the whole path.
 */

import { once } from "node:events";
import { get as httpGet } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openOnNebula, type Place } from "../support/places.ts";

let node: Place;

beforeAll(async () => {
  node = await openOnNebula(["", "functions/hello", "functions/hello-deno", "functions/citation-stream"]);
});

afterAll(() => node[Symbol.asyncDispose]());

const get = (path: string, init?: RequestInit) => fetch(node.url + path, { redirect: "manual", ...init });

describe("the site", () => {
  it.each([
    ["/", 200, "text/html", "Academemes"],
    ["/?page=2", 200, "text/html", "Fig."],
    ["/?tag=coffee", 200, "text/html", "coffee"],
    ["/?q=null+res&order=top", 200, "text/html", "A publishable null result"],
    ["/m/null-result", 200, "text/html", "A publishable null result"],
    ["/m/null-result/picture.svg", 200, "image/svg+xml", "<svg"],
    ["/templates", 200, "text/html", "Template"],
    ["/make", 200, "text/html", "Two doors"],
    ["/make/two-doors", 200, "text/html", "Third caption"],
    ["/about", 200, "text/html", "Academemes"],
    ["/feed.xml", 200, "application/atom+xml", "<entry>"],
    ["/sitemap.xml", 200, "application/xml", "/m/null-result"],
    ["/robots.txt", 200, "text/plain", "Sitemap: http"],
    ["/api/memes?limit=2", 200, "application/json", '"items"'],
    ["/api/memes?limit=0", 400, "application/problem+json", "limit"],
    ["/api/openapi.json", 200, "application/json", '"openapi"'],
    ["/nope", 404, "text/html", "Reference not found"],
    ["/m/nope", 404, "text/html", "not found"],
  ])("answers %s with %i", async (path, status, type, text) => {
    const response = await get(path);
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toContain(type);
    expect(response.headers.get("x-nebula-engine")).toBe("isolate");
    expect(await response.text()).toContain(text);
  });

  it("answers its static files without waking the function", async () => {
    for (const path of ["/style.css", "/icon.svg", "/templates/balance.svg", "/make.js"]) {
      const response = await get(path, { headers: { "accept-encoding": "br" } });
      expect(response.status, path).toBe(200);
      expect(response.headers.get("x-nebula-engine"), path).toBe("assets");
      expect(response.headers.get("server-timing")).toContain('start;desc="none"');
      await response.arrayBuffer();
    }
  });

  it("sends a visitor to a random meme", async () => {
    const response = await get("/random");
    expect(response.status).toBe(302);
    expect(response.headers.get("cache-control")).toContain("no-store");
    expect((await get(response.headers.get("location") ?? "")).status).toBe(200);
  });

  it.each(["/", "/m/null-result", "/m/null-result/picture.svg", "/feed.xml", "/api/memes"])(
    "answers 304 for %s to a visitor who has it already",
    async (path) => {
      const etag = (await get(path)).headers.get("etag") ?? "";
      expect(etag).not.toBe("");
      expect((await get(path, { headers: { "if-none-match": etag } })).status).toBe(304);
    },
  );

  it("loads nothing from elsewhere", async () => {
    for (const path of ["/", "/m/null-result", "/make/two-doors", "/templates", "/about", "/nope"]) {
      const page = await (await get(path)).text();
      const loaded = [...page.matchAll(/<(?:img|script|link)\b[^>]*\b(?:src|href)="([^"]*)"/g)].map(([tag, url]) => ({
        tag,
        url,
      }));
      const isOwn = ({ tag = "", url = "" }) => url.startsWith("/") || tag.includes('rel="canonical"');
      expect(
        loaded.filter((each) => !isOwn(each)),
        path,
      ).toEqual([]);
    }
  });
});

describe("the functions", () => {
  it("hello answers at its path and at its host", async () => {
    expect(await (await get("/fn/hello/")).text()).toBe("Hello, world\n");
    // By the Host header, because not every resolver knows *.localhost as browsers and curl do.
    const request = httpGet(node.url, { headers: { host: "hello.localhost" } });
    const [response] = await once(request, "response");
    expect(await text(response)).toBe("Hello, world\n");
  });

  it("hello-deno greets in Deno style", async () => {
    expect(await (await get("/fn/hello-deno/?name=Ada")).text()).toContain("Ada");
  });

  it("citation-stream sends its first line before its last", async () => {
    const response = await get("/fn/citation-stream/?n=5&delay=20");
    const chunks: string[] = [];
    for await (const chunk of response.body ?? []) chunks.push(Buffer.from(chunk).toString());
    expect(chunks.length).toBeGreaterThan(1);
    expect(chunks.join("").trim().split("\n")).toHaveLength(5);
  });
});
