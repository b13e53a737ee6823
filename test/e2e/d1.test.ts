/**
 * Databases as a node's functions have them: shared by id, kept over restarts, the same for every host of JavaScript.
 */

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cases } from "../fixtures/d1/cases.ts";
import { openTestNode, type SpecChange, type TestNode } from "../support/node.ts";
import { bundleFunction } from "../support/places.ts";

/** Times, sizes and numbers of rows, which are never the same twice. */
const CHANGING = /"(?:duration|size_after|rows_read|last_row_id)":[\d.]+/g;

const COUNTER = `export default { fetch: async (request, env) => {
  await env.DB.exec("CREATE TABLE IF NOT EXISTS visits (name TEXT)");
  if (request.method === "POST") await env.DB.prepare("INSERT INTO visits VALUES (?)").bind(await request.text()).run();
  return Response.json(await env.DB.prepare("SELECT name FROM visits ORDER BY rowid").raw());
} };`;

let node: TestNode;

beforeAll(async () => {
  node = await openTestNode();
});
afterAll(async () => {
  await node?.close();
});

async function ask(name: string, path = "", init?: RequestInit): Promise<string> {
  return await (await fetch(`${node.dataUrl}/fn/${name}/${path}`, init)).text();
}

function toBindings(id: string) {
  return [{ type: "d1" as const, name: "DB", id }];
}

describe("a database", () => {
  test("is shared by functions that name one id, and by no other", async () => {
    await node.deploy("one", COUNTER, { bindings: toBindings("shared") });
    await node.deploy("two", COUNTER, { bindings: toBindings("shared") });
    await node.deploy("three", COUNTER, { bindings: toBindings("own") });
    await ask("one", "", { method: "POST", body: "Ada" });
    expect(await ask("two", "", { method: "POST", body: "Bob" })).toBe('[["Ada"],["Bob"]]');
    expect(await ask("three")).toBe("[]");
  });

  test("keeps what it has over a restart of the node and a new deployment", async () => {
    await node.deploy("kept", COUNTER, { bindings: toBindings("kept") });
    await ask("kept", "", { method: "POST", body: "Ada" });
    await node.restart();
    await node.deploy("kept", `${COUNTER}\n// again`, { bindings: toBindings("kept") });
    expect(await ask("kept")).toBe('[["Ada"]]');
  });

  test("counts every one of many writes at once", async () => {
    await node.deploy("many", COUNTER, { bindings: toBindings("many") });
    await ask("many");
    await Promise.all(Array.from({ length: 300 }, (_, i) => ask("many", "", { method: "POST", body: `${i}` })));
    const names = JSON.parse(await ask("many"))
      .flat()
      .map(Number);
    expect(names.sort((one: number, other: number) => one - other)).toEqual(Array.from({ length: 300 }, (_, i) => i));
  });
});

describe.each<[host: string, differing: readonly string[], change: SpecChange]>([
  // Words of the language itself, which QuickJS has its own for.
  ["wasm", ["refuses a date", "refuses a symbol", "batch() with no array", "class names"], { engines: ["wasi"] }],
  ["deno", [], { runtime: "deno" }],
])("JavaScript on another host, %s,", (host, words, change) => {
  test("gives what the isolate engine gives", async () => {
    const script = await bundleFunction(join(import.meta.dirname, "../fixtures/d1/index.ts"));
    const source = { files: { "index.ts": script } };
    await node.deploy(`${host}-plain`, source, { bindings: toBindings(`${host}-plain`) });
    await node.deploy(host, source, { bindings: toBindings(host), ...change });
    const differing: unknown[] = [];
    for (const name of Object.keys(cases).filter((each) => !words.includes(each))) {
      const path = encodeURIComponent(name);
      const [plain, other] = await Promise.all([ask(`${host}-plain`, path), ask(host, path)]);
      if (plain.replace(CHANGING, "") !== other.replace(CHANGING, "")) differing.push({ name, plain, other });
    }
    expect(differing).toEqual([]);
  }, 120_000);
});
