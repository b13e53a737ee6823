import { join } from "node:path";
import { expect, test } from "vitest";
import { readBlobSource } from "../../../src/build/blob-source.ts";
import { planBuild } from "../../../src/build/plan.ts";
import { runBuild } from "../../../src/build/run.ts";
import { listBlobs } from "../../../src/model/deployment.ts";
import type { ProjectDatabase } from "../../../src/model/function.ts";
import { MAX_MIGRATION_BYTES, MAX_MIGRATIONS } from "../../../src/model/migrations.ts";
import { type Files, rejectionOf, tempFolder, toProject } from "./support.ts";

const { signal } = new AbortController();

async function build(files: Files, databases: (dir: string) => readonly Partial<ProjectDatabase>[]) {
  const dir = await tempFolder({ "index.js": "export default {}", ...files });
  const whole = databases(dir).map((each) => ({ binding: "DB", id: "db", migrationsTable: "d1_migrations", ...each }));
  const project = { ...toProject(dir, { main: "index.js" }), databases: whole };
  return { dir, built: await runBuild(planBuild(project), { signal }) };
}

test("migrations go along in the order of their names, and nothing else of their folder", async () => {
  const { dir, built } = await build(
    {
      "sql/0002_b.sql": "B;",
      "sql/0001_a.sql": "A;",
      "sql/meta/0.json": "{}",
      "sql/README.md": "x",
      "sql/0010_c.sql": "A;",
    },
    (root) => [
      { migrationsDir: join(root, "sql"), isNamed: true },
      { binding: "NONE", id: "none" },
    ],
  );
  const [migrations, ...others] = built.migrations ?? [];
  expect(others).toEqual([]);
  expect(migrations).toMatchObject({ database: "db", table: "d1_migrations" });
  expect(migrations?.files.map(({ name, bytes }) => [name, bytes])).toEqual([
    ["0001_a.sql", 2],
    ["0002_b.sql", 2],
    ["0010_c.sql", 2],
  ]);
  for (const { digest } of listBlobs({ ...built, spec: toProject(dir).spec }))
    expect(built.blobs.has(digest)).toBe(true);
  const source = built.blobs.get(migrations?.files[1]?.digest ?? "sha256:");
  expect(source && Buffer.from(await readBlobSource(source)).toString()).toBe("B;");
  expect(built.inputs).toContain(join(dir, "sql"));
  expect(built.steps.find(({ step }) => step === "migrations")?.note).toBe("3 files");
});

test("a database that two bindings name has its migrations once", async () => {
  const both = (root: string) => [
    { migrationsDir: join(root, "sql") },
    { binding: "TWO", migrationsDir: join(root, "sql") },
  ];
  expect((await build({ "sql/1.sql": "A" }, both)).built.migrations).toHaveLength(1);
  const other = (root: string) => [
    { migrationsDir: join(root, "sql") },
    { binding: "TWO", migrationsDir: join(root, "b") },
  ];
  const error = await rejectionOf(build({ "sql/1.sql": "A", "b/1.sql": "B" }, other));
  expect(error.message).toBe('Cannot take the migrations of "db" along: two bindings name it with others');
});

test("an empty folder is no migrations, and one that is named and gone is a failure", async () => {
  const sql = (isNamed: boolean) => (root: string) => [{ migrationsDir: join(root, "sql"), isNamed }];
  expect((await build({ "sql/keep": "" }, sql(true))).built).not.toHaveProperty("migrations");
  expect((await build({}, sql(false))).built).not.toHaveProperty("migrations");
  const error = await rejectionOf(build({}, sql(true)));
  expect(error).toMatchObject({
    code: "NEBULA_BUILD_FAILED",
    message: 'Cannot read the migrations of "DB": there is no folder "sql"',
    details: { step: "migrations" },
  });
});

test.each<[what: string, files: Files, message: string]>([
  [
    "too many",
    Object.fromEntries(Array.from({ length: MAX_MIGRATIONS + 1 }, (_, i) => [`sql/${i}.sql`, "A"])),
    "more than 1000",
  ],
  ["too long", { "sql/1.sql": " ".repeat(MAX_MIGRATION_BYTES + 1) }, '"sql/1.sql" along: it is larger than 4 MiB'],
  ["not text", { "sql/1.sql": new Uint8Array([0xff]) }, "it is not valid UTF-8"],
  ["a folder", { "sql/1.sql/x": "" }, "it is not a file"],
  ["of a hostile name", { "sql/a\nb.sql": "" }, "a migration cannot have this name"],
])("migrations that are %s stay behind", async (_, files, message) => {
  const error = await rejectionOf(build(files, (root) => [{ migrationsDir: join(root, "sql") }]));
  expect(error).toMatchObject({ code: "NEBULA_BUILD_FAILED", message: expect.stringContaining(message) });
});
