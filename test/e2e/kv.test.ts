/**
 * KV namespaces from inside a function: every case on workerd and here, on real sockets, with one function's file.
 *
 * What differs is named below, with what is given here and why; nothing else may.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MIB } from "../../src/model/units.ts";
import { cases } from "../fixtures/portable/kv.js";
import { openTestNode, type Source, type TestNode } from "../support/node.ts";
import { bundleFunction, openModuleOnWorkerd, type Place } from "../support/places.ts";

const FILE = join(import.meta.dirname, "../fixtures/portable/kv.js");

/** Case → what it gives here, and why that is not what workerd gives. */
const DIFFERENCES: Readonly<Record<string, { readonly here: unknown; readonly why: string }>> = {
  "a lone surrogate in a key becomes the replacement character": {
    here: { gives: "lone" },
    why: "miniflare sends a key that it cannot decode itself",
  },
  "put with an expiration after January 2038": {
    here: { gives: [4_102_444_800] },
    why: "workerd takes no number beyond 31 bits",
  },
  "a buffer that is changed after put was called is kept as it was": {
    here: { gives: "before" },
    why: "workerd copies it only when it is sent",
  },
  "get of a list with keys that are digits": {
    here: { gives: { map: [["7", "seven"], ["8", null]] } }, // biome-ignore format: pairs
    why: "workerd leaves out keys that look like the index of an array",
  },
  "get of a list with keys of objects' own": {
    here: { gives: { map: [["constructor", "c"], ["__proto__", "p"]] } }, // biome-ignore format: pairs
    why: "miniflare keeps the values in a plain object",
  },
};

/** Some cases hold several of the largest values at once, and QuickJS takes its time for megabytes. */
const LIMITS = { memoryBytes: 512 * MIB, wallMs: 60_000 };

let node: TestNode;
let workerd: Place;
let isolate: URL;

beforeAll(async () => {
  node = await openTestNode();
  workerd = await openModuleOnWorkerd(await bundleFunction(FILE), { kvNamespaces: ["KV"] });
  await node.deploy("kv", await readSource(), {
    bindings: [{ type: "kv", name: "KV", id: "cases" }],
    limits: LIMITS,
  });
  isolate = new URL("/fn/kv/", node.dataUrl);
}, 60_000);
afterAll(async () => {
  await workerd[Symbol.asyncDispose]();
  await node.close();
});

async function readSource(): Promise<Source> {
  return { files: { "index.ts": 'export { default } from "./kv.js";', "kv.js": await readFile(FILE) } };
}

async function ask(base: string | URL, name: string): Promise<unknown> {
  const url = new URL(base);
  url.searchParams.set("case", name);
  return await (await fetch(url)).json();
}

describe("env.KV on workerd and here", () => {
  test.each(Object.keys(cases))("%s", async (name) => {
    const [there, here] = await Promise.all([ask(workerd.url, name), ask(isolate, name)]);
    const difference = DIFFERENCES[name];
    if (difference === undefined) expect(here).toEqual(there);
    else expect([here, JSON.stringify(here) === JSON.stringify(there)]).toEqual([difference.here, false]);
  });

  test("no difference is named that is none of the cases", () => {
    expect(Object.keys(DIFFERENCES).filter((name) => !(name in cases))).toEqual([]);
  });
});

describe("env.KV in other hosts of JavaScript", () => {
  // The largest values take seconds there, and the same path as large ones.
  const all = Object.keys(cases).filter((name) => !name.includes("25 MiB"));
  const hosts = [
    ["in Wasm", { engines: ["wasi"] }],
    ["on Deno", { runtime: "deno" }],
  ] as const;
  test.each(hosts)("is the same %s", { timeout: 240_000 }, async (host, change) => {
    const name = host === "in Wasm" ? "kv-wasm" : "kv-deno";
    const bindings = [{ type: "kv", name: "KV", id: name }] as const;
    const limits = { ...LIMITS, cpuMs: 60_000 };
    await node.deploy(name, await readSource(), { ...change, bindings, limits });
    const url = new URL(`/fn/${name}/`, node.dataUrl);
    for (const each of all) expect([each, await ask(url, each)]).toEqual([each, await ask(isolate, each)]);
  });
});

describe("a namespace", () => {
  const writer = `export default { fetch: async (request, env) => {
    const { pathname } = new URL(request.url);
    if (request.method === "PUT") await env.KV.put(pathname, request.body, { metadata: { by: "writer" } });
    const { value, metadata } = await env.KV.getWithMetadata(pathname, "stream");
    return value === null ? new Response(null, { status: 404 }) : new Response(value, { headers: { by: metadata.by } });
  } };`;
  const bindings = [{ type: "kv", name: "KV", id: "shared" }] as const;

  test("is shared by functions that name one id, and outlives deployments and the node", async () => {
    await node.deploy("one", writer, { bindings, limits: LIMITS });
    await node.deploy("two", writer, { bindings, limits: LIMITS });
    await fetch(new URL("/fn/one/note", node.dataUrl), { method: "PUT", body: "kept" });
    await node.deploy("one", `${writer}\n// again`, { bindings, limits: LIMITS });
    await node.restart();
    for (const name of ["one", "two"]) {
      const answer = await fetch(new URL(`/fn/${name}/note`, node.dataUrl));
      expect([await answer.text(), answer.headers.get("by")]).toEqual(["kept", "writer"]);
    }
  });

  test("streams 25 MiB through function and node", async () => {
    await node.deploy("large", writer, { bindings, limits: LIMITS });
    const url = new URL("/fn/large/large", node.dataUrl);
    const bytes = Buffer.alloc(25 * MIB, "0123456789abcdef");
    const put = await fetch(url, { method: "PUT", body: bytes });
    expect(Buffer.from(await put.arrayBuffer()).equals(bytes)).toBe(true);
  });

  test("counts as a subrequest", async () => {
    const source = `export default { fetch: async (_, env) => {
      const all = await Promise.allSettled(Array.from({ length: 8 }, () => env.KV.get("k")));
      return Response.json(all.map((each) => each.status));
    } };`;
    await node.deploy("counted", source, { bindings, limits: { ...LIMITS, subrequests: 5 } });
    const outcome = await (await fetch(new URL("/fn/counted", node.dataUrl))).json();
    expect(outcome).toEqual([...Array(5).fill("fulfilled"), ...Array(3).fill("rejected")]);
  });
});
