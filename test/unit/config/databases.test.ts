import { join } from "node:path";
import { expect, test } from "vitest";
import { readProject } from "../../../src/config/read-project.ts";
import { createProjectFolder, readDiagnostics, toLine } from "./project-folder.ts";

const MAIN = 'main = "a.js"\ncompatibility_date = "2026-01-01"\n';

async function read(toml: string, files: Readonly<Record<string, string>> = {}) {
  await using folder = await createProjectFolder({ "a.js": "", ...files, "wrangler.toml": MAIN + toml });
  const problems = (await readDiagnostics(folder.dir)).map(toLine);
  const { project } = problems.length > 0 ? { project: undefined } : await readProject(folder.dir);
  return { databases: project?.databases, problems, dir: folder.dir };
}

test("a database has the migrations of the folder that is named, or of migrations/ where that is there", async () => {
  const named =
    '[[d1_databases]]\nbinding = "DB"\ndatabase_name = "memes"\ndatabase_id = "m-1"\nmigrations_dir = "sql"\n';
  const { databases, dir } = await read(`${named}migrations_table = "done"\n[[d1_databases]]\nbinding = "LOG"`, {
    "sql/": "",
    "migrations/": "",
  });
  expect(databases).toEqual([
    {
      binding: "DB",
      id: "m-1",
      title: "memes",
      migrationsDir: join(dir, "sql"),
      isNamed: true,
      migrationsTable: "done",
    },
    {
      binding: "LOG",
      id: "shop-log",
      migrationsDir: join(dir, "migrations"),
      isNamed: false,
      migrationsTable: "d1_migrations",
    },
  ]);
});

test("a folder that nobody named may be missing; one that is named may not, unless a command makes it", async () => {
  expect((await read('[[d1_databases]]\nbinding = "DB"')).databases).toEqual([
    { binding: "DB", id: "shop-db", migrationsTable: "d1_migrations" },
  ]);
  const named = '[[d1_databases]]\nbinding = "DB"\nmigrations_dir = "sql"';
  expect((await read(named)).problems).toEqual([
    '5:18 error "d1_databases[0].migrations_dir" is "sql": there is no such folder',
  ]);
  expect((await read(`build.command = "make"\n${named}`)).problems).toEqual([]);
});

test("what is wrong with an id is told once, and a table has a plain name", async () => {
  const toml = '[[d1_databases]]\nbinding = "DB"\ndatabase_id = "../up"\nmigrations_table = "a b"';
  expect((await read(toml)).problems).toEqual([
    `5:15 error "d1_databases[0].database_id" must be letters, digits, '.', '_' and '-', at most 128, the first a letter or digit`,
    `6:20 error "d1_databases[0].migrations_table" must be letters, digits and '_', at most 128, and no digit first`,
  ]);
});
