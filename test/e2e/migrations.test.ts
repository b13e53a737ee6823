/**
 * Migrations on their way from a folder into a database, and the functions that wait for them.
 */

import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openDatabases } from "../../src/bindings/d1/databases.ts";
import { buildGuestBootstrap } from "../../src/build/guest-bootstrap.ts";
import { applyMigrations, listMigrations, queryDatabase } from "../../src/client/storage.ts";
import { inspectMachine } from "../../src/engine/guest/sandbox.ts";
import { Migrator } from "../../src/migrate.ts";
import { silentLog, systemClock } from "../../src/model/ports.ts";
import { ROOT } from "../rules/sources.ts";
import { openTestNode, type TestNode } from "../support/node.ts";

let node: TestNode;
beforeAll(async () => {
  node = await openTestNode();
});
afterAll(() => node.close());
afterEach(async () => {
  for (const { name } of await node.client.listFunctions()) await node.client.removeFunction(name);
});

const place = (id: string) => ({ id, isConfigured: true });
const COUNT = `export default { async fetch(request, env) {
  const { results } = await env.DB.prepare("SELECT title FROM memes ORDER BY id").all();
  return Response.json(results.map(({ title }) => title));
} };`;
const MEMES =
  "CREATE TABLE memes (id INTEGER PRIMARY KEY, title TEXT);\n--> statement-breakpoint\nINSERT INTO memes (title) VALUES ('one; two');";
const TRIGGER = `CREATE TABLE log (what TEXT); -- it grows
CREATE TRIGGER noted AFTER INSERT ON memes BEGIN
  INSERT INTO log VALUES (CASE WHEN new.title = ';' THEN 'END;' ELSE new.title END);
END;
INSERT INTO memes (title) VALUES ('three');`;

const deploy = (id: string, migrations: Readonly<Record<string, string>>, name = "memes", code = COUNT) =>
  node.deploy(name, { files: { "index.ts": code }, migrations }, { bindings: [{ type: "d1", name: "DB", id }] });
const read = async (name = "memes") => await (await fetch(`${node.dataUrl}/fn/${name}/`)).json();

describe("a deployment with migrations", () => {
  test("serves when they have been applied, each once", async () => {
    const first = await deploy("one", { "0001_memes.sql": MEMES });
    expect(first.steps.map(({ step }) => step)).toEqual(["insert", "prepare", "migrate", "activate"]);
    expect(await read()).toEqual(["one; two"]);
    await deploy("one", { "0001_memes.sql": MEMES, "0002_log.sql": TRIGGER });
    expect(await read()).toEqual(["one; two", "three"]);
    const applied = await listMigrations(node.client, place("one"), { table: "d1_migrations" });
    expect(applied.map(({ name }) => name)).toEqual(["0001_memes.sql", "0002_log.sql"]);
  });

  test("that fails leaves what served before, and the files before it", async () => {
    await deploy("two", { "0001_memes.sql": MEMES });
    const broken = {
      "0001_memes.sql": MEMES,
      "0002_a.sql": "CREATE TABLE a (b);",
      "0003_b.sql": "\nINSERT INTO a VALUES (1);\nCREAT TABLE c;",
    };
    await expect(deploy("two", broken)).rejects.toMatchObject({
      code: "NEBULA_MIGRATION_FAILED",
      message: expect.stringMatching(
        /^Cannot apply "0003_b\.sql" to the database "two": line 3: near "CREAT": syntax error/,
      ),
    });
    expect(await read()).toEqual(["one; two"]);
    const [state] = await queryDatabase(node.client, place("two"), { queries: [{ sql: "SELECT count(*) FROM a" }] });
    expect(state?.rows).toEqual([[0]]);
    const { deployments } = await node.client.getFunction("memes");
    expect(deployments.map((each) => each.state).sort()).toEqual(["active", "failed"]);
    await deploy("two", { ...broken, "0003_b.sql": "INSERT INTO a VALUES (2);" });
    const [after] = await queryDatabase(node.client, place("two"), { queries: [{ sql: "SELECT b FROM a" }] });
    expect(after?.rows).toEqual([[2]]);
  });

  test("changes nothing for a function that does not start", async () => {
    await expect(deploy("three", { "0001_memes.sql": MEMES }, "memes", "throw new Error('no')")).rejects.toThrow("no");
    expect(await listMigrations(node.client, place("three"), { table: "d1_migrations" })).toEqual([]);
  });

  test("tells of a file whose text has changed since it was applied", async () => {
    await deploy("four", { "0001_memes.sql": MEMES });
    const { warnings } = await deploy("four", { "0001_memes.sql": `${MEMES} -- changed` });
    expect(warnings).toEqual([
      'the migration "0001_memes.sql" of "four" has changed since it was applied, and is not applied again',
    ]);
  });

  test("waits for another one of the same database", async () => {
    const files = { "0001_memes.sql": MEMES, "0002_log.sql": TRIGGER };
    await Promise.all(["a", "b", "c"].map((name) => deploy("five", files, name)));
    for (const name of ["a", "b", "c"]) expect(await read(name)).toEqual(["one; two", "three"]);
  });
});

test("migrations are applied without a deployment, too, and a wrong one is refused at the border", async () => {
  const files = [{ name: "0001_a.sql", sql: "CREATE TABLE a (b)" }];
  const call = { table: "d1_migrations", files };
  expect(await applyMigrations(node.client, place("seven"), call)).toEqual(["0001_a.sql"]);
  expect(await applyMigrations(node.client, place("seven"), call)).toEqual([]);
  await expect(
    applyMigrations(node.client, place("seven"), { ...call, files: [{ name: "../a.sql", sql: "" }] }),
  ).rejects.toMatchObject({ code: "NEBULA_REQUEST_INVALID" });
  await expect(applyMigrations(node.client, { id: "none", isConfigured: false }, call)).rejects.toMatchObject({
    code: "NEBULA_REQUEST_INVALID",
    message: 'Cannot find a database "none" on this node',
  });
});

test("a migration is held to the time limit of its database, and taken back when it ends there", async () => {
  const dir = await realpath(await mkdtemp(join(tmpdir(), "nebula-migrations-")));
  const bundle = () => buildGuestBootstrap(join(ROOT, "src/bindings/d1/main.storage.ts"));
  const { setpriv } = inspectMachine();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(dir, { recursive: true }));
  const databases = stack.use(
    openDatabases({ dir, bundle, setpriv, clock: systemClock, log: silentLog, callMs: 1_000 }),
  );
  const endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
  const files = [{ name: "0001_a.sql", sql: `CREATE TABLE a (b); CREATE TABLE n AS ${endless}` }];
  const migrator = new Migrator(databases);
  const { signal } = new AbortController();
  await expect(migrator.apply({ database: "a", table: "d1_migrations", files }, { signal })).rejects.toMatchObject({
    code: "NEBULA_STORAGE_TIMEOUT",
    message: expect.stringContaining("0001_a.sql"),
  });
  const sql = "SELECT name FROM sqlite_schema WHERE name IN ('a', 'n')";
  expect((await databases.run("a", [{ sql }]))[0]?.rows).toEqual([]);
});
