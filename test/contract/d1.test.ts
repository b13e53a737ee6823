/**
 * One table of cases, run by the same function on Cloudflare's D1 (miniflare) and on ours, through real sockets.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cases } from "../fixtures/d1/cases.ts";
import { type Elsewhere, serveElsewhere } from "../support/miniflare.ts";
import { openTestNode, type TestNode } from "../support/node.ts";

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
let elsewhere: Elsewhere;
let url: string;

beforeAll(async () => {
  const names = ["index.ts", "cases.ts"];
  const files = Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(FIXTURE, name), "utf8")])),
  );
  const bindings = [{ type: "d1" as const, name: "DB", id: "cases" }];
  [elsewhere, node] = await Promise.all([
    serveElsewhere(join(FIXTURE, "index.ts"), { d1: { DB: "cases" } }),
    openTestNode(),
  ]);
  await node.deploy("cases", { files }, { bindings });
  url = `${node.dataUrl}/fn/cases/`;
});
afterAll(async () => {
  await elsewhere?.[Symbol.asyncDispose]();
  await node?.close();
});

async function ask(base: string, name: string): Promise<unknown> {
  const response = await fetch(new URL(encodeURIComponent(name), base));
  const text = await response.text();
  return response.headers.get("content-type")?.startsWith("application/json") ? JSON.parse(text) : text;
}

/** Without the place in the SQL, which `node:sqlite` does not tell. */
function withoutOffsets(answer: unknown): unknown {
  return JSON.parse(JSON.stringify(answer).replace(/ at offset \d+/g, ""));
}

describe("D1", () => {
  test.each(Object.keys(cases))("%s", async (name) => {
    const [theirs, ours] = await Promise.all([ask(elsewhere.url, name), ask(url, name)]);
    const reason = DIFFERENCES[name];
    if (reason === undefined) expect(ours).toEqual(withoutOffsets(theirs));
    // One that has gone is to be taken off the list.
    else expect(ours).not.toEqual(withoutOffsets(theirs));
  });
});
