import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { D1 } from "../../../src/registry/d1.ts";

let db: D1;
beforeEach(async () => {
  db = new D1(":memory:", { busyMs: 0 });
  await db.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, v); CREATE TABLE u (t_id REFERENCES t (id))");
});
afterEach(() => db[Symbol.dispose]());

const insert = (value: unknown) => db.prepare("INSERT INTO t (v) VALUES (?)").bind(value);
const count = () => db.prepare("SELECT count(*) AS n FROM t").first("n");

describe("prepare()", () => {
  it("runs nothing and finds no mistake until the statement is run", async () => {
    const statement = db.prepare("SELEKT 1");
    await expect(statement.all()).rejects.toThrow(/syntax error/);
  });

  it("makes a statement that can be bound and run again and again", async () => {
    const statement = db.prepare("INSERT INTO t (v) VALUES (?)");
    expect((await statement.bind("a").run()).meta).toEqual({ changes: 1, last_row_id: 1 });
    expect((await statement.bind("b").run()).meta).toEqual({ changes: 1, last_row_id: 2 });
    expect((await db.prepare("SELECT v FROM t").all()).results).toEqual([{ v: "a" }, { v: "b" }]);
  });

  it("gives the rows of RETURNING", async () => {
    expect((await db.prepare("INSERT INTO t (v) VALUES (1) RETURNING id, v").run()).results).toEqual([{ id: 1, v: 1 }]);
  });
});

describe("bind()", () => {
  it.each([
    [null, null],
    ["ä", "ä"],
    [1.5, 1.5],
    [true, 1],
    [false, 0],
    [7n, 7],
    [new Uint8Array([1, 2]), new Uint8Array([1, 2])],
    [new Uint8Array([1, 2]).buffer, new Uint8Array([1, 2])],
  ])("stores %s", async (value, stored) => {
    await insert(value).run();
    expect(await db.prepare("SELECT v FROM t").first("v")).toEqual(stored);
  });

  it.each([undefined, {}, () => {}, Symbol("s")])("refuses %s", (value) => {
    expect(() => insert(value)).toThrow(TypeError);
  });
});

describe("raw() and first()", () => {
  it("keep columns of one name apart, or give one row, one column or null", async () => {
    const statement = db.prepare("SELECT 1 AS a, 2 AS a, 3 AS b UNION SELECT 4, 5, 6");
    expect(await statement.raw()).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(await statement.first()).toMatchObject({ b: 3 });
    expect(await statement.first("b")).toBe(3);
    expect(await db.prepare("SELECT 1 WHERE 0").first()).toBeNull();
  });
});

describe("batch()", () => {
  it("gives one result for each statement", async () => {
    const results = await db.batch([insert("a"), db.prepare("SELECT v FROM t")]);
    expect(results.map(({ results }) => results)).toEqual([[], [{ v: "a" }]]);
  });

  it("changes nothing when one statement fails", async () => {
    await expect(db.batch([insert("a"), db.prepare("INSERT INTO u VALUES (99)")])).rejects.toThrow(/FOREIGN KEY/);
    expect(await count()).toBe(0);
    await db.batch([insert("b")]);
    expect(await count()).toBe(1);
  });

  it("lets no other statement into its middle", async () => {
    const batch = db.batch([insert("a"), insert("b")]);
    const seen = count();
    await batch;
    expect(await seen).toBe(2);
  });
});

describe("dispose", () => {
  it("is quiet the second time, and later statements fail", async () => {
    db[Symbol.dispose]();
    db[Symbol.dispose]();
    await expect(count()).rejects.toThrow(/not open/);
  });
});
