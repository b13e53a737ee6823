import { mkdir, mkdtemp, readdir, realpath, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type D1Databases, type DatabasesOptions, openDatabases } from "../../../src/bindings/d1/databases.ts";
import { buildGuestBootstrap } from "../../../src/build/guest-bootstrap.ts";
import { inspectMachine } from "../../../src/engine/guest/sandbox.ts";
import { systemClock } from "../../../src/model/ports.ts";
import { createD1 } from "../../support/d1.ts";
import { fillDisk, mountMemory } from "../../support/small-disk.ts";

let root: string;
let bundle: string;
let opened: D1Databases[] = [];
let logged: unknown[] = [];
/** One process for all that is refused: none of it may end it. */
let refused: D1Databases | undefined;

beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "nebula-d1-")));
  bundle = await buildGuestBootstrap(join(import.meta.dirname, "../../../src/bindings/d1/main.storage.ts"));
});
afterEach(async () => {
  for (const each of opened) if (each !== refused) await each[Symbol.asyncDispose]();
  opened = [];
  logged = [];
});
afterAll(async () => {
  await refused?.[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});

function open(name: string, change: Partial<DatabasesOptions> = {}): D1Databases {
  const databases = openDatabases({
    dir: join(root, name),
    bundle: async () => bundle,
    setpriv: inspectMachine().setpriv,
    clock: systemClock,
    log: { write: (level, msg, fields) => void logged.push({ level, msg, ...fields }) },
    ...change,
  });
  opened.push(databases);
  return databases;
}

/** What went wrong, in the words that a function gets. */
async function fail(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => "nothing went wrong",
    (thrown: Error) => thrown.message,
  );
}

const ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)";

describe("hostile SQL", () => {
  test("that never ends is ended at the time limit, and others go on", async () => {
    const databases = open("endless", { callMs: 500 });
    const [db, other] = [createD1(databases, "one"), createD1(databases, "other")];
    await Promise.all([db.exec("CREATE TABLE t (id INTEGER)"), other.exec("CREATE TABLE t (id INTEGER)")]);
    const endless = fail(db.prepare(`${ENDLESS} SELECT count(*) FROM n`).all());
    await other.prepare("INSERT INTO t VALUES (1)").run();
    expect(await other.prepare("SELECT count(*) AS n FROM t").first("n")).toBe(1);
    expect(await endless).toBe("D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.");
    expect(await db.prepare("SELECT count(*) AS n FROM t").first("n")).toBe(0);
    expect(logged).toContainEqual(expect.objectContaining({ code: "NEBULA_STORAGE_TIMEOUT", database: "one" }));
  });

  test("that nobody waits for any more is not begun", async () => {
    const databases = open("gone");
    const db = createD1(databases, "db");
    await db.exec("CREATE TABLE t (id INTEGER)");
    const resource = databases.find({ type: "d1", name: "DB", id: "db" }, { name: "f" });
    const leaving = new AbortController();
    const slow = `INSERT INTO t SELECT 1 FROM (${ENDLESS} SELECT i FROM n LIMIT 300000) LIMIT 1 OFFSET 299999`;
    const body = new TextEncoder().encode(JSON.stringify([{ sql: slow }]));
    const head = { method: "POST", url: "http://d1/query", headers: [] };
    const calls = Array.from({ length: 100 }, () =>
      resource.fetch({ head, body, signal: leaving.signal }, { requestId: "", callers: [] }),
    );
    await Promise.race(calls);
    leaving.abort();
    await Promise.allSettled(calls);
    expect(await db.prepare("SELECT count(*) AS n FROM t").first("n")).toBeLessThan(60);
  });

  test.each([
    ["rows without end", `${ENDLESS} SELECT i FROM n`, "The result is larger than"],
    ["large rows without end", `${ENDLESS} SELECT randomblob(1000000) FROM n`, "The result is larger than"],
    ["a blob of a gigabyte", "SELECT zeroblob(1000000000)", "string or blob too big"],
    [
      "a text that doubles",
      `WITH RECURSIVE n(t) AS (SELECT 'xxxxxxxx' UNION ALL SELECT t || t FROM n) SELECT max(length(t)) FROM n`,
      "too big",
    ],
    ["ATTACH", "ATTACH '/etc/passwd' AS p", "not authorized"],
    ["ATTACH in a second statement", "SELECT 1; ATTACH '/etc/passwd' AS p", "not authorized"],
    ["BEGIN in a second statement", "SELECT 1; BEGIN", "use batch()"],
    ["VACUUM INTO", "VACUUM INTO '/tmp/stolen.db'", "cannot VACUUM"],
    ["readfile()", "SELECT readfile('/etc/passwd')", "no such function"],
    ["load_extension()", "SELECT load_extension('/tmp/x.so')", "not authorized"],
    ["fts3_tokenizer()", "SELECT fts3_tokenizer('x', x'00')", "not authorized"],
    ["a pragma that turns durability off", "PRAGMA synchronous = off", "not authorized"],
    ["a pragma as a table", "SELECT * FROM pragma_database_list", "not authorized"],
    ["a pragma with a strange switch", "PRAGMA foreign_keys = maybe", "not authorized"],
    ["another size limit", "PRAGMA max_page_count = 1", "not authorized"],
  ])("that asks for %s is refused", async (_, sql, words) => {
    refused ??= open("refused");
    const db = createD1(refused, "db");
    expect(await fail(db.prepare(sql).all())).toContain(words);
    expect(await db.prepare("SELECT 1 AS a").first("a")).toBe(1);
  });

  test.each([
    ["white space", `SELECT 1 AS a${"\n".repeat(90_000)} --`],
    ["comments", `${" -- c\n".repeat(15_000)} SELECT 1 AS a`],
    ["quotes", `SELECT 1 AS a; SELECT '${"''".repeat(40_000)}', 1 AS a`],
  ])("of nothing but %s is read in no time", async (_, sql) => {
    refused ??= open("refused");
    const startMs = performance.now();
    expect(await createD1(refused, "db").prepare(sql).first("a")).toBe(1);
    expect(performance.now() - startMs).toBeLessThan(3_000);
  });

  test("that sorts more than there is memory for fails alone", async () => {
    const databases = open("sorts");
    const db = createD1(databases, "db");
    await db.exec("CREATE TABLE t (id INTEGER)");
    await db.exec("INSERT INTO t VALUES (1)");
    const large = `${ENDLESS} SELECT i, zeroblob(1000000) AS b FROM n LIMIT 5000`;
    const words = await fail(db.prepare(`SELECT length(b) FROM (${large}) ORDER BY i DESC, b`).first());
    expect(words).toMatch(/SQLITE_NOMEM|memory limit|Internal error/);
    await expect.poll(() => db.prepare("SELECT count(*) AS n FROM t").first("n")).toBe(1);
  });

  test("leaves no pragma behind for the next call", async () => {
    const db = createD1(open("pragmas"), "db");
    await db.exec("CREATE TABLE t (id INTEGER CHECK (id > 5))");
    await db.prepare("PRAGMA ignore_check_constraints = on").run();
    expect(await fail(db.prepare("INSERT INTO t VALUES (1)").run())).toContain("CHECK constraint failed");
  });

  test("cannot send what is no query", async () => {
    const { find } = open("words");
    const resource = find({ type: "d1", name: "DB", id: "db" }, { name: "f" });
    const signal = new AbortController().signal;
    const head = { method: "POST", url: "http://d1/query", headers: [] };
    for (const text of ["", "{", "{}", '["a"]', '[{"sql":1}]', '[{"sql":"SELECT 1","params":[{}]}]', "null"]) {
      const { body } = await resource.fetch(
        { head, body: new TextEncoder().encode(text), signal },
        { requestId: "", callers: [] },
      );
      expect(new TextDecoder().decode(Object(body))).toContain("not as they should be");
    }
  });
});

describe("databases", () => {
  test("share nothing, whatever their ids are", async () => {
    const databases = open("ids");
    const ids = ["a", "../a", "..", "ä ö", "x".repeat(300)];
    for (const id of ids) await createD1(databases, id).exec(`CREATE TABLE t AS SELECT '${id}' AS id`);
    for (const id of ids) expect(await createD1(databases, id).prepare("SELECT id FROM t").first("id")).toBe(id);
    expect(await readdir(join(root, "ids"))).toHaveLength(ids.length);
    expect(await databases.list()).toEqual(ids.filter(({ length }) => length < 200).sort());
  });

  test("stop at their size limit, and take writes again when there is room", async () => {
    const db = createD1(open("limit", { maxBytes: 100_000 }), "db");
    await db.exec("CREATE TABLE t (b BLOB)");
    expect(await fail(db.prepare("INSERT INTO t VALUES (randomblob(200000))").run())).toBe(
      "D1_ERROR: Exceeded maximum DB size.",
    );
    await db.exec("INSERT INTO t VALUES (randomblob(50000))");
    expect(await fail(db.prepare("INSERT INTO t VALUES (randomblob(50000))").run())).toContain("maximum DB size");
    await db.exec("DELETE FROM t");
    await db.exec("INSERT INTO t VALUES (randomblob(50000))");
  });

  test("answer the node's own work, blobs and large numbers included", async () => {
    const databases = open("own");
    const [, result] = await databases.run("db", [
      { sql: "CREATE TABLE t (a, b)" },
      {
        sql: "INSERT INTO t VALUES (?, ?) RETURNING a, b, quote(9007199254740993) AS c",
        params: [1.5, new Uint8Array([7])],
      },
    ]);
    expect(result).toMatchObject({ columns: ["a", "b", "c"], rows: [[1.5, new Uint8Array([7]), "9007199254740993"]] });
    await expect(databases.run("db", [{ sql: "SELECT 1" }, { sql: "SELEKT" }])).rejects.toMatchObject({
      code: "NEBULA_SQL_FAILED",
      details: { index: 1 },
    });
  });

  test("have every answered batch whole, and none in part, after kill -9", async () => {
    const databases = open("killed");
    const db = createD1(databases, "db");
    await db.exec("CREATE TABLE t (batch INTEGER, i INTEGER)");
    const answered: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      const writes = Array.from({ length: 60 }, async (_, i) => {
        const batch = round * 100 + i;
        await db.batch([0, 1, 2].map((each) => db.prepare("INSERT INTO t VALUES (?, ?)").bind(batch, each)));
        answered.push(batch);
        if (i === 10 * round) process.kill(databases.findPid("db") ?? 0, "SIGKILL");
      });
      await Promise.allSettled(writes);
      // A call that meets the process on its way out fails as those did.
      await expect.poll(() => db.prepare("SELECT 1 AS a").first("a")).toBe(1);
    }
    const { results } = await db.prepare("SELECT batch, count(*) AS n FROM t GROUP BY batch").all();
    const kept = new Map(results.map(({ batch, n }) => [batch, n]));
    expect([...kept.values()].filter((n) => n !== 3)).toEqual([]);
    expect(answered.filter((batch) => !kept.has(batch))).toEqual([]);
    expect(answered.length).toBeGreaterThan(10);
  });

  test("write back their log when they are idle", async () => {
    const databases = open("idle", { idleMs: 50 });
    await createD1(databases, "db").exec("CREATE TABLE t (id)");
    await expect.poll(() => databases.findPid("db")).toBeUndefined();
    await expect.poll(() => stat(join(root, "idle/db/db.sqlite-wal")).catch(() => "gone")).toBe("gone");
  });
});

describe.skipIf(process.getuid?.() !== 0)("on a full disk", () => {
  test("writes fail clearly, what was answered is there, and reading goes on", async () => {
    const dir = join(root, "full");
    await mkdir(dir);
    const disk = await mountMemory(dir, 4 * 2 ** 20);
    const databases = open("full");
    try {
      const db = createD1(databases, "db");
      await db.exec("CREATE TABLE t (id INTEGER, b BLOB)");
      using full = fillDisk(dir);
      const insert = db.prepare("INSERT INTO t VALUES (1, randomblob(40000))");
      const words = await Promise.all(Array.from({ length: 20 }, () => fail(insert.run())));
      expect(words).toContain("D1_ERROR: database or disk is full: SQLITE_FULL");
      expect(logged).toContainEqual(expect.objectContaining({ level: "error", code: "NEBULA_STATE_FAILED" }));
      const kept = words.filter((each) => each === "nothing went wrong").length;
      expect(await db.prepare("SELECT count(*) AS n FROM t").first("n")).toBe(kept);
      full[Symbol.dispose]();
      expect(await fail(insert.run())).toBe("nothing went wrong");
    } finally {
      await databases[Symbol.asyncDispose]();
      await disk[Symbol.asyncDispose]();
    }
  });
});
