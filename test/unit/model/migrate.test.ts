import { afterEach, beforeEach, expect, test } from "vitest";
import { listChanged, Migrator, type PendingMigrations } from "../../../src/migrate.ts";
import { type MemoryDatabases, openMemoryDatabases } from "../../support/memory-databases.ts";

let databases: MemoryDatabases;
let migrator: Migrator;
const { signal } = new AbortController();

beforeEach(() => {
  databases = openMemoryDatabases();
  migrator = new Migrator(databases);
});
afterEach(() => databases[Symbol.dispose]());

const toMigrations = (files: Readonly<Record<string, string>>, change: Partial<PendingMigrations> = {}) => ({
  database: "memes",
  table: "d1_migrations",
  files: Object.entries(files).map(([name, sql]) => ({ name, sql })),
  ...change,
});
const apply = (files: Readonly<Record<string, string>>, change?: Partial<PendingMigrations>) =>
  migrator.apply(toMigrations(files, change), { signal });
const tables = (id = "memes") =>
  databases
    .open(id)
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
    .all()
    .map(({ name }) => name);

const ONE = { "0001_a.sql": "CREATE TABLE a(b);\n--> statement-breakpoint\nINSERT INTO a VALUES (';');" };
const TWO = { ...ONE, "0002_c.sql": "CREATE TABLE c(d)" };

test("migrations are applied once, in order, and recorded as wrangler does", async () => {
  expect(await apply(ONE)).toEqual(["0001_a.sql"]);
  expect(await apply(TWO)).toEqual(["0002_c.sql"]);
  expect(await apply(TWO)).toEqual([]);
  expect(tables()).toEqual(["a", "c", "d1_migrations"]);
  const rows = databases.open("memes").prepare("SELECT * FROM d1_migrations").all();
  expect(rows).toEqual([
    { id: 1, name: "0001_a.sql", applied_at: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/) },
    { id: 2, name: "0002_c.sql", applied_at: expect.anything() },
  ]);
  const sql = databases.open("memes").prepare("SELECT sql FROM sqlite_schema WHERE name = 'd1_migrations'").get()?.sql;
  expect(String(sql).replace(/\s+/g, " ")).toBe(
    'CREATE TABLE "d1_migrations" ( id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL )',
  );
});

test("what wrangler has applied is not applied again", async () => {
  const db = databases.open("memes");
  db.exec(`CREATE TABLE d1_migrations(
		id         INTEGER PRIMARY KEY AUTOINCREMENT,
		name       TEXT UNIQUE,
		applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
  ); INSERT INTO d1_migrations (name) VALUES ('0001_a.sql')`);
  expect(await apply(TWO)).toEqual(["0002_c.sql"]);
});

test("a file that fails is taken back whole, names its line and what SQLite said, and those before it stay", async () => {
  const broken = {
    ...ONE,
    "0002_c.sql": "CREATE TABLE c(d);\n\nINSERT INTO nowhere VALUES (1);",
    "0003_e.sql": "CREATE TABLE e(f)",
  };
  await expect(apply(broken)).rejects.toMatchObject({
    code: "NEBULA_MIGRATION_FAILED",
    message: 'Cannot apply "0002_c.sql" to the database "memes": line 3: no such table: nowhere',
    details: { database: "memes", migration: "0002_c.sql" },
  });
  expect(tables()).toEqual(["a", "d1_migrations"]);
  expect(await apply({ ...broken, "0002_c.sql": "CREATE TABLE c(d);" })).toEqual(["0002_c.sql", "0003_e.sql"]);
});

test("an empty file is applied like any other", async () => {
  expect(await apply({ "0001_a.sql": "-- nothing\n" })).toEqual(["0001_a.sql"]);
  expect(await apply({ "0001_a.sql": "-- nothing\n" })).toEqual([]);
});

test("two that bring on one database wait for each other, others do not", async () => {
  const [one, two, other] = await Promise.all([apply(TWO), apply(TWO), apply(ONE, { database: "other" })]);
  expect([one, two, other]).toEqual([["0001_a.sql", "0002_c.sql"], [], ["0001_a.sql"]]);
  const order = databases.calls.map(({ id }) => id);
  expect(order.indexOf("other")).toBeLessThan(order.lastIndexOf("memes"));
});

test("the table may have another name, and one of a name that stands in SQL", async () => {
  expect(await apply(ONE, { table: "order" })).toEqual(["0001_a.sql"]);
  expect(await migrator.list({ database: "memes", table: "order" })).toEqual([
    { name: "0001_a.sql", appliedAt: expect.any(String) },
  ]);
  expect(tables()).toEqual(["a", "order"]);
});

test("list() makes no table", async () => {
  expect(await migrator.list({ database: "memes", table: "d1_migrations" })).toEqual([]);
  expect(tables()).toEqual([]);
});

test("nothing is begun after the signal", async () => {
  await expect(migrator.apply(toMigrations(ONE), { signal: AbortSignal.abort(new Error("stop")) })).rejects.toThrow(
    "stop",
  );
  expect(databases.calls).toEqual([]);
});

test("listChanged() finds files whose text is another", () => {
  const digest = (of: string) => `sha256:${of.repeat(64)}` as const;
  const with_ = (one: string, table = "t") => [
    { database: "memes", table, files: [{ name: "1.sql", digest: digest(one), bytes: 1 }] },
  ];
  expect(listChanged(with_("a"), with_("b"))).toEqual([{ database: "memes", name: "1.sql" }]);
  expect(listChanged(with_("a"), with_("a"))).toEqual([]);
  expect(listChanged(with_("a"), with_("b", "other"))).toEqual([]);
  expect(listChanged(undefined, with_("b"))).toEqual([]);
  expect(listChanged(with_("a"), undefined)).toEqual([]);
});
