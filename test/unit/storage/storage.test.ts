import { mkdir, mkdtemp, open, realpath, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openStorage, type Storage, type StorageOptions } from "../../../src/bindings/storage/storage.ts";
import { StorageRoom } from "../../../src/bindings/storage/storage-room.ts";
import { buildGuestBootstrap } from "../../../src/build/guest-bootstrap.ts";
import { inspectMachine } from "../../../src/engine/guest/sandbox.ts";
import { systemClock } from "../../../src/model/ports.ts";
import { isAlive } from "../../support/processes.ts";
import { fillDisk, mountMemory } from "../../support/small-disk.ts";

const LIMIT_MS = 20_000;
let root: string;
let bundle: string;
let opened: Storage[] = [];

beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "nebula-storage-")));
  bundle = await buildGuestBootstrap(join(import.meta.dirname, "../../support/tally.storage.ts"));
});
afterEach(async () => {
  for (const each of opened) await each[Symbol.asyncDispose]();
  opened = [];
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

function openTally(name: string, change: Partial<StorageOptions> = {}): Storage {
  const dir = join(root, name);
  const storage = openStorage({
    what: `tally "${name}"`,
    dir,
    bundle: async () => bundle,
    settings: { file: join(dir, "db.sqlite") },
    setpriv: inspectMachine().setpriv,
    clock: systemClock,
    log: { write: () => {} },
    ...change,
  });
  opened.push(storage);
  return storage;
}

/** What the service answered. */
async function ask(storage: Storage, head: object, { body = null as Uint8Array | null, limitMs = LIMIT_MS } = {}) {
  return (await storage.call(head, body, { limitMs })).head;
}

/** The code that each of them failed with, or what it answered. */
async function settle(calls: readonly Promise<unknown>[]): Promise<unknown[]> {
  const all = await Promise.allSettled(calls);
  return all.map((each) => (each.status === "fulfilled" ? each.value : Object(each.reason).code));
}

describe("a room of storages", () => {
  test("has as many processes as it has places: who has been without work the longest makes way", async () => {
    const room = new StorageRoom(2);
    const [one, two, three] = ["one", "two", "three"].map((name) => openTally(name, { room }));
    if (one === undefined || two === undefined || three === undefined) throw new Error("there are three");
    for (const each of [one, two]) await ask(each, { op: "insert", word: "x" });
    await ask(one, { op: "count" });
    await ask(three, { op: "count" });
    expect([one, two, three].map(({ pid }) => pid !== undefined)).toEqual([true, false, true]);
    expect(await ask(two, { op: "count" })).toBe(1);
    expect([one, two, three].map(({ pid }) => pid !== undefined)).toEqual([false, true, true]);
  });

  test("is full while all are at work, and has room again", async () => {
    const room = new StorageRoom(1);
    const [one, two] = [openTally("only", { room }), openTally("other", { room })];
    await ask(one, { op: "insert", word: "x" });
    const busy = ask(one, { op: "hang" }, { limitMs: 500 });
    expect(await settle([ask(two, { op: "insert", word: "x" }), busy])).toEqual([
      "NEBULA_OVERLOADED",
      "NEBULA_STORAGE_TIMEOUT",
    ]);
    expect(await ask(two, { op: "insert", word: "x" })).toBe(1);
  });
});

describe("a storage", () => {
  test("starts its process at the first call, and keeps what it wrote", async () => {
    const storage = openTally("kept");
    expect(storage.pid).toBeUndefined();
    expect(await ask(storage, { op: "insert", word: "one" })).toBe(1);
    await storage[Symbol.asyncDispose]();
    expect(await ask(openTally("kept"), { op: "count" })).toBe(1);
  });

  test("ends its process when there is nothing to do, with the log written back", async () => {
    const storage = openTally("idle", { idleMs: 50 });
    await ask(storage, { op: "insert", word: "one" });
    const pid = storage.pid ?? 0;
    await expect.poll(() => isAlive(pid)).toBe(false);
    await expect(stat(join(root, "idle/db.sqlite-wal"))).rejects.toThrow("ENOENT");
    expect(await ask(storage, { op: "count" })).toBe(1);
  });

  test("gives its process no environment and no other folder", async () => {
    const [env, reach] = Object(await ask(openTally("confined"), { op: "reach" }));
    expect(env).toEqual({});
    expect(reach).toContain("restricted");
  });

  test("lets SQL attach no other file", async () => {
    const storage = openTally("attach");
    const other = join(root, "attach/other.db");
    expect(await ask(storage, { op: "exec", word: `ATTACH '${other}' AS other` })).toContain("too many attached");
    expect(await ask(storage, { op: "exec", word: `VACUUM INTO '${other}'` })).toContain("too many attached");
  });

  test("ends a call that takes too long, and those beside it, and goes on", async () => {
    const storage = openTally("spins");
    await ask(storage, { op: "insert", word: "before" });
    const calls = [ask(storage, { op: "spin" }, { limitMs: 200 }), ask(storage, { op: "count" })];
    expect(await settle(calls)).toEqual(["NEBULA_STORAGE_TIMEOUT", "NEBULA_STORAGE_TIMEOUT"]);
    expect(await ask(storage, { op: "count" })).toBe(1);
  });

  test("ends a call that takes too long also when everybody leaves before", async () => {
    const storage = openTally("left");
    const pid = await ask(storage, { op: "count" }).then(() => storage.pid ?? 0);
    const leave = () => storage.call({ op: "spin" }, null, { limitMs: 300, signal: AbortSignal.timeout(20) });
    await expect(leave()).rejects.toThrow("timeout");
    await expect(leave()).rejects.toThrow("timeout");
    await expect.poll(() => isAlive(pid)).toBe(false);
    expect(await ask(storage, { op: "count" })).toBe(0);
  });

  test.each(["work", "look"])("ends nobody who works through a long queue: %s", async (op) => {
    const storage = openTally(op);
    await ask(storage, { op: "count" });
    const calls = Array.from({ length: 20 }, () => ask(storage, { op, word: 30 }, { limitMs: 300 }));
    expect(await settle(calls)).toEqual(Array.from({ length: 20 }, () => 30));
  });

  test.each([
    ["a crash", "crash"],
    ["its heap was full", "eat"],
  ])("comes back after %s, with all that it had answered", async (_, op) => {
    const storage = openTally(op);
    await ask(storage, { op: "insert", word: "before" });
    expect(await settle([ask(storage, { op })])).toEqual(["NEBULA_STORAGE_ENDED"]);
    expect(await ask(storage, { op: "count" })).toBe(1);
  });

  test("says what is wrong with a damaged file, and leaves it as it is", async () => {
    const storage = openTally("damaged");
    await ask(storage, { op: "insert", word: "one" });
    await storage[Symbol.asyncDispose]();
    const path = join(root, "damaged/db.sqlite");
    const file = await open(path, "r+");
    await file.write(Buffer.alloc(4_096, 7), 0, 4_096, 0);
    await file.close();
    await expect(ask(openTally("damaged"), { op: "count" })).rejects.toMatchObject({
      code: "NEBULA_STATE_FAILED",
      message: 'Cannot use tally "damaged": its file is damaged',
    });
    expect((await stat(path)).size).toBeGreaterThan(4_096);
  });

  test("refuses calls once it is closed, and closes twice quietly", async () => {
    const storage = openTally("closed");
    await ask(storage, { op: "count" });
    await Promise.all([storage[Symbol.asyncDispose](), storage[Symbol.asyncDispose]()]);
    await expect(ask(storage, { op: "count" })).rejects.toMatchObject({ code: "NEBULA_DRAINING" });
  });

  test("does not wait at its end for code that never comes, nor for a process that never opens", async () => {
    const endless = "setInterval(() => {}, 1_000);";
    for (const bundle of [() => new Promise<string>(() => {}), async () => endless]) {
      const storage = openTally("stuck", { bundle });
      const asked = settle([ask(storage, { op: "count" })]);
      await storage[Symbol.asyncDispose]();
      expect(await asked).toEqual(["NEBULA_DRAINING"]);
    }
  });

  test("gives up waiting when the signal aborts", async () => {
    const storage = openTally("aborts");
    await ask(storage, { op: "count" });
    const signal = AbortSignal.timeout(50);
    await expect(storage.call({ op: "hang" }, null, { limitMs: LIMIT_MS, signal })).rejects.toThrow("timeout");
    expect(await ask(storage, { op: "count" })).toBe(0);
  });
});

describe("group commit", () => {
  test("takes back the one that fails, and keeps the others", async () => {
    const storage = openTally("group");
    await ask(storage, { op: "count" });
    const words = Array.from({ length: 200 }, (_, i) => (i % 10 === 9 ? "same" : `word ${i}`));
    const answers = await settle(words.map((word) => ask(storage, { op: "insert", word })));
    expect(answers.filter((each) => each === 1)).toHaveLength(181);
    expect(await ask(storage, { op: "count" })).toBe(181);
  });

  test("lets a deferred constraint fail only the one that breaks it", async () => {
    const storage = openTally("deferred");
    await ask(storage, { op: "count" });
    const calls = ["a", "", "b", "c"].map((word) => ask(storage, { op: word === "" ? "orphan" : "insert", word }));
    expect(await settle(calls)).toEqual([1, "NEBULA_STATE_FAILED", 1, 1]);
    expect(await ask(storage, { op: "count" })).toBe(3);
  });

  test("has every answered write after kill -9", async () => {
    const storage = openTally("killed");
    let answered = 0;
    for (let round = 0; round < 5; round += 1) {
      await ask(storage, { op: "count" });
      const writes = Array.from({ length: 300 }, async (_, i) => {
        await ask(storage, { op: "insert", word: `${round} ${i}` });
        answered += 1;
        if (i === 20 * round) process.kill(storage.pid ?? 0, "SIGKILL");
      });
      await Promise.allSettled(writes);
      // A call that meets the process on its way out fails as those did.
      await expect.poll(() => ask(storage, { op: "count" })).toBeGreaterThanOrEqual(answered);
    }
    expect(answered).toBeGreaterThan(5);
  });
});

describe.skipIf(process.getuid?.() !== 0)("on a full disk", () => {
  test("fails clearly, and has lost nothing that was answered", async () => {
    const dir = join(root, "full");
    await mkdir(dir);
    await using _disk = await mountMemory(dir, 4 * 2 ** 20);
    const storage = openTally("full");
    await ask(storage, { op: "insert", word: "before" });
    using full = fillDisk(dir);
    const body = new Uint8Array(50_000);
    const writes = Array.from({ length: 20 }, (_, i) => ask(storage, { op: "insert", word: `${i}` }, { body }));
    const answers = await settle(writes);
    const kept = answers.filter((each) => each === 1).length;
    expect(answers).toContain("NEBULA_STATE_FAILED");
    expect(await ask(storage, { op: "count" })).toBe(1 + kept);
    full[Symbol.dispose]();
    expect(await ask(storage, { op: "insert", word: "after" })).toBe(1);
    await storage[Symbol.asyncDispose]();
    opened = [];
  });
});
