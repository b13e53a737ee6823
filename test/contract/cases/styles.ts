/** All the ways to write a function. */

import { expect } from "vitest";
import { ask, askJson, askText, bytesOf, rejectionOf } from "../../support/capabilities.ts";
import type { ContractCase } from "../contract.ts";

export const STYLE_CASES: readonly ContractCase[] = [
  {
    name: "export default { fetch } is called with request, env and ctx, and itself as this",
    run: async ({ start }) => {
      const instance = await start({
        vars: { A: "a" },
        files: {
          "index.ts": `export default {
            word: "this",
            fetch(request: Request, env: { A: string }, ctx: object) {
              return new Response([this.word, request.method, env.A, Object.keys(ctx)].join(" "));
            },
          };`,
        },
      });
      expect(await askText(instance)).toMatch(/^this GET a .*waitUntil/);
    },
  },
  {
    name: "a class that extends WorkerEntrypoint is made anew for each request",
    run: async ({ start }) => {
      const instance = await start({
        vars: { A: "a" },
        files: {
          "index.ts": `import { WorkerEntrypoint } from "cloudflare:workers";
            export default class extends WorkerEntrypoint {
              count = 0;
              fetch() { return new Response(this.env.A + ++this.count + typeof this.ctx.waitUntil); }
            }`,
        },
      });
      expect(await askText(instance)).toBe("a1function");
      expect(await askText(instance)).toBe("a1function");
    },
  },
  {
    name: 'addEventListener("fetch") answers, with bindings as globals',
    run: async ({ start }) => {
      const instance = await start({
        vars: { A: "a" },
        files: {
          "index.ts": `addEventListener("fetch", (event) => {
            event.waitUntil(Promise.resolve());
            event.respondWith(Promise.resolve(new Response(A + event.request.method + event.type)));
          });`,
        },
      });
      expect(await askText(instance)).toBe("aGETfetch");
    },
  },
  {
    name: "a listener that never responds fails with NEBULA_GUEST_THREW",
    run: async ({ start }) => {
      const instance = await start({ files: { "index.ts": 'addEventListener("fetch", () => {});' } });
      const error = await rejectionOf(ask(instance));
      expect(error.message).toContain("no listener called respondWith");
    },
  },
  {
    name: "Deno.serve answers, with Deno.env for its variables",
    run: async ({ start }) => {
      const instance = await start({
        vars: { A: "a", N: 7 },
        files: {
          "index.ts": `Deno.serve({ port: 1 }, (request, info) => Response.json([
            Deno.env.get("A"), Deno.env.get("N"), Deno.env.get("HOME") ?? null, Deno.env.toObject(),
            request.method, info.remoteAddr.transport,
          ]));`,
        },
      });
      expect(await askJson(instance)).toEqual(["a", "7", null, { A: "a", N: "7" }, "GET", "tcp"]);
    },
  },
  {
    name: "packages by npm: specifiers and import.meta.main work as on Deno",
    run: async ({ start }) => {
      const library = 'export const isMain = import.meta.main; export const version = "1";';
      const instance = await start({
        vars: { A: "a" },
        files: {
          "index.ts": `import { isMain, version } from "npm:library@^1.2";
            import { sub } from "npm:@scope/library@2/sub";
            import { isMain as isLocalMain } from "./local.ts";
            if (import.meta.main) Deno.serve(() => Response.json([isMain, isLocalMain, version, sub, Deno.env.get("A")]));
            else Deno.serve(() => new Response("not the main module"));`,
          "local.ts": "export const isMain: boolean = import.meta.main;",
          "node_modules/library/package.json": '{ "name": "library", "version": "1.4.0", "main": "main.js" }',
          "node_modules/library/main.js": library,
          "node_modules/@scope/library/package.json":
            '{ "name": "@scope/library", "version": "2.0.0", "exports": { "./sub": "./deep/sub.js" } }',
          "node_modules/@scope/library/deep/sub.js": 'export const sub = "sub";',
        },
      });
      expect(await askJson(instance)).toEqual([false, false, "1", "sub", "a"]);
    },
  },
  {
    name: "top-level await is waited for",
    run: async ({ start }) => {
      const instance = await start({
        files: {
          "index.ts": `const late = await new Promise((resolve) => setTimeout(resolve, 20, "late"));
            export default { fetch: () => new Response(late) };`,
        },
      });
      expect(await askText(instance)).toBe("late");
    },
  },
  {
    name: "the same function object answers later requests",
    run: async ({ start }) => {
      const instance = await start({
        files: { "index.ts": "let count = 0;\nexport default { fetch: () => new Response(String(++count)) };" },
      });
      const answers = [await askText(instance), await askText(instance)];
      expect(answers).toEqual(["1", "2"]);
      expect(await bytesOf((await ask(instance)).body)).toEqual(Buffer.from("3"));
    },
  },
];
