/** What has been read lately is never behind what was written. */

import { beforeEach, expect, test } from "vitest";
import { createRecent, ReadCache, type Stored } from "../../../src/bindings/kv/read-cache.ts";
import { KIB } from "../../../src/model/units.ts";
import { openKvLab } from "../../support/kv-lab.ts";

let cache: ReadCache;
beforeEach(() => {
  cache = new ReadCache(createRecent(100 * KIB), "n");
});

function stored(text: string, expiration?: number): Stored {
  return { isFound: true, value: Buffer.from(text), expiration };
}

/** A read that ends when the test says so. */
function startRead(key: string): { end(text: string): Promise<Stored>; fail(): Promise<unknown> } {
  const { promise, resolve, reject } = Promise.withResolvers<Stored>();
  const reading = cache.read(key, () => promise, (found) => found); // biome-ignore format: one line
  return {
    end: async (text) => {
      resolve(stored(text));
      return await reading;
    },
    fail: async () => {
      reject(new TypeError("no"));
      return await reading.catch(() => {});
    },
  };
}

function textOf(key: string, now = 0): string | undefined {
  const found = cache.find(key, now);
  return found && Buffer.from(found.value).toString();
}

test("a read is kept, in its own namespace", async () => {
  await startRead("k").end("v");
  expect([textOf("k"), textOf("other")]).toEqual(["v", undefined]);
  const recent = createRecent(KIB);
  const [one, two] = [new ReadCache(recent, "one"), new ReadCache(recent, "two")];
  await one.read("k", async () => stored("v"), (found) => found); // biome-ignore format: one line
  expect([one.find("k", 0) === undefined, two.find("k", 0) === undefined]).toEqual([false, true]);
});

test("a write takes away what is kept, when it begins and when it is over, also when it fails", async () => {
  await startRead("k").end("old");
  const { promise, reject } = Promise.withResolvers<void>();
  const writing = cache.write("k", () => promise).catch(() => {});
  expect(textOf("k")).toBeUndefined();
  await startRead("k").end("old");
  reject(new TypeError("no"));
  await writing;
  expect(textOf("k")).toBeUndefined();
});

test("a read that was under way when a write began is not kept, whenever it ends", async () => {
  const [first, second] = [startRead("k"), startRead("k")];
  await first.end("old");
  await cache.write("k", async () => {});
  await second.end("old");
  expect(textOf("k")).toBeUndefined();
  await startRead("k").end("new");
  expect(textOf("k")).toBe("new");
});

test("a read that began while a write was under way is not kept when it ends behind it", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const writing = cache.write("k", () => promise);
  const reading = startRead("k");
  resolve();
  await writing;
  await reading.end("old");
  expect(textOf("k")).toBeUndefined();
});

test("a read that fails keeps nothing, and writes of other keys take nothing away", async () => {
  await startRead("k").end("v");
  await startRead("broken").fail();
  await cache.write("other", async () => {});
  expect([textOf("k"), textOf("broken")]).toEqual(["v", undefined]);
});

test("what has expired is not found", async () => {
  await cache.read("k", async () => stored("v", 100), (found) => found); // biome-ignore format: one line
  expect([textOf("k", 99), textOf("k", 100)]).toEqual(["v", undefined]);
});

test("large values are not kept, and what was not asked for goes first", async () => {
  await startRead("large").end("x".repeat(65 * KIB));
  for (let i = 0; i < 20; i++) await startRead(`k${i}`).end("x".repeat(10 * KIB));
  expect([textOf("large"), textOf("k0")]).toEqual([undefined, undefined]);
  expect(textOf("k19")).toHaveLength(10 * KIB);
});

test("whoever has seen a put answered reads no older value, however many read and write", async () => {
  await using lab = await openKvLab();
  const kv = lab.namespace("busy");
  let answered = 0;
  let isOver = false;
  const write = async () => {
    for (let i = 1; i <= 150; i++) {
      await kv.put("k", String(i));
      answered = i;
    }
    isOver = true;
  };
  const behind: string[] = [];
  const read = async () => {
    while (!isOver) {
      const before = answered;
      const found = Number(await kv.get("k"));
      if (found < before) behind.push(`${found} after ${before}`);
    }
  };
  await Promise.all([write(), read(), read(), read()]);
  expect(behind).toEqual([]);
  expect(await kv.get("k")).toBe("150");
});
