/** What the caches of all functions hold, with time and limits in the test's hand. What each call gives is in test/e2e/cache.test.ts. */

import { beforeEach, describe, expect, test } from "vitest";
import { type CacheLimits, createCaches } from "../../../src/bindings/cache/cache.ts";
import { findKeepable } from "../../../src/bindings/cache/freshness.ts";
import { Cache, createCaches as createGlobals } from "../../../src/env/caches.ts";
import { CACHED_STATUS } from "../../../src/model/cache.ts";
import type { Resource } from "../../../src/model/ports.ts";
import { createFakeClock, type FakeClock } from "../../support/fake-clock.ts";
import { toAsk } from "../../support/kv-lab.ts";

const URL_A = "http://a.test/a";
let clock: FakeClock;
let open: (name: string) => Resource;

function openCaches(limits: Partial<CacheLimits> = {}): void {
  const caches = createCaches(clock, limits);
  open = (name) => caches({ name });
}

/** The default cache of a function, as it sees it. */
function cacheOf(name: string): Cache {
  return new Cache(toAsk(() => open(name)));
}

function fresh(body: string | ReadableStream | null, headers: Record<string, string> = {}): Response {
  return new Response(body, { headers: { "cache-control": "max-age=100", ...headers } });
}

async function has(cache: Cache, url: string): Promise<boolean> {
  return (await cache.match(url)) !== undefined;
}

beforeEach(() => {
  clock = createFakeClock();
  openCaches();
});

describe("time", () => {
  test("a response is gone in the millisecond in which it is stale", async () => {
    const cache = cacheOf("f");
    await cache.put(URL_A, fresh("x"));
    clock.pass(99_999);
    expect(await has(cache, URL_A)).toBe(true);
    clock.pass(1);
    expect(await has(cache, URL_A)).toBe(false);
    expect(await cache.delete(URL_A)).toBe(false);
  });

  test("its age is told, what it had when it came included", async () => {
    const cache = cacheOf("f");
    await cache.put(URL_A, fresh("x", { age: "10" }));
    clock.pass(5_500);
    expect((await cache.match(URL_A))?.headers.get("age")).toBe("15");
    clock.pass(84_500);
    expect(await has(cache, URL_A)).toBe(false);
  });

  test.each([
    [200, 7_200_000],
    [301, 7_200_000],
    [302, 1_200_000],
    [404, 180_000],
  ])("a %i that says nothing of its lifetime is kept for %i ms", async (status, ms) => {
    const cache = cacheOf("f");
    await cache.put(URL_A, new Response("x", { status }));
    clock.pass(ms - 1);
    expect(await has(cache, URL_A)).toBe(true);
    clock.pass(1);
    expect(await has(cache, URL_A)).toBe(false);
  });

  test("Expires counts from Date where there is one", () => {
    const at = (ms: number) => new Date(ms).toUTCString();
    const headers = ["date", at(1_000_000), "expires", at(1_060_000)];
    expect(findKeepable({ status: 200, headers, isAuthorized: false }, 5e9)?.lifetimeMs).toBe(60_000);
    expect(findKeepable({ status: 200, headers: headers.slice(2), isAuthorized: false }, 1_010_000)?.lifetimeMs).toBe(
      50_000,
    );
  });
});

describe("limits", () => {
  test("a response larger than an entry may be is not kept, and not read to its end", async () => {
    openCaches({ entryBytes: 10_000 });
    const cache = cacheOf("f");
    let chunks = 0;
    const endless = new ReadableStream({
      pull: (controller) => {
        chunks += 1;
        controller.enqueue(new Uint8Array(1_000));
      },
    });
    await cache.put(URL_A, fresh(endless));
    expect([await has(cache, URL_A), chunks < 20]).toEqual([false, true]);
    await cache.put(URL_A, fresh("x".repeat(8_000)));
    expect(await has(cache, URL_A)).toBe(true);
  });

  test("a body of single bytes takes no more memory than its bytes", async () => {
    openCaches();
    const before = process.memoryUsage().rss;
    let bytes = 0;
    const pull = (controller: ReadableStreamDefaultController) => {
      bytes += 1;
      controller.enqueue(new Uint8Array([bytes % 256]));
      if (bytes === 500_000) controller.close();
    };
    await cacheOf("f").put(URL_A, fresh(new ReadableStream({ pull })));
    const kept = new Uint8Array((await (await cacheOf("f").match(URL_A))?.arrayBuffer()) ?? []);
    expect([kept.length, kept.every((byte, i) => byte === (i + 1) % 256)]).toEqual([500_000, true]);
    expect(process.memoryUsage().rss - before).toBeLessThan(80 * 2 ** 20);
  });

  test("what is not to be kept is not read", async () => {
    const cache = cacheOf("f");
    let isCancelled = false;
    const stream = new ReadableStream({
      cancel: () => {
        isCancelled = true;
      },
    });
    await cache.put(URL_A, fresh(stream, { "cache-control": "no-store" }));
    expect(isCancelled).toBe(true);
  });

  test("a function loses what it asked for longest ago, and no other function loses any", async () => {
    openCaches({ functionBytes: 10_000 });
    const [one, two] = [cacheOf("one"), cacheOf("two")];
    await two.put(URL_A, fresh("x".repeat(5_000)));
    for (const path of ["a", "b"]) await one.put(`http://a.test/${path}`, fresh("x".repeat(4_000)));
    expect(await has(one, URL_A)).toBe(true);
    await one.put("http://a.test/c", fresh("x".repeat(4_000)));
    const left = await Promise.all(["a", "b", "c"].map((path) => has(one, `http://a.test/${path}`)));
    expect([left, await has(two, URL_A)]).toEqual([[true, false, true], true]);
  });

  test("when all together have too much, whoever has the most gives", async () => {
    openCaches({ totalBytes: 20_000 });
    const [small, large] = [cacheOf("small"), cacheOf("large")];
    await small.put(URL_A, fresh("x".repeat(3_000)));
    for (let i = 0; i < 10; i++) await large.put(`http://a.test/${i}`, fresh("x".repeat(4_000)));
    expect([await has(small, URL_A), await has(large, "http://a.test/9")]).toEqual([true, true]);
    expect([await has(large, "http://a.test/0"), await has(large, "http://a.test/5")]).toEqual([false, false]);
  });

  test("many bodies on their way at once cannot take more than the cache may hold", async () => {
    openCaches({ functionBytes: 10_000 });
    const cache = cacheOf("f");
    const feeds: ReadableStreamDefaultController[] = [];
    const puts = Array.from({ length: 8 }, (_, i) => {
      const stream = new ReadableStream({ start: (controller) => void feeds.push(controller) });
      return cache.put(`http://a.test/${i}`, fresh(stream));
    });
    for (const feed of feeds) feed.enqueue(new Uint8Array(3_000));
    await Promise.all(puts.slice(3));
    for (const feed of feeds.slice(0, 3)) feed.close();
    await Promise.all(puts);
    const kept = await Promise.all(puts.map((_, i) => has(cache, `http://a.test/${i}`)));
    expect(kept).toEqual([false, true, true, false, false, false, false, false]);
  });
});

test("a body that breaks off is not kept, and leaves room for others", async () => {
  openCaches({ functionBytes: 10_000 });
  const cache = cacheOf("f");
  for (let i = 0; i < 5; i++) {
    const feed = new ReadableStream({
      start: (controller) => {
        controller.enqueue(new Uint8Array(5_000));
        queueMicrotask(() => controller.error(new TypeError("no more")));
      },
    });
    await cache.put(URL_A, fresh(feed)).catch(() => {});
  }
  await cache.put(URL_A, fresh("x".repeat(5_000)));
  expect(await has(cache, URL_A)).toBe(true);
});

test("a guest that speaks past the facade is answered, and keeps nothing strange", async () => {
  const ask = toAsk(() => open("f"));
  for (const status of ["", "99", "206", "304", "abc", "1e9"]) {
    const put = {
      method: "PUT",
      url: URL_A,
      headers: [CACHED_STATUS, status, "cache-control", "max-age=9"],
      body: null,
    };
    expect((await ask(put)).status).toBe(413);
  }
  expect((await ask({ method: "PATCH", url: URL_A, headers: [], body: null })).status).toBe(405);
  expect((await ask({ method: "GET", url: URL_A, headers: [], body: null })).status).toBe(504);
});

test("nobody makes a cache but the host", () => {
  const { caches, ...classes } = createGlobals({ ask: () => toAsk(() => open("f")) });
  for (const each of Object.values(classes)) expect(() => Reflect.construct(each, [])).toThrow("Illegal constructor");
  expect(Object.isFrozen(caches)).toBe(true);
});
