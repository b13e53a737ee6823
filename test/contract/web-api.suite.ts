/**
 * The global scope of a function: the WinterTC minimum common API, and nothing of its runtime beyond what is listed.
 */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Instance } from "../../src/engine/engine.ts";
import { findHeader } from "../../src/model/exchange.ts";
import type { RuntimeName } from "../../src/model/function.ts";
import type { Capabilities } from "../../src/model/ports.ts";
import { askJson, bytesOf, noCapabilities } from "../support/capabilities.ts";
import { answering, type GuestSource } from "../support/guest-source.ts";
import { type IsolateLab, openIsolateLab } from "../support/isolate-lab.ts";
import { COMPAT_NAMES, GLOBAL_NAMES } from "./web-api.names.ts";
import { NODE_CASES } from "./web-api.node.ts";
import { INTERFACES, WEB_CASES, type WebCase } from "./web-api.ts";

/** Answers with what it was asked; `/redirect` leads to `/there`, `/never` does not answer. */
const echo: Capabilities = {
  ...noCapabilities,
  outbound: async ({ head, body, signal }) => {
    const { pathname } = new URL(head.url);
    if (pathname === "/redirect")
      return { head: { status: 302, headers: ["location", "/there"] }, body: null, url: head.url };
    if (pathname === "/never")
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const seen = {
      method: head.method,
      type: findHeader(head.headers, "content-type"),
      body: `${await bytesOf(body)}`,
    };
    return { head: { status: 200, headers: [] }, body: Buffer.from(JSON.stringify(seen)), url: head.url };
  },
};

/** One runtime, and what it lacks. */
export interface WebApiSetup {
  readonly runtime: RuntimeName;
  /** Names of GLOBAL_NAMES. */
  readonly lacks?: readonly string[];
}

/** Registers all of it for one runtime. */
export function webApi(title: string, { runtime, lacks = [] }: WebApiSetup): void {
  describe(title, () => {
    let lab: IsolateLab;
    beforeAll(async () => {
      lab = await openIsolateLab({ runtime });
    });
    afterAll(async () => await lab[Symbol.asyncDispose]());
    const start = async (source: GuestSource): Promise<Instance> => await startIn(lab, source);
    describe("web API", () => {
      let instance: Instance;
      beforeAll(async () => {
        instance = await start(running(WEB_CASES));
      });
      afterAll(async () => await instance[Symbol.asyncDispose]());

      for (const [index, each] of WEB_CASES.entries()) {
        test(each.name, async () => await check(instance, { index, each }));
      }
    });

    test("every name of the minimum common API is there", async () => {
      const of = (name: string) => `try { found[${JSON.stringify(name)}] = typeof ${name}; } catch {}`;
      const names = Object.values(INTERFACES).flat();
      await using instance = await start(
        answering(`() => { const found = {}; ${names.map(of).join("\n")} return Response.json(found); }`),
      );
      const expected = Object.entries(INTERFACES).flatMap(([type, list]) => list.map((name) => [name, type]));
      expect(await askJson(instance)).toEqual(Object.fromEntries(expected));
    });

    describe("global names", () => {
      const names = GLOBAL_NAMES.filter((name) => !lacks.includes(name));
      const listing = `() => Response.json(Object.getOwnPropertyNames(globalThis).sort())`;
      test("are the ones listed, and a new one of the runtime is seen here", async () => {
        await using instance = await start(answering(listing));
        expect(await askJson(instance)).toEqual(names);
      });
      test("are four more with nodejs_compat", async () => {
        await using instance = await start(answering(listing, { flags: ["nodejs_compat"] }));
        expect(await askJson(instance)).toEqual([...names, ...COMPAT_NAMES].sort());
      });
    });

    describe("nodejs_compat", () => {
      let instance: Instance;
      beforeAll(async () => {
        const imports = NODE_CASES.map(({ imports }) => imports).join("\n");
        instance = await start(running(NODE_CASES, { flags: ["nodejs_compat"], imports }));
      });
      afterAll(async () => await instance[Symbol.asyncDispose]());

      for (const [index, each] of NODE_CASES.entries()) {
        test(each.name, async () => await check(instance, { index, each }));
      }
    });

    test("modules that are not bundled import each other relative to themselves", async () => {
      await using instance = await start({
        isBundled: false,
        files: {
          "index.js": `import { a } from "./lib/a.mjs";
            export default { fetch: async () => Response.json([a, (await import("./lib/b.mjs")).b, import.meta.url]) };`,
          "lib/a.mjs": `import { b } from "./b.mjs"; import { top } from "../top.mjs?module"; export const a = [b, top, import.meta.url];`,
          "lib/b.mjs": `export const b = "b";`,
          "top.mjs": `export const top = "top";`,
        },
      });
      expect(await askJson(instance)).toEqual([["b", "top", "file:///lib/a.mjs"], "b", "file:///index.js"]);
    });
  });
}

async function startIn(lab: IsolateLab, source: GuestSource): Promise<Instance> {
  const { signal } = new AbortController();
  const deployment = await lab.build(source);
  const prepared = await lab.engine.prepare(deployment, { signal, capabilities: echo, isProven: true });
  return await prepared.start({ signal });
}

/** A function that runs the case its path names. */
function running(cases: readonly WebCase[], rest: Omit<GuestSource, "files"> & { imports?: string } = {}): GuestSource {
  const functions = cases.map(({ code }) => `async (request) => { ${code} }`).join(",\n");
  const index = `${rest.imports ?? ""}\nconst cases = [${functions}];
    export default { fetch: async (request) =>
      new Response(JSON.stringify(await cases[Number(new URL(request.url).pathname.slice(1))](request)) ?? "null") };`;
  return { ...rest, files: { "index.ts": index } };
}

async function check(instance: Instance, { index, each }: { index: number; each: WebCase }): Promise<void> {
  const { body = "", contentType = "text/plain", gives } = each;
  const stream = new Blob([body]).stream();
  const headers = ["host", "localhost", "content-type", contentType];
  expect(await askJson(instance, { method: "POST", path: `/${index}`, headers, body: stream })).toEqual(gives);
}
