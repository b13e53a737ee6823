/** What a function may import, and what not. */

import { expect } from "vitest";
import { NODEJS_COMPAT_MODULES, NODEJS_REFUSED_MODULES } from "../../../src/model/nodejs-compat.ts";
import { askJson, askText, rejectionOf } from "../../support/capabilities.ts";
import { answering } from "../../support/guest-source.ts";
import type { ContractCase } from "../contract.ts";

/** `(func (export "add") (param i32 i32) (result i32) …)`, assembled by hand from the binary format. */
const ADD_WASM = Uint8Array.from([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 7, 1, 0x60, 2, 0x7f, 0x7f, 1, 0x7f],
  ...[3, 2, 1, 0],
  ...[7, 7, 1, 3, 0x61, 0x64, 0x64, 0, 0],
  ...[10, 9, 1, 7, 0, 0x20, 0, 0x20, 1, 0x6a, 0x0b],
]);

export const MODULE_CASES: readonly ContractCase[] = [
  {
    name: "wasm, text, data and JSON files are imported as what they are",
    run: async ({ start }) => {
      const instance = await start({
        files: {
          "add.wasm": ADD_WASM,
          "poem.txt": "ein Gedicht\n",
          "raw.bin": Uint8Array.from([0, 255, 7]),
          "data.json": '{ "a": [1] }',
          "index.ts": `import add from "./add.wasm";
            import poem from "./poem.txt";
            import raw from "./raw.bin";
            import data from "./data.json";
            const { exports } = new WebAssembly.Instance(add);
            export default { fetch: () => Response.json([
              add instanceof WebAssembly.Module, exports.add(2, 40), poem,
              raw instanceof ArrayBuffer, [...new Uint8Array(raw)], data,
            ]) };`,
        },
      });
      expect(await askJson(instance)).toEqual([true, 42, "ein Gedicht\n", true, [0, 255, 7], { a: [1] }]);
    },
  },
  {
    name: "every module of nodejs_compat can be imported with the flag",
    run: async ({ start }) => {
      const imports = NODEJS_COMPAT_MODULES.map((name, i) => `import * as m${i} from "node:${name}";`).join("\n");
      const all = NODEJS_COMPAT_MODULES.map((_, i) => `Object.keys(m${i}).length`).join(", ");
      const instance = await start({
        flags: ["nodejs_compat"],
        files: { "index.ts": `${imports}\nexport default { fetch: () => Response.json([${all}]) };` },
      });
      const sizes = Object(await askJson(instance));
      for (const [i, name] of NODEJS_COMPAT_MODULES.entries()) expect(sizes[i], name).toBeGreaterThan(0);
    },
  },
  {
    name: "node:buffer, node:crypto, node:async_hooks and node:stream work",
    run: async ({ start }) => {
      const instance = await start({
        flags: ["nodejs_compat"],
        files: {
          "index.ts": `import { Buffer } from "node:buffer";
            import { createHash } from "node:crypto";
            import { AsyncLocalStorage } from "node:async_hooks";
            import { Readable } from "node:stream";
            import { text } from "node:stream/consumers";
            import process from "node:process";
            const storage = new AsyncLocalStorage();
            export default { fetch: async () => Response.json([
              Buffer.from("abc").toString("hex"),
              createHash("sha256").update("a").digest("hex").slice(0, 8),
              await storage.run(7, async () => { await null; return storage.getStore(); }),
              await text(Readable.from(["a", "b"])),
              process.env,
            ]) };`,
        },
        vars: { A: "a" },
      });
      expect(await askJson(instance)).toEqual(["616263", "ca978112", 7, "ab", { A: "a" }]);
    },
  },
  {
    name: "dynamic import() of any other module of Node is refused, with and without nodejs_compat",
    run: async ({ start }) => {
      const names = [...Object.keys(NODEJS_REFUSED_MODULES), "nebula", "data:text/javascript,1", "file:///etc/passwd"];
      for (const flags of [[], ["nodejs_compat"]]) {
        const instance = await start(
          answering(
            `async () => {
              const reached = [];
              for (const name of ${JSON.stringify(names)}) for (const prefix of ["", "node:"]) {
                try { const specifier = prefix + name; await import(specifier); reached.push(specifier); } catch {}
              }
              return Response.json(reached);
            }`,
            { flags },
          ),
        );
        expect(await askJson(instance)).toEqual([]);
      }
    },
  },
  {
    name: "code cannot be made from strings",
    run: async ({ start }) => {
      const instance = await start(
        answering(`() => {
          const made = [];
          const ways = {
            eval: () => eval("1"), indirect: () => (0, eval)("1"), Function: () => new Function("return 1")(),
            async: () => (async () => {}).constructor("return 1")(), generator: () => (function* () {}).constructor("yield 1")(),
            timer: () => { setTimeout("globalThis.made = 1"); return 1; },
          };
          for (const [name, way] of Object.entries(ways)) try { way(); made.push(name); } catch {}
          return Response.json(made);
        }`),
      );
      expect(await askJson(instance)).toEqual([]);
    },
  },
  {
    name: "an import that cannot be found is told at build time or by prepare()",
    run: async ({ prepare }) => {
      const error = await rejectionOf(prepare({ files: { "index.ts": 'import "./missing.ts";\nexport default {};' } }));
      expect(["NEBULA_BUILD_FAILED", "NEBULA_PREPARE_FAILED"]).toContain(error.code);
    },
  },
  {
    name: "navigator.userAgent names the runtime, and self is the global scope",
    run: async ({ start }) => {
      const instance = await start(answering("() => new Response([self === globalThis, navigator.userAgent].join())"));
      expect(await askText(instance)).toBe("true,Nebula");
    },
  },
];
