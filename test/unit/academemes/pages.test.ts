import { afterEach, describe, expect, it, vi } from "vitest";
import { createApp } from "../../../routes/app.ts";
import site from "../../../routes/index.ts";
import { createAssets, manyMemes, memeWith, siteOf } from "./support.ts";

afterEach(() => vi.restoreAllMocks());

describe("every page", () => {
  const get = siteOf([memeWith()]);

  it.each(["/", "/m/a-meme", "/templates", "/about"])("%s is a page that can be shared and kept", async (path) => {
    const response = await get(path);
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toMatch(/^text\/html; charset=utf-8$/i);
    expect(response.headers.get("cache-control")).toBe("public, max-age=0, must-revalidate");
    expect(text).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(text).toMatch(/<title>[^<]*Test journal[^<]*<\/title>/);
    expect(text).toContain(`<link rel="canonical" href="https://memes.test${path}">`);
    expect(text).toContain('<meta property="og:title"');
    expect(text).toContain('<a class="skip" href="#main">');
    expect(text.match(/<h1/g)).toHaveLength(1);
  });

  it.each(["/", "/m/a-meme", "/templates", "/about", "/nothing-here"])(
    "%s loads nothing from elsewhere and nothing inline",
    async (path) => {
      const response = await get(path);
      const text = await response.text();
      const policy = response.headers.get("content-security-policy") ?? "";
      expect(policy).toContain("default-src 'none'");
      expect(policy).not.toMatch(/unsafe|https?:|\*/);
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
      expect(text.match(/(?:src|action)="(?!\/)/g)).toBeNull();
      expect(text.match(/<style|\sstyle=|<script>|\son\w+=/g)).toBeNull();
      for (const [image] of text.matchAll(/<img[^>]*>/g))
        expect(image).toMatch(/ width="1200" height="900" alt="[^"]+"/);
    },
  );

  it("answers HEAD like GET without a body", async () => {
    const [head, whole] = [await get("/", { method: "HEAD" }), await get("/")];
    expect(head.status).toBe(200);
    expect(head.headers.get("etag")).toBe(whole.headers.get("etag"));
    expect(await head.text()).toBe("");
  });

  it("answers 304 to whoever has it already", async () => {
    const etag = (await get("/about")).headers.get("etag") ?? "";
    const response = await get("/about", { headers: { "if-none-match": etag } });
    expect(response.status).toBe(304);
    expect(await response.text()).toBe("");
  });

  it("has one address: a slash at the end leads there", async () => {
    const response = await get("/about/");
    expect([response.status, response.headers.get("location")]).toEqual([301, "https://memes.test/about"]);
  });

  it("says to the owner what is missing where no database is bound, and to a visitor that it is not his fault", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const response = await site.fetch(new Request("https://memes.test/"), {});
    expect(response.status).toBe(500);
    expect(await response.text()).toContain("Erratum");
    expect(String(log.mock.lastCall?.[0])).toContain('no database binding "DB"');
  });
});

describe("gallery", () => {
  const get = siteOf(manyMemes(20));

  it("shows nine figures a page, newest first", async () => {
    const text = await (await get("/")).text();
    const ids = [...text.matchAll(/<a href="\/m\/([^"]+)"><img/g)].map((match) => match[1]);
    expect(ids).toEqual([20, 19, 18, 17, 16, 15, 14, 13, 12].map((number) => `meme-${number}`));
    expect(text).toContain('<link rel="next" href="/?page=2">');
    expect(text).not.toContain('rel="prev"');
  });

  it("links the pages to each other and keeps the selection", async () => {
    const text = await (await get("/?tag=coffee&page=2&utm=x")).text();
    expect(text).toContain('<a rel="prev" href="/?tag=coffee">');
    expect(text).toContain('<a rel="next" href="/?tag=coffee&amp;page=3">');
    expect(text).toContain('<link rel="canonical" href="https://memes.test/?tag=coffee&amp;page=2">');
  });

  it.each([
    ["/?page=3", 200],
    ["/?page=4", 404],
    ["/?page=0", 404],
    ["/?page=-1", 404],
    ["/?page=1.5", 404],
    ["/?page=two", 404],
    ["/?page=99999999999999999999", 404],
    [`/?q=${"x".repeat(101)}`, 404],
    ["/?tag=&q=", 200],
    ["/?tag=unknown", 200],
  ])("%s answers %i", async (path, status) => {
    expect((await get(path)).status).toBe(status);
  });

  it("finds words in any case and says so when there are none", async () => {
    expect(await (await get("/?q=TITLE+20")).text()).toContain("1 figure<");
    expect(await (await get("/?q=zebra")).text()).toContain("No figure matches");
  });
});

describe("meme", () => {
  it("names its neighbours in the order of publication", async () => {
    const text = await (await siteOf(manyMemes(3))("/m/meme-2")).text();
    expect(text).toContain('<link rel="prev" href="/m/meme-3">');
    expect(text).toContain('<link rel="next" href="/m/meme-1">');
    expect(text).toContain('property="og:image" content="https://memes.test/m/meme-2/picture.svg"');
    expect(text).toContain('<time datetime="2026-02-03T08:00:00Z">3 February 2026</time>');
  });

  it("escapes whatever a meme holds, wherever it is shown", async () => {
    const evil = `<script>alert("1")</script>'"><img src=x onerror=1>`;
    const get = siteOf([memeWith({ title: evil, captions: [evil, evil], tags: [evil], credit: evil })]);
    for (const path of [
      "/",
      "/m/a-meme",
      `/?q=${encodeURIComponent("<script>")}`,
      `/?tag=${encodeURIComponent(evil)}`,
    ]) {
      const text = await (await get(path)).text();
      expect(text).toContain("&lt;script&gt;");
      expect(text).not.toMatch(/<script>|<img src=x/);
    }
  });
});

describe("random", () => {
  it("leads to some meme and is not kept", async () => {
    const get = siteOf(manyMemes(3));
    const met = new Set<string | null>();
    // Until it led everywhere: a way that cannot be gone would never end.
    while (met.size < 3) {
      const response = await get("/random");
      expect(response.status).toBe(302);
      expect(response.headers.get("cache-control")).toBe("no-store");
      met.add(response.headers.get("location"));
    }
    expect([...met].sort()).toEqual(["/m/meme-1", "/m/meme-2", "/m/meme-3"]);
  });

  it("leads home when there is none", async () => {
    expect((await siteOf([])("/random")).headers.get("location")).toBe("/");
  });
});

describe("not found and errors", () => {
  it.each(["/nothing", "/m/unknown", "/m/unknown/picture.svg", "/m/%3Cscript%3E"])(
    "%s answers 404 with a page that is not kept",
    async (path) => {
      const response = await siteOf([memeWith()])(path, { headers: { "if-none-match": "*" } });
      const text = await response.text();
      expect(response.status).toBe(404);
      expect(response.headers.get("cache-control")).toBe("no-store");
      expect(text).toContain("Reference not found");
      expect(text).toContain('<meta name="robots" content="noindex">');
    },
  );

  it.each(["/", "/api/memes"])("%s tells a visitor nothing of what broke, and the owner everything", async (path) => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const broken = createApp(() => {
      throw new Error("password in the stack");
    });
    const response = await broken.request(`https://memes.test${path}`, {}, { ASSETS: createAssets() });
    expect(response.status).toBe(500);
    expect(await response.text()).not.toMatch(/password|Error:|at /);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(log).toHaveBeenCalledOnce();
  });
});
