import { mkdir, mkdtemp, readdir, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type Copies, openCopies } from "../../../src/bindings/storage/copies.ts";
import { buildGuestBootstrap } from "../../../src/build/guest-bootstrap.ts";
import { inspectMachine } from "../../../src/engine/guest/sandbox.ts";
import { silentLog, systemClock } from "../../../src/model/ports.ts";
import { ROOT } from "../../rules/sources.ts";

let root: string;
let dir: string;
let bundle: string;
let copies: Copies;

beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "nebula-copies-")));
  bundle = await buildGuestBootstrap(join(ROOT, "src/bindings/storage/copy.storage.ts"));
});
beforeEach(async () => {
  dir = await mkdtemp(join(root, "d1-"));
  await mkdir(join(dir, "memes"));
  const { setpriv } = inspectMachine();
  copies = openCopies({ dir, bundle: async () => bundle, setpriv, clock: systemClock, log: silentLog });
});
afterEach(() => copies[Symbol.asyncDispose]());
afterAll(() => rm(root, { recursive: true, force: true }));

function openDatabase(): DatabaseSync {
  const db = new DatabaseSync(join(dir, "memes/db.sqlite"));
  db.exec("PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS pairs(a INTEGER, b INTEGER)");
  return db;
}

function readCopy(path: string): unknown[] {
  const db = new DatabaseSync(path, { readOnly: true });
  const rows = db.prepare("SELECT a, b FROM pairs").all();
  db.close();
  return rows;
}

async function listCopies(): Promise<string[]> {
  const entries = await readdir(join(dir, ".copies"), { recursive: true, withFileTypes: true });
  return entries.filter((each) => each.isFile()).map(({ name }) => name);
}

test("a copy has what was committed when it was begun, in the log or not, and is one file", async () => {
  using db = { handle: openDatabase(), [Symbol.dispose]: () => db.handle.close() };
  db.handle.exec("INSERT INTO pairs VALUES (1, 1)");
  {
    await using copy = await copies.copy("memes/db.sqlite");
    expect(readCopy(copy.path)).toEqual([{ a: 1, b: 1 }]);
    expect(copy.bytes).toBeGreaterThan(0);
    expect(await listCopies()).toEqual(["1.sqlite"]);
  }
  expect(await listCopies()).toEqual([]);
});

test("a copy made while somebody writes has no transaction in part", async () => {
  const db = openDatabase();
  db.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
    INSERT INTO pairs SELECT i, i FROM n`);
  let isOver = false;
  const write = async () => {
    for (let round = 0; !isOver; round += 1) {
      db.exec(`BEGIN; INSERT INTO pairs VALUES (${round}, 0)`);
      await new Promise((resolve) => setImmediate(resolve));
      db.exec(`UPDATE pairs SET b = ${round} WHERE a = ${round}; INSERT INTO pairs VALUES (-1, -1); COMMIT`);
    }
    return db.close();
  };
  const writing = write();
  for (let i = 0; i < 5; i += 1) {
    await using copy = await copies.copy("memes/db.sqlite");
    const made = new DatabaseSync(copy.path, { readOnly: true });
    expect(made.prepare("SELECT count(*) AS torn FROM pairs WHERE a <> b").get()).toEqual({ torn: 0 });
    made.close();
  }
  isOver = true;
  await writing;
});

test("a damaged database, and one that is none, are no copies", async () => {
  await writeFile(join(dir, "memes/db.sqlite"), "x".repeat(10_000));
  await expect(copies.copy("memes/db.sqlite")).rejects.toMatchObject({
    code: "NEBULA_STATE_FAILED",
    message: expect.stringContaining("its file is damaged"),
  });
  expect(await listCopies()).toEqual([]);
});
