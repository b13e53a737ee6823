/**
 * `nebula d1` and `nebula kv` as their user has them, on a node that serves.
 */

import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../unit/cli/support.ts";
import { type CliProcess, createTempProject, killCli, startCli, type TempProject } from "./cli-process.ts";

const WRANGLER = `name = "shop"
main = "index.ts"
compatibility_date = "2026-11-01"
[[d1_databases]]
binding = "DB"
database_name = "memes"
database_id = "m-1"
[[d1_databases]]
binding = "COPY"
migrations_dir = "none"
[[kv_namespaces]]
binding = "CACHE"
`;
const MEMES = `CREATE TABLE authors (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL);
CREATE TABLE memes (id INTEGER PRIMARY KEY, title TEXT, score REAL, picture BLOB, author INTEGER REFERENCES authors(id),
  upper TEXT GENERATED ALWAYS AS (upper(title)) VIRTUAL);
CREATE VIRTUAL TABLE found USING fts5(title, content='memes', content_rowid='id');
CREATE VIRTUAL TABLE notes USING fts5(text);
CREATE TABLE pairs (a TEXT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
CREATE TRIGGER added AFTER INSERT ON memes BEGIN INSERT INTO found(rowid, title) VALUES (new.id, new.title); END;
CREATE INDEX by_title ON memes (title);
CREATE VIEW titles AS SELECT title FROM memes;
`;

let project: TempProject;
let node: CliProcess;

beforeAll(async () => {
  project = await createTempProject({
    "wrangler.toml": WRANGLER,
    "index.ts": "export default { fetch: (_, env) => env.CACHE.get('greeting').then((text) => new Response(text)) };\n",
    "migrations/0001_memes.sql": MEMES,
    "none/README.md": "",
  });
  node = startCli(["serve", "--port", "0", "--control-port", "0"], { cwd: project.dir });
  await node.ready();
}, 60_000);
afterAll(async () => {
  await killCli(node);
  await project.remove();
});

const nebula = (...argv: string[]) => run(argv, { cwd: project.dir });
const nebulaWith = (stdin: string, ...argv: string[]) => run(argv, { cwd: project.dir, stdin });
async function good(...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await nebula(...argv);
  expect(stderr, argv.join(" ")).not.toContain("error ");
  expect(code).toBe(0);
  return stdout;
}
const execute = async (sql: string, database = "DB") =>
  JSON.parse(await good("d1", "execute", database, "--command", sql, "--json"));

describe("nebula d1", () => {
  test("runs SQL in one transaction, by binding, name and id, and prints what came of it", async () => {
    await good("d1", "execute", "DB", "--command", "INSERT INTO authors (name) VALUES ('Ada'), ('Bob')");
    const text = await good(
      "d1",
      "execute",
      "memes",
      "--command",
      "SELECT id, name, NULL AS none, x'00ff' AS raw FROM authors",
    );
    expect(text).toMatch(/^id +name +none +raw\n1 +Ada +null +x'00ff' \(2 bytes\)\n2 +Bob .*\n2 rows in .*ms\n$/);
    const [{ results, success, meta }] = await execute("SELECT name FROM authors WHERE id = 1", "m-1");
    expect({ results, success }).toEqual({ results: [{ name: "Ada" }], success: true });
    expect(meta).toMatchObject({ rows_read: expect.any(Number) });
    const failed = await nebula("d1", "execute", "DB", "--command", "DELETE FROM authors;\nSELECT * FROM nowhere");
    expect(failed).toMatchObject({ code: 1, stdout: "" });
    expect(failed.stderr).toContain("Cannot run the statement on line 2: no such table: nowhere");
    expect((await execute("SELECT count(*) AS n FROM authors"))[0].results).toEqual([{ n: 2 }]);
    const piped = await nebulaWith("SELECT 1 AS one", "d1", "execute", "m-1", "--id", "--file", "-", "--json");
    expect(JSON.parse(piped.stdout)[0].results).toEqual([{ one: 1 }]);
  });

  test("exports what import and sqlite3 make the same database of", async () => {
    const long = "🙂".repeat(5_000);
    await execute(`INSERT INTO memes (id, title, score, picture, author) VALUES
      (7, 'it''s; "one"', 0.1, x'00ff10', 2), (900719925474099312, 'big' || char(10) || 'line', -1e300, NULL, 1),
      (9, 'a' || char(0) || 'b', 3.0, zeroblob(1000), NULL), (10, '${long}', NULL, NULL, NULL)`);
    await execute(
      "UPDATE memes SET title = replace(hex(zeroblob(150000)), '0', char(39) || 'ü'), picture = randomblob(400000) WHERE id = 10",
    );
    await execute(
      "INSERT INTO notes (rowid, text) VALUES (5, 'hello there'); INSERT INTO pairs VALUES ('x', 'y'), ('a', 'b')",
    );
    expect(await good("d1", "export", "DB", "--output", "memes.sql")).toBe("exported m-1 to memes.sql\n");
    const sql = await readFile(join(project.dir, "memes.sql"), "utf8");

    const db = new DatabaseSync(":memory:");
    db.exec(sql);
    expect(db.prepare("SELECT count(*) AS n FROM memes").get()).toEqual({ n: 4 });
    expect(db.prepare("SELECT rowid FROM found WHERE found MATCH 'one'").all()).toEqual([{ rowid: 7 }]);
    expect(db.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'authors'").get()).toEqual({ seq: 2 });
    db.close();

    await good("d1", "import", "COPY", "memes.sql");
    expect(await good("d1", "export", "COPY")).toBe(sql);
    const sums =
      "SELECT id, length(title) AS n, length(picture) AS bytes, hex(substr(picture, 200000, 9)) AS part FROM memes";
    expect((await execute(sums, "COPY"))[0].results).toEqual((await execute(sums))[0].results);
    const [rows] = await execute("SELECT id, hex(picture) AS hex, upper FROM memes WHERE id = 7", "COPY");
    expect(rows.results).toEqual([{ id: 7, hex: "00FF10", upper: 'IT\'S; "ONE"' }]);
    expect((await execute("SELECT rowid FROM notes WHERE notes MATCH 'there'", "COPY"))[0].results).toEqual([
      { rowid: 5 },
    ]);
    await execute("INSERT INTO memes (title) VALUES ('new one')", "COPY");
    expect((await execute("SELECT count(*) AS n FROM found WHERE found MATCH 'one'", "COPY"))[0].results).toEqual([
      { n: 2 },
    ]);

    expect(await good("d1", "export", "DB", "--table", "pairs", "--no-schema")).toContain(
      `INSERT INTO "pairs" ("a","b") VALUES('a','b'),\n('x','y');\n`,
    );
    const schema = await good("d1", "export", "DB", "--no-data");
    expect(schema).not.toContain('INSERT INTO "');
    expect(schema).toContain("CREATE TRIGGER added");
  });

  test("takes a dump of sqlite3, and tells the line of what it cannot take", async () => {
    await writeFile(
      join(project.dir, "dump.sql"),
      "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE child (id REFERENCES parent(id));\nINSERT INTO child VALUES (1);\n" +
        "CREATE TABLE parent (id INTEGER PRIMARY KEY);\nINSERT INTO parent VALUES (1);\nCOMMIT;\n",
    );
    expect(await good("d1", "import", "COPY", "dump.sql")).toMatch(/^imported 4 statements into shop-copy in /);
    const failed = await nebulaWith("CREATE TABLE z (a);\nINSERT INTO y VALUES (1);", "d1", "import", "COPY", "-");
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('Cannot import "-": line 2: no such table: y');
    expect((await nebula("d1", "execute", "COPY", "--command", "SELECT * FROM z")).code).toBe(1);
  });

  test("lists, makes and applies migrations", async () => {
    expect(await good("d1", "migrations", "list", "DB")).toMatch(/^migration +applied\n0001_memes\.sql +\d{4}-.*\n$/);
    expect(await good("d1", "migrations", "create", "DB", "add  votes")).toBe("migrations/0002_add_votes.sql\n");
    await writeFile(join(project.dir, "migrations/0002_add_votes.sql"), "CREATE TABLE votes (meme INTEGER)");
    expect(await good("d1", "migrations", "list", "DB")).toMatch(/0002_add_votes\.sql +not applied/);
    // The file reaches two databases: each has its own record.
    expect(await good("d1", "migrations", "apply", "DB")).toBe("applied 0002_add_votes.sql\n");
    expect(await good("d1", "migrations", "apply", "DB")).toBe("nothing to apply\n");
    expect((await execute("SELECT count(*) AS n FROM votes"))[0].results).toEqual([{ n: 0 }]);
  });

  test.each<[argv: string[], code: number, words: string]>([
    [["execute", "NONE", "--command", "SELECT 1"], 2, 'the configuration of this folder names "DB", "COPY"'],
    [["execute", "nowhere", "--id", "--command", "SELECT 1"], 2, 'Cannot find a database "nowhere" on this node'],
    [["execute", "../up", "--id", "--command", "SELECT 1"], 2, "its path does not name a database"],
    [["execute", "DB"], 2, "give it with --command"],
    [["execute", "DB", "--command", "/* nothing */"], 2, "there is no statement in it"],
    [["execute", "DB", "--file", "none.sql"], 2, "there is no such file"],
    [["execute", "DB", "--command", "ATTACH '/etc/passwd' AS p"], 1, "line 1"],
    [["execute", "DB", "--command", "BEGIN"], 1, "line 1"],
    [["export", "DB", "--table", "nowhere"], 2, "the database has no such table"],
    [["export", "DB", "--output", "no/such/folder.sql"], 2, "there is no such folder"],
    [["export", "DB", "--no-data", "--no-schema"], 2, "leave nothing"],
    [["import", "DB", "wrangler.toml", "--id"], 2, "Cannot find a database"],
    [["migrations"], 0, ""],
    [["migrations", "aply", "DB"], 2, 'Did you mean "nebula d1 migrations apply"?'],
    [["migrations", "create", "DB", "a/b"], 2, "a file cannot have this name"],
  ])("refuses %j", async (argv, code, words) => {
    const done = await nebula("d1", ...argv);
    expect(done.stderr).toContain(words);
    expect(done.code).toBe(code);
  });
});

describe("nebula kv", () => {
  test("writes and reads values byte for byte", async () => {
    expect(await good("kv", "put", "greeting", "Hello", "--metadata", '{"by":"Ada"}')).toBe("put greeting\n");
    expect(await good("kv", "get", "greeting", "--binding", "CACHE")).toBe("Hello");
    const { dataUrl } = await node.ready();
    expect(await (await fetch(dataUrl)).text()).toBe("Hello");
    expect(JSON.parse(await good("kv", "get", "greeting", "--json"))).toEqual({
      key: "greeting",
      value: "Hello",
      metadata: { by: "Ada" },
    });
    const bytes = Buffer.alloc(3_000_000, 0).map((_, i) => (i * 7) % 256);
    await writeFile(join(project.dir, "raw.bin"), bytes);
    await good("kv", "put", "raw", "--path", "raw.bin", "--ttl", "3600");
    expect(Buffer.from(JSON.parse(await good("kv", "get", "raw", "--json")).value, "base64").equals(bytes)).toBe(true);
    await nebulaWith("from stdin", "kv", "put", "piped");
    expect(await good("kv", "get", "piped")).toBe("from stdin");
  });

  test("lists, exports, imports and deletes", async () => {
    const keys = JSON.parse(await good("kv", "list", "--json"));
    expect(keys.map(({ name }: { name: string }) => name)).toEqual(["greeting", "piped", "raw"]);
    expect(await good("kv", "list", "--prefix", "gr")).toMatch(
      /^key +expires +metadata\ngreeting +- +\{"by":"Ada"\}\n$/,
    );
    await good("kv", "export", "all.json");
    expect(await good("kv", "import", "all.json", "--namespace-id", "other")).toBe("put 3 keys\n");
    expect(await good("kv", "export", "--namespace-id", "other")).toBe(
      await readFile(join(project.dir, "all.json"), "utf8"),
    );
    expect(await good("kv", "delete", "greeting")).toBe("deleted greeting\n");
    expect((await nebula("kv", "get", "greeting")).stderr).toContain("Cannot find a value for this key");
    expect((await stat(join(project.dir, "all.json"))).size).toBeGreaterThan(3_000_000);
  });

  test.each<[argv: string[], words: string]>([
    [["get", "x".repeat(600)], "exceeds key length limit"],
    [["get", "a", "--binding", "NONE"], 'the configuration of this folder names "CACHE"'],
    [["get", "a", "--binding", "CACHE", "--namespace-id", "b"], "are there both"],
    [["get", "a", "--namespace-id", "../up"], "its path does not name a namespace"],
    [["put", "a", "b", "--ttl", "5"], "Expiration TTL must be at least 60"],
    [["put", "a", "b", "--ttl", "soon"], "is no number of seconds"],
    [["put", "a", "b", "--metadata", "{"], "it is not JSON"],
    [["put", "a", "b", "--metadata", `"${"x".repeat(2_000)}"`], "Metadata length"],
    [["put", "a", "b", "--path", "raw.bin"], "one in --path"],
    [["put", "a", "--path", "none"], 'Cannot read "none"'],
    [["import", "wrangler.toml"], "it is not a list of keys and values"],
    [["import", "none.json"], "there is no such file"],
  ])("refuses %j", async (argv, words) => {
    const done = await nebula("kv", ...argv);
    expect(done.stderr).toContain(words);
    expect(done.code).toBe(2);
  });
});
