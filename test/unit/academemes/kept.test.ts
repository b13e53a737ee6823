import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { createKeeper } from "../../../routes/kept.ts";
import type { Site } from "../../../routes/model.ts";

/** A site whose pages say how often they were made, and hold `size` characters. */
function createCounted({ size = 0, status = 200 }: { size?: number; status?: 200 | 404 } = {}) {
  const state = { version: 1, made: 0 };
  const app = new Hono<Site>();
  app.use(createKeeper(() => state.version));
  app.all("*", (c) => {
    state.made++;
    return c.text(`${state.made} ${"x".repeat(size)}`, status, { "x-page": c.req.path });
  });
  const get = async (path: string, method = "GET") => {
    const response = await app.request(`https://memes.test${path}`, { method });
    return { text: await response.text(), headers: response.headers };
  };
  return { state, get };
}

describe("a keeper", () => {
  it("makes a page once, with its headers and one ETag, until the version is another", async () => {
    const { state, get } = createCounted();
    const [first, second] = [await get("/a?b"), await get("/a?b")];
    expect(second).toEqual(first);
    expect(first.headers.get("x-page")).toBe("/a");
    expect(first.headers.get("etag")).toMatch(/^"[0-9a-f]{24}"$/);
    state.version++;
    const third = await get("/a?b");
    expect(third.text).toBe("2 ");
    expect(third.headers.get("etag")).not.toBe(first.headers.get("etag"));
  });

  it("tells pages apart by all of their address", async () => {
    const { get } = createCounted();
    const texts = await Promise.all(["/a", "/a?", "/a?b", "/b", "/A"].map(async (path) => (await get(path)).text));
    expect(new Set(texts).size).toBe(5);
  });

  it("keeps no failure, and nothing that was sent", async () => {
    const failing = createCounted({ status: 404 });
    await failing.get("/");
    await failing.get("/");
    expect(failing.state.made).toBe(2);
    const { state, get } = createCounted();
    await get("/", "POST");
    await get("/", "POST");
    expect(state.made).toBe(2);
  });

  it("keeps no page of more than 256 KiB, and of all no more than 8 MiB: what was asked for last", async () => {
    const large = createCounted({ size: 300_000 });
    await large.get("/");
    await large.get("/");
    expect(large.state.made).toBe(2);
    const { state, get } = createCounted({ size: 250_000 });
    for (let i = 0; i < 33; i++) await get(`/${i}`);
    await get("/0");
    for (let i = 33; i < 60; i++) {
      await get(`/${i}`);
      await get("/0");
    }
    const before = state.made;
    await get("/0");
    expect(state.made).toBe(before);
    await get("/1");
    expect(state.made).toBe(before + 1);
  });

  it("does not take a page made while the version changed for one of the new version", async () => {
    const state = { version: 1 };
    const app = new Hono<Site>();
    app.use(createKeeper(() => state.version));
    app.get("/", (c) => {
      const seen = state.version;
      state.version = 2; // as if somebody had voted meanwhile
      return c.text(`${seen}`);
    });
    expect(await (await app.request("/")).text()).toBe("1");
    expect(await (await app.request("/")).text()).toBe("2");
  });
});
