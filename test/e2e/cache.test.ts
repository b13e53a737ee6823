/**
 * The Cache API from inside a function: every case on workerd and here, on real sockets, with one function's file.
 *
 * What differs is named below, with what is given here and why; nothing else may.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cases } from "../fixtures/portable/cache.js";
import { openTestNode, type Source, type TestNode } from "../support/node.ts";
import { bundleFunction, openModuleOnWorkerd, type Place } from "../support/places.ts";

const FILE = join(import.meta.dirname, "../fixtures/portable/cache.js");
const LIFETIMES = "Cloudflare's network keeps by status what says nothing, which miniflare leaves out";
const RFC = "RFC 9110 has servers not look at what they do not understand";

/** Case → what it gives here, and why that is not what workerd gives. */
const DIFFERENCES: Readonly<Record<string, { readonly gives: unknown; readonly why: string }>> = {
  "match gives headers that cannot be changed": { gives: "none", why: "Node makes no Response with such headers" },
  "max-age, s-maxage and Expires keep": {
    gives: [true, true, true, true, true],
    why: "miniflare takes directives for other ones when they are in capitals",
  },
  "what says nothing of its lifetime": { gives: true, why: LIFETIMES },
  "what says nothing of its lifetime, with other statuses": {
    gives: Object.entries({ 201: 0, 301: 1, 302: 1, 307: 0, 403: 0, 404: 1, 410: 1, 500: 0, 503: 0 }).map(
      ([status, isKept]) => [Number(status), isKept === 1],
    ),
    why: LIFETIMES,
  },
  "a 204 is kept without a body": { gives: [204, true], why: "miniflare fails to store a response without a body" },
  "match with several ranges": { gives: 200, why: "the whole is sent, as RFC 9110 (14.2) allows" },
  "match with a Range that is none": { gives: [200, "0123456789"], why: RFC },
  "If-None-Match and If-Modified-Since at once": { gives: 200, why: "the tag decides alone (RFC 9110, 13.2.2)" },
};

let node: TestNode;
let workerd: Place;
let isolate: URL;

beforeAll(async () => {
  node = await openTestNode();
  workerd = await openModuleOnWorkerd(await bundleFunction(FILE));
  await node.deploy("cache", await readSource(), { limits: { subrequests: 1_000 } });
  isolate = new URL("/fn/cache/", node.dataUrl);
}, 60_000);
afterAll(async () => {
  await workerd[Symbol.asyncDispose]();
  await node.close();
});

async function readSource(): Promise<Source> {
  return { files: { "index.ts": 'export { default } from "./cache.js";', "cache.js": await readFile(FILE) } };
}

async function ask(base: string | URL, name: string): Promise<unknown> {
  const url = new URL(base);
  url.searchParams.set("case", name);
  return await (await fetch(url)).json();
}

describe("caches on workerd and here", () => {
  test.each(Object.keys(cases))("%s", async (name) => {
    const [there, here] = await Promise.all([ask(workerd.url, name), ask(isolate, name)]);
    const difference = DIFFERENCES[name];
    if (difference === undefined) expect(here).toEqual(there);
    else expect([here, JSON.stringify(here) === JSON.stringify(there)]).toEqual([{ gives: difference.gives }, false]);
  });

  test("no difference is named that is none of the cases", () => {
    expect(Object.keys(DIFFERENCES).filter((name) => !(name in cases))).toEqual([]);
  });
});

describe("caches in other hosts of JavaScript", () => {
  const hosts = [
    ["in Wasm", { engines: ["wasi"] }],
    ["on Deno", { runtime: "deno" }],
  ] as const;
  test.each(hosts)("are the same %s", { timeout: 240_000 }, async (host, change) => {
    const name = host === "in Wasm" ? "cache-wasm" : "cache-deno";
    await node.deploy(name, await readSource(), { ...change, limits: { subrequests: 1_000, wallMs: 60_000 } });
    const url = new URL(`/fn/${name}/`, node.dataUrl);
    for (const each of Object.keys(cases))
      expect([each, await ask(url, each)]).toEqual([each, await ask(isolate, each)]);
  });
});

describe("a cache", () => {
  const counting = `let made = 0;
  export default { fetch: async (request) => {
    const url = new URL(request.url);
    const found = await caches.default.match("http://cache.test" + url.pathname);
    if (found !== undefined) return new Response(await found.text() + " again");
    const text = "made " + ++made;
    await caches.default.put("http://cache.test" + url.pathname, new Response(text, { headers: { "cache-control": "max-age=100" } }));
    return new Response(text);
  } };`;
  const get = async (path: string) => await (await fetch(new URL(path, node.dataUrl))).text();

  test("is the function's own, outlives its deployments, and is gone with the node", async () => {
    await node.deploy("one", counting);
    await node.deploy("two", counting);
    expect([await get("/fn/one/a"), await get("/fn/one/a"), await get("/fn/two/a")]).toEqual([
      "made 1",
      "made 1 again",
      "made 1",
    ]);
    await node.deploy("one", `${counting}\n// again`);
    expect(await get("/fn/one/a")).toBe("made 1 again");
    await node.restart();
    expect(await get("/fn/one/a")).toBe("made 1");
  });

  test("counts as a subrequest", async () => {
    const source = `export default { fetch: async () => {
      const all = await Promise.allSettled(Array.from({ length: 8 }, () => caches.default.match("http://a.test/")));
      return Response.json(all.map((each) => each.status));
    } };`;
    await node.deploy("counted", source, { limits: { subrequests: 5 } });
    const outcome = await (await fetch(new URL("/fn/counted", node.dataUrl))).json();
    expect(outcome).toEqual([...Array(5).fill("fulfilled"), ...Array(3).fill("rejected")]);
  });

  test("cannot be asked before there is a request", async () => {
    const source = `const early = caches.default.match("http://a.test/").catch((error) => error.message);
      export default { fetch: async () => new Response(await early) };`;
    await node.deploy("early", source);
    expect(await get("/fn/early")).toBe("Cannot call out: no request is being answered");
  });
});
