import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { quoteName, splitStatements } from "../../../src/model/sql-statements.ts";

const split = (text: string) => splitStatements(text).map(({ sql }) => sql);

test.each<[name: string, text: string, statements: string[]]>([
  ["nothing", "", []],
  ["comments alone", "-- a;\n/* b; */ ;;\n", []],
  ["the last one without a semicolon", "SELECT 1; SELECT 2 -- end", ["SELECT 1", "SELECT 2"]],
  [
    "semicolons in texts and names",
    `SELECT ';', ";", \`;\`, [;]; SELECT 'it''s;'`,
    [`SELECT ';', ";", \`;\`, [;]`, "SELECT 'it''s;'"],
  ],
  [
    "drizzle's breakpoints",
    "CREATE TABLE a(b);\n--> statement-breakpoint\nDROP TABLE a;",
    ["CREATE TABLE a(b)", "DROP TABLE a"],
  ],
  ["a comment inside", "SELECT /* ; */ 1 -- ;\n+ 1;", ["SELECT /* ; */ 1 -- ;\n+ 1"]],
  ["division and subtraction", "SELECT 4/2; SELECT 3-2", ["SELECT 4/2", "SELECT 3-2"]],
  ["a text without end", "SELECT 'a; SELECT 2", ["SELECT 'a; SELECT 2"]],
  ["a comment without end", "SELECT 1; /* SELECT 2;", ["SELECT 1"]],
])("splitStatements() tells apart: %s", (_, text, statements) => {
  expect(split(text)).toEqual(statements);
});

test.each([
  "CREATE TRIGGER",
  "create temp trigger",
  "CREATE TEMPORARY TRIGGER",
  "CREATE /* ; */ TRIGGER IF NOT EXISTS",
])("splitStatements() keeps the body of a %s together", (create) => {
  const trigger = `${create} t AFTER INSERT ON a BEGIN
      SELECT CASE WHEN new.b THEN 1 ELSE 2 END; -- END;
      INSERT INTO c VALUES ('; END;');
    END`;
  expect(split(`CREATE TABLE a(b); ${trigger};\nSELECT 1;`)).toEqual(["CREATE TABLE a(b)", trigger, "SELECT 1"]);
});

test("splitStatements() knows the line of each statement", () => {
  const text = "-- first\n\nCREATE TABLE a(\n  b\n);\n\nSELECT 1; SELECT 2;\nSELECT 3";
  expect(splitStatements(text).map(({ line }) => line)).toEqual([3, 7, 7, 8]);
});

test("splitStatements() gives SQLite what SQLite understands", () => {
  const text = `
    CREATE TABLE memes(id INTEGER PRIMARY KEY, title TEXT); CREATE TABLE log(entry TEXT);
    CREATE VIRTUAL TABLE found USING fts5(title, content='memes', content_rowid='id');
    CREATE TRIGGER added AFTER INSERT ON memes BEGIN
      INSERT INTO found(rowid, title) VALUES (new.id, new.title); INSERT INTO log VALUES (CASE WHEN 1 THEN ';' END);
    END;
    INSERT INTO memes(title) VALUES ('a;b');`;
  const whole = new DatabaseSync(":memory:");
  whole.exec(text);
  const parts = new DatabaseSync(":memory:");
  for (const { sql } of splitStatements(text)) parts.prepare(sql).run();
  const read = (db: DatabaseSync) => [
    db.prepare("SELECT sql FROM sqlite_schema").all(),
    db.prepare("SELECT * FROM log").all(),
  ];
  expect(read(parts)).toEqual(read(whole));
  whole.close();
  parts.close();
});

test("splitStatements() takes no longer for hostile texts than for others", { timeout: 5_000 }, () => {
  for (const text of [
    "'".repeat(1_000_001),
    "/*".repeat(500_000),
    "[".repeat(1_000_000),
    "CREATE TRIGGER ;".repeat(60_000),
    "\n;a".repeat(300_000),
  ]) {
    expect(splitStatements(text).length).toBeGreaterThanOrEqual(0);
  }
});

test("quoteName() writes a name so that it is one, whatever is in it", () => {
  expect(quoteName('a"b')).toBe('"a""b"');
});
