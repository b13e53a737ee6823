/**
 * One table of cases, run by the same function on Cloudflare's D1 (miniflare) and on ours, through real sockets.
 */

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cases } from "../fixtures/d1/cases.ts";
import { openTestNode, type TestNode } from "../support/node.ts";
import { bundleFunction, openModuleOnWorkerd, type Place } from "../support/places.ts";

const FIXTURE = join(import.meta.dirname, "../fixtures/d1");

/** What differs, and why. */
const DIFFERENCES: Readonly<Record<string, string>> = {
  "meta.rows_written of a row with an index": "rows of indexes are not counted: SQLite as it is does not tell",
  "batch() of empty statements": "rows_read of what reads no table, times and sizes",
  "prepare() with a semicolon and a comment behind": "a comment behind the last statement is no statement",
  "SQL that is no text": "in plain words",
  "a deferred foreign key that is broken": "only this call fails, with SQLite's reason",
  BEGIN: "the words name batch()",
  COMMIT: "the words name batch()",
  SAVEPOINT: "the words name batch()",
  load_extension: "the words name the function",
  "a virtual table of dbstat": "it is refused, not unknown",
  "PRAGMA case_sensitive_like": "what a pragma sets is set back after its call",
  "33 arguments": "32 as D1's documented limits have it, which miniflare does not hold to",
};

let node: TestNode;
const elsewhere: Record<string, Place> = {};

beforeAll(async () => {
  node = await openTestNode();
  for (const name of ["cases", "drizzle"]) {
    const script = await bundleFunction(join(FIXTURE, name === "cases" ? "index.ts" : `${name}.ts`));
    elsewhere[name] = await openModuleOnWorkerd(script, { d1Databases: { DB: name } });
    const bindings = [{ type: "d1" as const, name: "DB", id: name }];
    const compatibility = { date: "2026-07-01", flags: ["nodejs_compat"] };
    await node.deploy(name, { files: { "index.ts": script } }, { bindings, compatibility });
  }
});
afterAll(async () => {
  for (const each of Object.values(elsewhere)) await each[Symbol.asyncDispose]();
  await node?.close();
});

/** What both answer: theirs first. */
async function askBoth(name: string, path: string): Promise<[theirs: unknown, ours: unknown]> {
  const urls = [elsewhere[name]?.url ?? "", `${node.dataUrl}/fn/${name}/`];
  const [theirs, ours] = await Promise.all(
    urls.map(async (url) => {
      const text = await (await fetch(new URL(path, url))).text();
      return text.startsWith("{") ? JSON.parse(text) : text;
    }),
  );
  return [withoutOffsets(theirs), ours];
}

/** Without the place in the SQL, which `node:sqlite` does not tell. */
function withoutOffsets(answer: unknown): unknown {
  return JSON.parse(JSON.stringify(answer).replace(/ at offset \d+/g, ""));
}

describe("D1", () => {
  test.each(Object.keys(cases))("%s", async (name) => {
    const [theirs, ours] = await askBoth("cases", encodeURIComponent(name));
    if (DIFFERENCES[name] === undefined) expect(ours).toEqual(theirs);
    // One that has gone is to be taken off the list.
    else expect(ours).not.toEqual(theirs);
  });

  test("names no case among the differences that there is not", () => {
    expect(Object.keys(DIFFERENCES).filter((name) => cases[name] === undefined)).toEqual([]);
  });
});

describe("drizzle-orm", () => {
  test("finds no difference", async () => {
    const [theirs, ours] = (await askBoth("drizzle", "")).map(Object);
    expect(Object.keys(theirs).length).toBeGreaterThan(20);
    // Both refuse BEGIN, each in its own words.
    expect(theirs.transaction).toEqual(["Error", expect.stringContaining("BEGIN")]);
    expect(ours).toEqual({ ...theirs, transaction: ["Error", expect.stringContaining("BEGIN")] });
  });
});
