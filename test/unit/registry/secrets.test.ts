import { type ChildProcess, spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/model/ports.ts";
import { MAX_SECRETS } from "../../../src/model/secrets.ts";
import { MIB } from "../../../src/model/units.ts";
import { D1 } from "../../../src/registry/d1.ts";
import { drizzle } from "../../../src/registry/drizzle.ts";
import { KeyFile } from "../../../src/registry/key-file.ts";
import { openRegistry, type Registry } from "../../../src/registry/registry.ts";
import { createSealKey, findSealed, type SealKey, seal } from "../../../src/registry/seal.ts";
import { Secrets } from "../../../src/registry/secrets.ts";
import { fillDisk, mountMemory } from "../../support/small-disk.ts";

const VALUE = "hunter2-is-a-very-long-and-unique-value";
const OTHER = "correct-horse-battery-staple-of-another";

let dir: string;
let path: string;
let keyPath: string;
let registry: Registry;
let nowMs: number;

const open = () =>
  openRegistry(path, { clock: { ...systemClock, dateMs: () => nowMs }, randomId: () => crypto.randomUUID() });

async function reopen(): Promise<void> {
  await registry[Symbol.asyncDispose]();
  registry = await open();
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "nebula-secrets-"));
  path = join(dir, "registry.db");
  keyPath = join(dir, "secrets.key");
  nowMs = 1_000;
  registry = await open();
});

afterEach(async () => {
  await registry[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

const failed = (message: RegExp) =>
  expect.objectContaining({ code: "NEBULA_STATE_FAILED", message: expect.stringMatching(message) });

/** Everything that is on the disk, as one text. */
async function readAll(): Promise<string> {
  const names = await readdir(dir);
  return (await Promise.all(names.map((name) => readFile(join(dir, name), "latin1")))).join("\n");
}

const readKeys = async (): Promise<{ id: string; key: string }[]> => JSON.parse(await readFile(keyPath, "utf8")).keys;

function query(sql: string, ...values: (string | Uint8Array)[]): Record<string, unknown>[] {
  using db = new DatabaseSync(path);
  return db.prepare(sql).all(...values);
}

describe("seal()", () => {
  const place = { functionName: "shop", name: "TOKEN" };

  test("opens to the same text with the same key in the same place", () => {
    const key = createSealKey();
    for (const text of ["", "a", VALUE, "line\nline \u{1f600}\0end"])
      expect(findSealed(seal(text, key, place), key, place)).toBe(text);
  });

  test("is different each time", () => {
    const key = createSealKey();
    const seals = Array.from({ length: 100 }, () => seal(VALUE, key, place).toString("hex"));
    expect(new Set(seals).size).toBe(100);
    expect(new Set(seals.map((one) => one.slice(0, 24))).size).toBe(100);
  });

  test.each([
    ["another function", { functionName: "shop2", name: "TOKEN" }],
    ["another name", { functionName: "shop", name: "TOKENS" }],
    ["names that read the same when put together", { functionName: "shopT", name: "OKEN" }],
  ])("does not open for %s", (_, elsewhere) => {
    const key = createSealKey();
    expect(findSealed(seal(VALUE, key, place), key, elsewhere)).toBeUndefined();
  });

  test("does not open with another key, nor with the same under another name", () => {
    const key = createSealKey();
    const sealed = seal(VALUE, key, place);
    expect(findSealed(sealed, createSealKey(), place)).toBeUndefined();
    expect(findSealed(sealed, { ...key, id: "k_0000000000000000" }, place)).toBeUndefined();
  });

  test("does not open when any bit of it is another, nor when it is cut", () => {
    const key = createSealKey();
    const sealed = seal(VALUE, key, place);
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(findSealed(changed, key, place)).toBeUndefined();
    }
    for (let length = 0; length < sealed.length; length += 1)
      expect(findSealed(sealed.subarray(0, length), key, place)).toBeUndefined();
  });
});

describe("secrets", () => {
  test("are read as they were put, and outlive the node", async () => {
    const values = { TOKEN: VALUE, _$2: "", PEM: "-----BEGIN-----\nü\n-----END-----" };
    await registry.secrets.replace("shop", values);
    await registry.secrets.replace("other", { TOKEN: OTHER });
    await reopen();
    expect(await registry.secrets.read("shop")).toEqual(values);
    expect(await registry.secrets.read("other")).toEqual({ TOKEN: OTHER });
    expect(await registry.secrets.read("nobody")).toEqual({});
  });

  test("are listed by name, without values, with the time of their last change", async () => {
    await registry.secrets.replace("shop", { B: "1", A: "1" });
    nowMs = 2_000;
    await registry.secrets.replace("shop", { B: "2", A: "1" });
    expect(await registry.secrets.list("shop")).toEqual([
      { name: "A", changedAtMs: 1_000 },
      { name: "B", changedAtMs: 2_000 },
    ]);
  });

  test("that are not among the new ones are gone", async () => {
    await registry.secrets.replace("shop", { A: "1", B: "1" });
    await registry.secrets.replace("shop", { B: "1" });
    expect(await registry.secrets.read("shop")).toEqual({ B: "1" });
    await registry.secrets.replace("shop", {});
    expect(await registry.secrets.list("shop")).toEqual([]);
  });

  test("are sealed anew only when they change", async () => {
    await registry.secrets.replace("shop", { A: "1", B: "1" });
    const before = query("SELECT name, hex(sealed) AS sealed FROM secrets ORDER BY name");
    await registry.secrets.replace("shop", { A: "1", B: "2" });
    const after = query("SELECT name, hex(sealed) AS sealed FROM secrets ORDER BY name");
    expect(after[0]).toEqual(before[0]);
    expect(after[1]).not.toEqual(before[1]);
  });

  test("go with their function, and one by one", async () => {
    await registry.secrets.replace("shop", { A: "1", B: "2" });
    expect(await registry.secrets.remove({ functionName: "shop", name: "A" })).toBe(true);
    expect(await registry.secrets.remove({ functionName: "shop", name: "A" })).toBe(false);
    expect(await registry.secrets.read("shop")).toEqual({ B: "2" });
    expect(await registry.remove("shop")).toBe(true);
    expect(await registry.secrets.list("shop")).toEqual([]);
    expect(await registry.remove("shop")).toBe(false);
  });

  test("are nowhere on the disk as they are, and when deleted not even sealed", async () => {
    await registry.secrets.replace("shop", { TOKEN: VALUE });
    const [row] = query("SELECT sealed FROM secrets");
    const sealed = row?.sealed instanceof Uint8Array ? Buffer.from(row.sealed).toString("latin1") : "";
    expect(sealed.length).toBe(VALUE.length + 28);
    const disk = await readAll();
    expect(disk).not.toContain(VALUE);
    expect(disk).not.toContain(Buffer.from(VALUE).toString("base64").replace(/=+$/, ""));
    expect(disk).toContain(sealed);
    await registry.secrets.remove({ functionName: "shop", name: "TOKEN" });
    expect(await readAll()).not.toContain(sealed);
  });

  test(`are at most ${MAX_SECRETS}`, async () => {
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`S${i}`, "x"]));
    await registry.secrets.replace("shop", many(MAX_SECRETS));
    await expect(registry.secrets.replace("shop", many(MAX_SECRETS + 1))).rejects.toMatchObject({
      code: "NEBULA_CONFIG_INVALID",
    });
    expect(Object.keys(await registry.secrets.read("shop"))).toHaveLength(MAX_SECRETS);
  });
});

describe("the key file", () => {
  test("is made with the first secret, for its owner alone, and does not lie in the database", async () => {
    expect(await readdir(dir)).not.toContain("secrets.key");
    await registry.secrets.replace("shop", { TOKEN: VALUE });
    expect((await stat(keyPath)).mode & 0o777).toBe(0o600);
    const [key] = await readKeys();
    await registry[Symbol.asyncDispose]();
    const database = await readFile(path, "latin1");
    expect(database).not.toContain(key?.key.slice(0, 20));
    expect(database).not.toContain(Buffer.from(key?.key ?? "", "base64").toString("latin1"));
  });

  test.each(["640", "604", "620", "644", "666"])("with mode 0%s keeps the node from starting", async (digits) => {
    const mode = Number.parseInt(digits, 8);
    await registry.secrets.replace("shop", { TOKEN: VALUE });
    await chmod(keyPath, mode);
    await expect(registry.secrets.read("shop")).rejects.toThrow(failed(/others may read or write it/));
    await registry[Symbol.asyncDispose]();
    await expect(open()).rejects.toThrow(failed(new RegExp(`its mode is 0${digits}`)));
    await chmod(keyPath, 0o600);
    registry = await open();
    expect(await registry.secrets.read("shop")).toEqual({ TOKEN: VALUE });
  });

  test("that is missing is named, is not replaced by another, and counts again when it is back", async () => {
    await registry.secrets.replace("shop", { TOKEN: VALUE });
    await rename(keyPath, `${keyPath}.away`);
    await reopen();
    const missing = failed(/^Cannot open the secret "TOKEN" of "shop": its key is missing$/);
    await expect(registry.secrets.read("shop")).rejects.toThrow(missing);
    await expect(registry.secrets.replace("other", { A: "1" })).rejects.toThrow(missing);
    await expect(registry.secrets.rotate()).rejects.toThrow(missing);
    expect(await readdir(dir)).not.toContain("secrets.key");
    expect(await registry.secrets.list("shop")).toHaveLength(1);
    await rename(`${keyPath}.away`, keyPath);
    expect(await registry.secrets.read("shop")).toEqual({ TOKEN: VALUE });
  });

  test("that is lost is replaced once the secrets that need it have been deleted", async () => {
    await registry.secrets.replace("shop", { TOKEN: VALUE });
    await rm(keyPath);
    expect(await registry.secrets.remove({ functionName: "shop", name: "TOKEN" })).toBe(true);
    await registry.secrets.replace("shop", { TOKEN: OTHER });
    await reopen();
    expect(await registry.secrets.read("shop")).toEqual({ TOKEN: OTHER });
  });

  test.each([
    ["empty", ""],
    ["half", '{"keys":[{"id":"k_0'],
    ["of another form", '{"keys":{}}'],
    ["with a key that is too short", '{"keys":[{"id":"k_0123456789abcdef","key":"c2hvcnQ="}]}'],
    ["huge", " ".repeat(70_000)],
  ])("that is %s is damaged, and what is in it is not told", async (_, text) => {
    await registry.secrets.replace("shop", { TOKEN: VALUE });
    await writeFile(keyPath, text);
    await reopen();
    const thrown = await registry.secrets.read("shop").catch((error: unknown) => error);
    expect(thrown).toMatchObject({ code: "NEBULA_STATE_FAILED", message: expect.stringMatching(/it is damaged$/) });
    expect(String(thrown)).not.toContain("c2hvcnQ");
    await expect(registry.secrets.replace("other", { A: "1" })).rejects.toThrow(failed(/it is damaged$/));
  });

  test("that is a folder is damaged too", async () => {
    await mkdir(keyPath, { mode: 0o700 });
    await reopen();
    await expect(registry.secrets.replace("shop", { A: "1" })).rejects.toThrow(failed(/it is damaged$/));
  });
});

describe("a row that was changed outside", () => {
  beforeEach(async () => {
    await registry.secrets.replace("shop", { TOKEN: VALUE, OTHER });
    await registry.secrets.replace("bank", { TOKEN: OTHER });
  });

  const changed = failed(/^Cannot open the secret "TOKEN" of "shop": it was changed or moved$/);

  test.each([
    ["holds other bytes", "UPDATE secrets SET sealed = zeroblob(60) WHERE function_name = 'shop' AND name = 'TOKEN'"],
    ["holds none", "UPDATE secrets SET sealed = x'' WHERE function_name = 'shop' AND name = 'TOKEN'"],
    [
      "has the bytes of another secret",
      "UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE name = 'OTHER') WHERE function_name = 'shop' AND name = 'TOKEN'",
    ],
    [
      "has the bytes of another function's",
      "UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE function_name = 'bank') WHERE function_name = 'shop' AND name = 'TOKEN'",
    ],
  ])("does not open when it %s", async (_, sql) => {
    query(sql);
    await expect(registry.secrets.read("shop")).rejects.toThrow(changed);
    expect(await registry.secrets.read("bank")).toEqual({ TOKEN: OTHER });
  });

  test("does not open under the name of another key, and keeps the key from being rotated", async () => {
    const before = await readFile(keyPath, "utf8");
    query("UPDATE secrets SET key_id = 'k_0123456789abcdef' WHERE function_name = 'shop' AND name = 'TOKEN'");
    await expect(registry.secrets.read("shop")).rejects.toThrow(failed(/its key is missing/));
    await expect(registry.secrets.rotate()).rejects.toThrow(failed(/its key is missing/));
    expect(await readFile(keyPath, "utf8")).toBe(before);
  });

  test("can be put again", async () => {
    query("UPDATE secrets SET sealed = zeroblob(60) WHERE function_name = 'shop'");
    await registry.secrets.replace("shop", { TOKEN: "new", OTHER: "new" });
    expect(await registry.secrets.read("shop")).toEqual({ TOKEN: "new", OTHER: "new" });
  });
});

describe("rotate()", () => {
  const values = { TOKEN: VALUE, OTHER };

  beforeEach(async () => {
    await registry.secrets.replace("shop", values);
    await registry.secrets.replace("bank", { TOKEN: OTHER });
  });

  test("seals everything with a new key, forgets the old one, and changes no value", async () => {
    const [old] = await readKeys();
    const sealed = query("SELECT sealed FROM secrets").map((row) => row.sealed);
    expect(await registry.secrets.rotate()).toBe(3);
    const [key, ...others] = await readKeys();
    expect(others).toEqual([]);
    expect(key?.id).not.toBe(old?.id);
    expect(key?.key).not.toBe(old?.key);
    expect(query("SELECT DISTINCT key_id FROM secrets")).toEqual([{ key_id: key?.id }]);
    expect((await stat(keyPath)).mode & 0o777).toBe(0o600);
    const disk = await readAll();
    for (const each of sealed) {
      expect(each).toBeInstanceOf(Uint8Array);
      if (each instanceof Uint8Array) expect(disk).not.toContain(Buffer.from(each).toString("latin1"));
    }
    await reopen();
    expect(await registry.secrets.read("shop")).toEqual(values);
    expect(await registry.secrets.read("bank")).toEqual({ TOKEN: OTHER });
    expect(await registry.secrets.list("shop")).toMatchObject([{ changedAtMs: 1_000 }, { changedAtMs: 1_000 }]);
  });

  test("leaves changes that come at the same time whole", async () => {
    await Promise.all([
      registry.secrets.rotate(),
      registry.secrets.replace("shop", { TOKEN: "new" }),
      registry.secrets.rotate(),
      registry.secrets.replace("late", { A: "1" }),
    ]);
    expect(await registry.secrets.read("shop")).toEqual({ TOKEN: "new" });
    expect(await registry.secrets.read("late")).toEqual({ A: "1" });
    expect(await readKeys()).toHaveLength(1);
  });

  /** Where it may be torn off: before and after each write of the key file and of the database. */
  const crashes = ["keys 1 before", "keys 1 after", "rows before", "rows after", "keys 2 before", "keys 2 after"];

  test.each(crashes)("torn off at %j loses nothing, and the next one finishes", async (crash) => {
    await registry[Symbol.asyncDispose]();
    await tearOff(crash);
    // What a killed writer leaves.
    await writeFile(`${keyPath}.new`, "{", { mode: 0o600 });
    registry = await open();
    expect(await registry.secrets.read("shop")).toEqual(values);
    expect(await registry.secrets.read("bank")).toEqual({ TOKEN: OTHER });
    await registry.secrets.replace("late", { A: "1" });
    expect(await registry.secrets.rotate()).toBe(4);
    expect(await readKeys()).toHaveLength(1);
    expect(await registry.secrets.read("shop")).toEqual(values);
    expect(await registry.secrets.read("late")).toEqual({ A: "1" });
  });

  test("torn off again and again keeps no more keys than rows need", async () => {
    await registry[Symbol.asyncDispose]();
    for (let i = 0; i < 5; i += 1) for (const crash of crashes) await tearOff(crash);
    expect((await readKeys()).length).toBeLessThanOrEqual(2);
    registry = await open();
    expect(await registry.secrets.read("shop")).toEqual(values);
  });

  async function tearOff(crash: string): Promise<void> {
    class TornFile extends KeyFile {
      #writes = 0;
      override write(keys: readonly SealKey[]): void {
        this.#writes += 1;
        if (crash === `keys ${this.#writes} before`) throw new Error("torn off");
        super.write(keys);
        if (crash === `keys ${this.#writes} after`) throw new Error("torn off");
      }
    }
    class TornDatabase extends D1 {
      override async batch(...args: Parameters<D1["batch"]>): ReturnType<D1["batch"]> {
        if (crash === "rows before") throw new Error("torn off");
        const results = await super.batch(...args);
        if (crash === "rows after") throw new Error("torn off");
        return results;
      }
    }
    using client = new TornDatabase(path, { busyMs: 0 });
    const torn = new Secrets({ db: drizzle(client), path, keyFile: new TornFile(keyPath), clock: systemClock });
    await expect(torn.rotate()).rejects.toThrow();
  }
});

describe("a node that is killed", () => {
  const WRITER = join(import.meta.dirname, "../../support/secret-writer.ts");
  const KILLS = 4;
  let writer: ChildProcess | undefined;

  afterEach(() => {
    writer?.kill("SIGKILL");
  });

  test("loses no change that was confirmed, and has both of one change or none", async () => {
    let confirmed = -1;
    for (let kill = 0; kill < KILLS; kill += 1) {
      await registry[Symbol.asyncDispose]();
      const child = spawn(process.execPath, [WRITER, path, String(confirmed + 1)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      writer = child;
      for await (const line of createInterface({ input: child.stdout })) {
        confirmed = Number(line);
        // At another moment each time, in the middle of what comes next.
        setTimeout(() => child.kill("SIGKILL"), kill * 3);
      }
      registry = await open();
      const { A = "", B } = await registry.secrets.read("shop");
      expect(A).toBe(B);
      expect(Number(A)).toBeGreaterThanOrEqual(confirmed);
      confirmed = Number(A);
      expect((await readKeys()).length).toBeLessThanOrEqual(2);
    }
    expect(await registry.secrets.rotate()).toBe(2);
    expect(await readKeys()).toHaveLength(1);
  });
});

describe.skipIf(process.getuid?.() !== 0)("on a full disk", () => {
  test("nothing is lost, and what cannot be kept says so", async () => {
    await registry[Symbol.asyncDispose]();
    const disk = join(dir, "disk");
    await mkdir(disk);
    await using _mounted = await mountMemory(disk, 2 * MIB);
    await using full = await openRegistry(join(disk, "registry.db"), { clock: systemClock, randomId: () => "1" });
    const values = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`S${i}`, `${VALUE}${i}`]));
    await full.secrets.replace("shop", values);
    const noSpace = failed(/no space is left on the disk|ENOSPC/);
    {
      using _filler = fillDisk(disk);
      const large = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`L${i}`, "x".repeat(5_000)]));
      await expect(full.secrets.replace("large", large)).rejects.toThrow(noSpace);
      await expect(full.secrets.rotate()).rejects.toThrow(noSpace);
      expect(await full.secrets.read("shop")).toEqual(values);
    }
    expect(await full.secrets.list("large")).toEqual([]);
    expect(await full.secrets.rotate()).toBe(20);
    expect(await full.secrets.read("shop")).toEqual(values);
    registry = await open();
  });
});
