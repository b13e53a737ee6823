import { expect, test } from "vitest";
import type { ModuleRule } from "../../../src/model/function.ts";
import { artifactOf, buildFiles, codeOf, EMPTY_WASM, type Files, rejectionOf } from "./support.ts";

const UNBUNDLED = { isBundled: false };
const SCRIPTS: ModuleRule = { type: "ESModule", globs: ["**/*.js", "**/*.mjs"], fallthrough: true };

test("no_bundle takes the entry byte for byte and the files around it that match a rule", async () => {
  const entry = 'import w from "./x/a.wasm";\nimport { b } from "./x/b.js"; // kept\nexport default { w, b };\n';
  const built = await buildFiles(
    {
      "src/index.js": entry,
      "src/x/a.wasm": EMPTY_WASM,
      "src/x/b.js": "export const b = 1",
      "src/page.html": "<p>",
      "src/data.bin": "123",
      "src/notes.md": "not by default",
      "src/.hidden.txt": "no",
      "src/node_modules/p/index.js": "no",
      "outside.txt": "no",
    },
    { main: "src/index.js", build: { ...UNBUNDLED, rules: [SCRIPTS] } },
  );
  const { main, modules, style, sourceMap } = artifactOf(built);
  expect(await codeOf(built)).toBe(entry);
  expect(main.name).toBe("./index.js");
  expect(modules.map(({ name, kind }) => [name, kind])).toEqual([
    ["./data.bin", "data"],
    ["./page.html", "text"],
    ["./x/a.wasm", "wasm"],
    ["./x/b.js", "js"],
  ]);
  expect(style).toBe("module");
  expect(sourceMap).toBeUndefined();
  expect(built.steps.map(({ step }) => step)).toEqual(["modules"]);
});

test("no_bundle leaves the assets folder out", async () => {
  const files = { "index.js": "export default {}", "public/index.html": "<p>" };
  const built = await buildFiles(files, { assetsDir: "public", build: UNBUNDLED });
  expect(artifactOf(built).modules).toEqual([]);
  expect(Object.keys(built.assets?.files ?? {})).toEqual(["/index.html"]);
});

test.each([
  ["deno", "Deno.serve(() => new Response())"],
  ["listener", 'addEventListener("fetch", () => {})'],
])("no_bundle tells style %s", async (style, code) => {
  expect(artifactOf(await buildFiles({ "index.js": code }, { build: UNBUNDLED })).style).toBe(style);
});

const REFUSED: { name: string; files: Files; rules?: ModuleRule[]; message: string }[] = [
  {
    name: "TypeScript",
    files: { "index.ts": "export default {}" },
    message: 'Cannot take "index.ts" as it is: it is not a JavaScript module',
  },
  {
    name: "a syntax error",
    files: { "index.js": "export default {" },
    message: 'Cannot bundle "index.js": index.js:1:17: Expected identifier but found end of file',
  },
  {
    name: "an entry without handler",
    files: { "index.js": "1" },
    message:
      'Cannot bundle "index.js": index.js:1:1: it has no default export, calls no Deno.serve and adds no listener for fetch',
  },
  {
    name: "CommonJS beside it",
    files: { "index.js": "export default {}", "a.cjs": "" },
    rules: [{ type: "CommonJS", globs: ["**/*.cjs"], fallthrough: true }],
    message: 'Cannot take "a.cjs" along: CommonJS has to be bundled',
  },
  {
    name: "wasm that is none",
    files: { "index.js": "export default {}", "a.wasm": "x" },
    message: 'Cannot take "a.wasm" along: it is not a WebAssembly module',
  },
  {
    name: "a file whose rule is hidden",
    files: { "index.js": "export default {}", "a.txt": "x" },
    rules: [{ type: "Text", globs: ["**/*.md"], fallthrough: false }],
    message: 'Cannot take "a.txt" along: the rule that matches it is hidden by an earlier rule of type "Text"',
  },
];

test.each(REFUSED)("no_bundle refuses $name", async ({ files, rules = [], message }) => {
  const error = await rejectionOf(buildFiles(files, { build: { ...UNBUNDLED, rules } }));
  expect(error).toMatchObject({ code: "NEBULA_BUILD_FAILED", message, details: { step: "modules" } });
});
