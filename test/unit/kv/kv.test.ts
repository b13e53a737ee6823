/** KV namespaces on their real storage process, with time in the test's hand. What each call gives is in test/e2e/kv.test.ts. */

import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import { toFileName } from "../../../src/bindings/kv/kv.ts";
import { PIECE_BYTES } from "../../../src/bindings/kv/protocol.ts";
import type { Body } from "../../../src/model/exchange.ts";
import { KV_METADATA, MAX_VALUE_BYTES } from "../../../src/model/kv.ts";
import { MIB } from "../../../src/model/units.ts";
import { bytesOf } from "../../support/capabilities.ts";
import { createFakeClock } from "../../support/fake-clock.ts";
import { openKvLab, toAsk } from "../../support/kv-lab.ts";
import { fillDisk, mountMemory } from "../../support/small-disk.ts";

const root = await realpath(await mkdtemp(join(tmpdir(), "nebula-kv-")));
const clock = createFakeClock();
const lab = await openKvLab({ clock });
/** The namespace of the test that runs. */
let id = "";
let kv = lab.namespace(id);
let tests = 0;

beforeEach(() => {
  tests += 1;
  id = `n${tests}`;
  kv = lab.namespace(id);
});
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});

/** Rows of a table, read from the file itself. */
function countRows(table: "entries" | "pieces"): number {
  const db = new DatabaseSync(join(lab.dir, `${id}.sqlite`), { readOnly: true });
  try {
    return Number(db.prepare(`SELECT count(*) AS rows FROM ${table}`).get()?.rows);
  } finally {
    db.close();
  }
}

describe("time", () => {
  test("a key is gone for every reader in the second in which it expires", async () => {
    await kv.put("k", "v", { expirationTtl: 60, metadata: 1 });
    await kv.put("stays", "v");
    clock.pass(59_000);
    expect(await kv.get("k")).toBe("v");
    clock.pass(1_000);
    expect(await kv.get("k")).toBeNull();
    expect(await kv.get(["k", "stays"])).toEqual(new Map([["k", null], ["stays", "v"]])); // biome-ignore format: pairs
    expect(await kv.getWithMetadata("k")).toEqual({ value: null, metadata: null, cacheStatus: null });
    expect((await kv.list()).keys).toEqual([{ name: "stays" }]);
  });

  test("a put gives an expired key a new life", async () => {
    await kv.put("k", "old", { expirationTtl: 60 });
    clock.pass(100_000);
    await kv.put("k", "new");
    clock.pass(1e9);
    expect(await kv.get("k")).toBe("new");
  });

  test("what has expired is swept from the disk a minute after the namespace was in use, its pieces too", async () => {
    await kv.put("large", new Uint8Array(2 * PIECE_BYTES + 1), { expirationTtl: 60 });
    for (let i = 0; i < 600; i++) await kv.put(`k${i}`, "v", { expirationTtl: 60 });
    await kv.put("stays", "v");
    expect([countRows("entries"), countRows("pieces")]).toEqual([602, 3]);
    clock.pass(61_000);
    await vi.waitFor(() => expect([countRows("entries"), countRows("pieces")]).toEqual([1, 0]));
  });
});

describe("ids", () => {
  test("two bindings with one id have one namespace, other ids have others", async () => {
    await kv.put("k", "v");
    expect(await lab.namespace(id).get("k")).toBe("v");
    expect(await lab.namespace("another").get("k")).toBeNull();
    expect(lab.resource(id)).toBe(lab.resource(id));
  });

  test("any id makes a file of its own in the folder", async () => {
    const ids = ["../../etc", "a/b", "a_b", "A", "a", "é", "", "x".repeat(500), "con", "a\0b"];
    for (const id of ids) await lab.namespace(id).put("k", id);
    for (const id of ids) expect(await lab.namespace(id).get("k")).toBe(id.toWellFormed());
    const files = (await readdir(lab.dir)).filter((name) => name.endsWith(".sqlite"));
    expect(files).toEqual(expect.arrayContaining(ids.map((each) => `${toFileName(each)}.sqlite`)));
    expect(new Set(ids.map(toFileName)).size).toBe(ids.length);
  });

  test("a hundred namespaces are served by one process, which has but some of their files open", async () => {
    const ids = Array.from({ length: 100 }, (_, i) => `many-${i}`);
    await Promise.all(ids.map((id) => lab.namespace(id).put("k", id)));
    for (const each of ids) expect(await lab.namespace(each).get("k")).toBe(each);
    const files = await readdir(`/proc/${lab.storage.pid}/fd`);
    expect(files.length).toBeLessThan(64 * 3 + 30);
  });
});

describe("large values", () => {
  test("are written in pieces, come back as they were, and leave none when they are replaced or deleted", async () => {
    for (const bytes of [PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES]) {
      const value = crypto.getRandomValues(new Uint8Array(65_536));
      const all = Buffer.alloc(bytes, value);
      await kv.put("k", all);
      expect(Buffer.from(Object(await kv.get("k", "arrayBuffer"))).equals(all)).toBe(true);
    }
    expect(countRows("pieces")).toBe(3);
    await kv.delete("k");
    await vi.waitFor(() => expect(countRows("pieces")).toBe(0));
  });

  test("a stream is not read past the limit, and leaves nothing", async () => {
    let chunks = 0;
    const endless = new ReadableStream({
      pull: (controller) => {
        chunks += 1;
        controller.enqueue(new Uint8Array(MIB));
      },
    });
    await expect(kv.put("k", endless)).rejects.toThrow(
      /^KV PUT failed: 413 Value length of \d+ exceeds limit of 26214400\.$/,
    );
    expect(chunks).toBeLessThan(30);
    expect(await kv.get("k")).toBeNull();
    await vi.waitFor(() => expect(countRows("pieces")).toBe(0));
  });

  test("are not taken faster than they are written", async () => {
    let pulled = 0;
    let most = 0;
    const source = new ReadableStream({
      pull: (controller) => {
        most = Math.max(most, pulled - (pulled === 0 ? 0 : countRows("pieces")));
        pulled += 1;
        controller.enqueue(new Uint8Array(PIECE_BYTES));
        if (pulled === 40) controller.close();
      },
    });
    await kv.put("before", "x");
    await kv.put("k", source);
    expect([pulled, countRows("pieces"), most < 4]).toEqual([40, 40, true]);
  });

  test("a stream that breaks off leaves the value of before", async () => {
    await kv.put("k", "before");
    let chunks = 0;
    const broken = new ReadableStream({
      pull: (controller) => {
        chunks += 1;
        if (chunks > 3) controller.error(new TypeError("no more"));
        else controller.enqueue(new Uint8Array(MIB));
      },
    });
    await expect(kv.put("k", broken)).rejects.toThrow("no more");
    expect(await kv.get("k")).toBe("before");
    await vi.waitFor(() => expect(countRows("pieces")).toBe(0));
  });

  test("one that is deleted while it is read is read to its end, and then gone from the disk", async () => {
    await kv.put("k", Buffer.alloc(4 * PIECE_BYTES, 7));
    const stream = toStream(await kv.get("k", "stream"));
    await kv.delete("k");
    expect(countRows("pieces")).toBe(4);
    expect((await bytesOf(stream)).equals(Buffer.alloc(4 * PIECE_BYTES, 7))).toBe(true);
    await vi.waitFor(() => expect(countRows("pieces")).toBe(0));
  });

  test("one that nobody reads to its end is let go", async () => {
    await kv.put("k", Buffer.alloc(4 * PIECE_BYTES));
    await toStream(await kv.get("k", "stream")).cancel();
    await kv.put("k", "small");
    await vi.waitFor(() => expect(countRows("pieces")).toBe(0));
  });

  test("are got at once with small ones, whatever they hold", async () => {
    const large = `"\\\u0000 🜨 \ud7ff${"é🜨".repeat(400_000)}`;
    const values = ["small", large, "", "x".repeat(PIECE_BYTES), "y".repeat(PIECE_BYTES - 1), "last"];
    for (const [i, value] of values.entries()) await kv.put(`k${i}`, value, { metadata: { i } });
    const keys = [...values.keys(), "none"].map((i) => `k${i}`);
    const found = Object(await kv.get(keys));
    expect([...found.values()].map((value, i) => value === (values[i] ?? null))).toEqual(keys.map(() => true));
    const all = Object(await kv.getWithMetadata(keys));
    expect(all.get("k3")).toEqual({ value: values[3], metadata: { i: 3 } });
  });

  test("pieces of a put that the process did not live to finish are gone at the next start", async () => {
    await kv.put("other", "x");
    let pull = 0;
    const halting = new ReadableStream({
      pull: async (controller) => {
        pull += 1;
        controller.enqueue(new Uint8Array(PIECE_BYTES));
        if (pull < 4) return;
        await vi.waitFor(() => expect(countRows("pieces")).toBeGreaterThan(0));
        process.kill(Number(lab.storage.pid), "SIGKILL");
        controller.close();
      },
    });
    await expect(kv.put("k", halting)).rejects.toThrow(/^KV PUT failed: 50[03] /);
    expect(await kv.get("k")).toBeNull();
    expect(await kv.get("other")).toBe("x");
    expect(countRows("pieces")).toBe(0);
  });
});

describe("durability", () => {
  test("a clean end and a new start find everything", async () => {
    await kv.put("k", "v", { metadata: { a: 1 } });
    await lab.reopen();
    expect(await lab.namespace(id).getWithMetadata("k")).toMatchObject({ value: "v", metadata: { a: 1 } });
  });

  test("every put that was answered survives SIGKILL at any moment", async () => {
    const answered = new Set<string>();
    for (let round = 0; round < 10; round++) {
      const keys = Array.from({ length: 200 }, (_, i) => `${round}-${i}`);
      const puts = keys.map(async (key, i) => {
        await kv.put(key, key.repeat(50));
        answered.add(key);
        if (i === 7 * round + 5) process.kill(Number(lab.storage.pid), "SIGKILL");
      });
      await Promise.allSettled(puts);
    }
    expect(answered.size).toBeGreaterThan(10);
    for (const key of answered) expect(await kv.get(key), key).toBe(key.repeat(50));
  });

  test("what cannot be a database is said to be damaged, and no other namespace is concerned", async () => {
    await lab.namespace("sound").put("k", "v");
    await writeFile(
      join(lab.dir, `${id}.sqlite`),
      "this is no database, and longer than the hundred bytes of a header ".repeat(99),
    );
    await expect(kv.get("k")).rejects.toThrow(/^KV GET failed: 500 Cannot use KV namespaces: its file is damaged$/);
    expect(await lab.namespace("sound").get("k")).toBe("v");
  });

  const isRoot = process.getuid?.() === 0;
  test.skipIf(!isRoot)("a full disk refuses puts by name and keeps what was answered (needs root)", async () => {
    const dir = join(root, "small");
    await mkdir(dir);
    await using _disk = await mountMemory(dir, 16 * MIB);
    await using small = await openKvLab({ clock, dir });
    const kv = small.namespace("a");
    await kv.put("before", "kept");
    const full = fillDisk(dir);
    const refused = /^KV PUT failed: 507 Cannot use KV namespaces: no space is left on the disk$/;
    await expect(kv.put("small", Buffer.alloc(300_000))).rejects.toThrow(refused);
    await expect(kv.put("large", Buffer.alloc(3 * MIB))).rejects.toThrow(refused);
    expect(await kv.get("before")).toBe("kept");
    full[Symbol.dispose]();
    const db = new DatabaseSync(join(dir, "a.sqlite"), { readOnly: true });
    expect(db.prepare("SELECT count(*) AS n FROM pieces").get()).toEqual({ n: 0 });
    db.close();
    await kv.put("small", "fits again");
    expect([await kv.get("before"), await kv.get("small"), await kv.get("large")]).toEqual([
      "kept",
      "fits again",
      null,
    ]);
  });
});

describe("who asks for much and reads nothing", () => {
  /** The most that a process of this kind may take would be reached by two hundred such answers. */
  const ASKED = 400;

  test("takes no memory of the process that all functions share", async () => {
    const name = (i: number) => `${"\u0001".repeat(500)}${i}`;
    await Promise.all(Array.from({ length: 1_000 }, (_, i) => kv.put(name(i), "v", { metadata: "m".repeat(1_000) })));
    await kv.put("large", Buffer.alloc(PIECE_BYTES));
    const ask = toAsk(() => lab.resource(id));
    const { pid } = lab.storage;
    const urls = ["http://kv/keys", "http://kv/value?key=large"];
    const unread = urls.flatMap((url) =>
      Array.from({ length: ASKED / 2 }, () => ask({ method: "GET", url, headers: [], body: null })),
    );
    expect((await Promise.all(unread)).map(({ status }) => status)).toEqual(unread.map(() => 200));
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    expect(Number(/VmRSS:\s*(\d+)/.exec(status)?.[1])).toBeLessThan(300 * 1_024);
    expect((await kv.list()).keys).toHaveLength(1_000);
    expect(lab.storage.pid).toBe(pid);
  });

  test("gets pages of keys that are whole, wherever the process cut them", async () => {
    const names = Array.from({ length: 300 }, (_, i) => `${String(i).padStart(3, "0")}${"\u0001".repeat(400)}`);
    await Promise.all(names.map((each) => kv.put(each, "v")));
    for (const limit of [1, 19, 299, 300, 1_000]) {
      const found: string[] = [];
      let pages = 0;
      for (let cursor: string | undefined; ; ) {
        const page = await kv.list({ limit, ...(cursor !== undefined && { cursor }) });
        found.push(...page.keys.map((each) => each.name));
        pages += 1;
        if (page.list_complete || limit === 1) break;
        cursor = page.cursor;
      }
      expect(found).toEqual(limit === 1 ? names.slice(0, 1) : names);
      expect(pages).toBe(limit === 1 ? 1 : Math.ceil(300 / limit));
    }
  });
});

describe("a guest that speaks past the facade", () => {
  const cases: readonly (readonly [name: string, method: string, url: string, body: Body, status: number])[] = [
    ["an unknown path", "GET", "http://kv/else", null, 404],
    ["an unknown method", "PATCH", "http://kv/value?key=a", null, 405],
    ["no key", "GET", "http://kv/value", null, 400],
    ["a key with a dot", "DELETE", "http://kv/value?key=..", null, 400],
    ["a long key", "PUT", `http://kv/value?key=${"a".repeat(600)}`, Buffer.from("x"), 414],
    ["a limit of 0", "GET", "http://kv/keys?key_count_limit=0", null, 400],
    ["a limit that is none", "GET", "http://kv/keys?key_count_limit=many", null, 400],
    ["a list that is no JSON", "POST", "http://kv/values", Buffer.from("{"), 400],
    ["a list that is none", "POST", "http://kv/values", Buffer.from('{"keys":"a"}'), 400],
    ["a list of numbers", "POST", "http://kv/values", Buffer.from('{"keys":[1]}'), 400],
    ["no list", "POST", "http://kv/values", null, 400],
    ["an endless list", "POST", "http://kv/values", Buffer.alloc(MIB, 32), 400],
    ["a value that is too large", "PUT", "http://kv/value?key=a", Buffer.alloc(MAX_VALUE_BYTES + 1), 413],
    ["a huge expiration", "PUT", "http://kv/value?key=huge&expiration=1e300", Buffer.from("x"), 200],
    ["an expiration of the past", "PUT", "http://kv/value?key=a&expiration=1", Buffer.from("x"), 400],
  ];
  test.each(cases)("is told what is wrong with %s", async (_, method, url, body, status) => {
    clock.pass(1e6);
    const ask = toAsk(() => lab.resource(id));
    expect((await ask({ method, url, headers: [], body })).status).toBe(status);
    expect(await kv.get("a")).toBeNull();
  });

  test.each(["%", "{", encodeURIComponent(JSON.stringify("m".repeat(2_000)))])(
    "is told that metadata %# are none",
    async (metadata) => {
      const ask = toAsk(() => lab.resource("a"));
      const put = {
        method: "PUT",
        url: "http://kv/value?key=a",
        headers: [KV_METADATA, metadata],
        body: Buffer.from("x"),
      };
      expect([400, 413]).toContain((await ask(put)).status);
      expect(await kv.get("a")).toBeNull();
    },
  );
});

test("the process has no environment", async () => {
  await kv.put("k", "v");
  expect(await readFile(`/proc/${lab.storage.pid}/environ`, "latin1")).toBe("");
});

function toStream(value: unknown): ReadableStream<Uint8Array> {
  if (value instanceof ReadableStream) return value;
  throw new TypeError("is no stream");
}
