import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getTableConfig } from "drizzle-orm/sqlite-core";
import { afterEach, describe, expect, it } from "vitest";
import * as schema from "../../../routes/db/schema.ts";
import { migrate, openSqlite } from "../../../routes/elsewhere/sqlite.ts";
import { databaseOf, memeWith } from "./support.ts";

const folders: string[] = [];

afterEach(() => Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true }))));

async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "academemes-"));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

describe("the migrations", () => {
  const { memesSearch: _, ...tables } = schema;

  it.each(Object.values(tables).map((table) => getTableConfig(table)))(
    "make the table $name as the schema says",
    async ({ name, columns }) => {
      const db = await databaseOf();
      const { results } = await db.prepare(`SELECT * FROM pragma_table_info('${name}') ORDER BY name`).all();
      const made = results.map((row) => [row.name, String(row.type).toLowerCase(), row.notnull === 1 || row.pk === 1]);
      const wanted = columns.map((column) => [column.name, column.getSQLType(), column.notNull || column.primary]);
      expect(made).toEqual(wanted.sort());
    },
  );

  it("are applied once", async () => {
    const folder = await folderOf({
      "0000_a.sql": "CREATE TABLE a (x);--> statement-breakpoint\nINSERT INTO a VALUES (1)",
    });
    using db = openSqlite(":memory:");
    await migrate(db, folder);
    await writeFile(join(folder, "0001_b.sql"), "INSERT INTO a VALUES (2)");
    await migrate(db, folder);
    await migrate(db, folder);
    expect((await db.prepare("SELECT x FROM a").all()).results).toEqual([{ x: 1 }, { x: 2 }]);
    const { results } = await db.prepare("SELECT name FROM d1_migrations ORDER BY id").all();
    expect(results.map(({ name }) => name)).toEqual(["0000_a.sql", "0001_b.sql"]);
  });

  it("are applied whole or not at all", async () => {
    const folder = await folderOf({
      "0000_a.sql": "CREATE TABLE a (x);--> statement-breakpoint\nINSERT INTO b VALUES (1)",
    });
    using db = openSqlite(":memory:");
    await expect(migrate(db, folder)).rejects.toThrow("no such table: b");
    await expect(db.prepare("SELECT * FROM a").all()).rejects.toThrow("no such table: a");
  });
});

describe("what follows from the memes", () => {
  const COUNTS = "SELECT version, memes FROM collection";

  it("is right after a meme was changed or removed by hand", async () => {
    const db = await databaseOf([memeWith({ tags: ["a", "b"] }), memeWith({ id: "other", number: 2, tags: ["b"] })]);
    const all = async (sql: string) => (await db.prepare(sql).all()).results;
    const before = (await all(COUNTS))[0];
    await db.prepare(`UPDATE memes SET tags = '["c"]', title = 'Zebra' WHERE number = 1`).run();
    expect(await all("SELECT tag, memes FROM tags ORDER BY tag")).toEqual([
      { tag: "b", memes: 1 },
      { tag: "c", memes: 1 },
    ]);
    expect(await all("SELECT rowid FROM memes_search WHERE memes_search MATCH 'zebra'")).toEqual([{ rowid: 1 }]);
    await db.prepare("INSERT INTO votes (meme, visitor) VALUES (1, 'v')").run();
    await db.prepare("DELETE FROM memes WHERE number = 1").run();
    expect(await all("SELECT tag, memes FROM tags")).toEqual([{ tag: "b", memes: 1 }]);
    expect(await all("SELECT * FROM votes")).toEqual([]);
    expect(await all("SELECT rowid FROM memes_search WHERE memes_search MATCH 'zebra'")).toEqual([]);
    await db.prepare("INSERT INTO memes_search (memes_search, rank) VALUES ('integrity-check', 1)").run();
    const after = (await all(COUNTS))[0];
    expect(after?.memes).toBe(1);
    expect(Number(after?.version)).toBeGreaterThan(Number(before?.version));
  });

  it("changes its version with every vote, and with nothing that changes nothing", async () => {
    const db = await databaseOf([memeWith()]);
    const version = async () => Number(await db.prepare(COUNTS).first("version"));
    const [vote, back] = ["INSERT INTO votes VALUES (1, 'v') ON CONFLICT DO NOTHING", "DELETE FROM votes"];
    const start = await version();
    for (const sql of [vote, vote, back, back]) await db.prepare(sql).run();
    expect(await version()).toBe(start + 2);
    expect(await db.prepare("SELECT votes FROM memes").first("votes")).toBe(0);
  });
});

describe("openSqlite()", () => {
  it("undoes a whole batch when one of it fails", async () => {
    using db = openSqlite(":memory:");
    await db.prepare("CREATE TABLE a (x UNIQUE)").run();
    const insert = db.prepare("INSERT INTO a VALUES (?)");
    await expect(db.batch([insert.bind(1), insert.bind(2), insert.bind(1)])).rejects.toThrow("UNIQUE");
    expect(await db.prepare("SELECT count(*) AS n FROM a").first("n")).toBe(0);
    await db.batch([insert.bind(1), insert.bind(true)].slice(0, 1));
    expect(await db.prepare("SELECT x FROM a").raw()).toEqual([[1]]);
    expect(await db.prepare("SELECT x FROM a WHERE x = 7").first()).toBeNull();
    expect(() => insert.bind({})).toThrow("no type for object");
  });
});
