import { expect, test } from "vitest";
import {
  artifactOf,
  blobText,
  buildFiles,
  codeOf,
  EMPTY_WASM,
  evaluate,
  type Files,
  type ProjectOptions,
} from "./support.ts";

const FETCH = "fetch() { return new Response() }";

test("bundle takes TypeScript and keeps the handler as default export", async () => {
  const built = await buildFiles({
    "index.ts": `import { greet } from "./lib/greet.ts"; export default { greeting: greet("you") as string, ${FETCH} };`,
    "lib/greet.ts": "export const greet = <T extends string>(who: T): string => 'hello ' + who;",
  });
  expect(artifactOf(built)).toMatchObject({
    kind: "js",
    style: "module",
    modules: [],
    main: { name: "./index.js", kind: "js" },
  });
  expect(await evaluate(built)).toMatchObject({ greeting: "hello you" });
});

const IMPORTS: { name: string; files: Files; value: string; expected: unknown; options?: ProjectOptions }[] = [
  { name: "JSON", files: { "a.json": '{"a":[1]}' }, value: `import x from "./a.json"`, expected: { a: [1] } },
  {
    name: "JSON with an attribute",
    files: { "a.json": "[1]" },
    value: `import x from "./a.json" with { type: "json" }`,
    expected: [1],
  },
  { name: "a .txt as text", files: { "a.txt": "tekst æ\n" }, value: `import x from "./a.txt"`, expected: "tekst æ\n" },
  { name: "a .html as text", files: { "a.html": "<p>" }, value: `import x from "./a.html"`, expected: "<p>" },
  { name: "a .sql as text", files: { "a.sql": "select 1" }, value: `import x from "./a.sql"`, expected: "select 1" },
  {
    name: "text with an attribute",
    files: { "a.unknown": "x" },
    value: `import x from "./a.unknown" with { type: "text" }`,
    expected: "x",
  },
  {
    name: "bytes with an attribute",
    files: { "a.bin": new Uint8Array([7]) },
    value: `import x from "./a.bin" with { type: "bytes" }`,
    expected: new Uint8Array([7]),
  },
  {
    name: "a .bin as ArrayBuffer",
    files: { "a.bin": new Uint8Array([1, 2, 255]) },
    value: `import x from "./a.bin"`,
    expected: new Uint8Array([1, 2, 255]).buffer,
  },
  {
    name: "text by a rule of the project",
    files: { "a.md": "# hi" },
    value: `import x from "./a.md"`,
    expected: "# hi",
    options: { build: { rules: [{ type: "Text", globs: ["**/*.md"], fallthrough: false }] } },
  },
  {
    name: "a style sheet by a rule of the project",
    files: { "a.css": "p {}" },
    value: `import x from "./a.css"`,
    expected: "p {}",
    options: { build: { rules: [{ type: "Text", globs: ["**/*.css"], fallthrough: true }] } },
  },
  {
    name: "data by a rule of the project",
    files: { "fonts/a.ttf": new Uint8Array([9]) },
    value: `import x from "./fonts/a.ttf"`,
    expected: new Uint8Array([9]).buffer,
    options: { build: { rules: [{ type: "Data", globs: ["fonts/*.ttf"], fallthrough: true }] } },
  },
  {
    name: "a package of CommonJS",
    files: { "node_modules/old/index.js": "exports.answer = 42; exports.kind = 'cjs'" },
    value: `import * as all from "old"; const x = all.answer`,
    expected: 42,
  },
  {
    name: "a package by its exports, workerd first",
    files: {
      "node_modules/new/package.json": JSON.stringify({
        name: "new",
        exports: { "./part": { node: "./node.js", workerd: "./workerd.js", default: "./default.js" } },
      }),
      "node_modules/new/workerd.js": "export default 'workerd'",
      "node_modules/new/node.js": "export default 'node'",
      "node_modules/new/default.js": "export default 'default'",
    },
    value: `import x from "new/part"`,
    expected: "workerd",
  },
  {
    name: "a package by its browser field",
    files: {
      "node_modules/both/package.json": '{ "name": "both", "main": "./node.js", "browser": "./web.js" }',
      "node_modules/both/web.js": "module.exports = 'web'",
      "node_modules/both/node.js": "module.exports = 'node'",
    },
    value: `import x from "both"`,
    expected: "web",
  },
  {
    name: "an alias",
    files: { "shim.ts": "export default 'shim'" },
    value: `import x from "heavy"`,
    expected: "shim",
    options: { build: { alias: { heavy: "./shim.ts" } } },
  },
  {
    name: "an alias for a module of Node",
    files: { "shim.ts": "export default 'shim'" },
    value: `import x from "node:fs"`,
    expected: "shim",
    options: { build: { alias: { "node:fs": "./shim.ts" } }, flags: ["nodejs_compat"] },
  },
  {
    name: "paths of tsconfig",
    files: {
      "tsconfig.json": '{ "compilerOptions": { "paths": { "~/*": ["./lib/*"] } } }',
      "lib/a.ts": "export default 'lib'",
    },
    value: `import x from "~/a"`,
    expected: "lib",
  },
  {
    name: "NODE_ENV as production",
    files: {},
    value: `const x = process.env.NODE_ENV`,
    expected: "production",
  },
  {
    name: "definitions of the project",
    files: {},
    value: `const x = [process.env.NODE_ENV, VERSION]`,
    expected: ["test", 3],
    options: { build: { define: { "process.env.NODE_ENV": '"test"', VERSION: "3" } } },
  },
  {
    name: "JSX in .js",
    files: {},
    value: `const h = (...all) => all; const x = <p id="a" />`,
    expected: ["p", { id: "a" }],
    options: { build: { jsx: { factory: "h", fragment: "'f'" } } },
  },
];

test.each(IMPORTS)("bundle resolves $name", async ({ files, value, expected, options }) => {
  const built = await buildFiles({ ...files, "index.js": `${value};\nexport default { x, ${FETCH} };` }, options);
  expect(await evaluate(built)).toHaveProperty("x", expected);
});

test.each(["./code.wasm", "./code.wasm?module"])(
  "bundle keeps import of %s as a module of the artifact",
  async (specifier) => {
    const built = await buildFiles({
      "index.ts": `import code from "${specifier}"; export default { code, ${FETCH} };`,
      "code.wasm": EMPTY_WASM,
    });
    const [module, ...others] = artifactOf(built).modules;
    expect(others).toEqual([]);
    expect(module).toMatchObject({ kind: "wasm", bytes: 8 });
    expect(module?.name).toBe(`./${module?.digest.slice(7, 23)}-code.wasm`);
    expect(await codeOf(built)).toContain(`from "${module?.name}"`);
    expect(await evaluate(built)).toHaveProperty("code", expect.any(WebAssembly.Module));
  },
);

test("bundle names a file once, however often and from wherever it is imported", async () => {
  const built = await buildFiles({
    "index.ts": `import a from "./x.wasm"; import b from "./lib/b.ts"; export default { a, b, ${FETCH} };`,
    "lib/b.ts": `const b = require("../x.wasm"); export default b;`,
    "x.wasm": EMPTY_WASM,
  });
  expect(artifactOf(built).modules).toHaveLength(1);
});

test("bundle writes a source map with contents and paths relative to the project", async () => {
  const built = await buildFiles({
    "index.ts": `import "./lib/a.ts"; export default { ${FETCH} };`,
    "lib/a.ts": "console.log(1)",
  });
  const map = JSON.parse(await blobText(built.blobs, artifactOf(built).sourceMap?.digest));
  expect(map.sources).toEqual(["lib/a.ts", "index.ts"]);
  expect(map.sourcesContent[0]).toBe("console.log(1)");
  expect(await codeOf(built)).not.toContain("sourceMappingURL");
});

test("bundle gives the same artifact in another folder", async () => {
  const files = {
    "src/index.ts": `import t from "../t.txt"; import w from "../w.wasm"; import e from "cjs"; export default { t, w, e, ${FETCH} };`,
    "t.txt": "text",
    "w.wasm": EMPTY_WASM,
    "node_modules/cjs/index.js": "module.exports = require('events')",
  };
  const options = { main: "src/index.ts", flags: ["nodejs_compat"] };
  const [one, other] = [await buildFiles(files, options), await buildFiles(files, options)];
  expect(one.dir).not.toBe(other.dir);
  expect(artifactOf(other)).toEqual(artifactOf(one));
  for (const built of [one, other]) {
    for (const digest of built.blobs.keys()) expect(await blobText(built.blobs, digest)).not.toContain(built.dir);
  }
});

test("bundle minifies and keeps names when the project says so", async () => {
  const files = { "index.ts": `export class LongName {}\nexport default { name: LongName.name, ${FETCH} };` };
  const plain = await buildFiles(files);
  const small = await buildFiles(files, { build: { minify: true, keepNames: true } });
  expect(artifactOf(small).main.bytes).not.toBe(artifactOf(plain).main.bytes);
  expect(await evaluate(small)).toHaveProperty("name", "LongName");
});

const STYLES = [
  ["module", `export default { ${FETCH} }`],
  ["module", `const handler = { ${FETCH} }; export { handler as default }`],
  ["module", `module.exports = { ${FETCH} }`],
  ["module", `Deno.serve(() => {}); export default { ${FETCH} }`],
  ["deno", "Deno.serve((request) => new Response(request.url))"],
  ["deno", "Deno.serve({ port: 1 }, () => new Response())"],
  ["listener", `addEventListener("fetch", (event) => event.respondWith(new Response()))`],
  ["listener", `self.addEventListener('fetch', () => {})`],
];

test.each(STYLES)("bundle tells style %s from %s", async (style, code) => {
  for (const minify of [false, true]) {
    expect(artifactOf(await buildFiles({ "index.js": code ?? "" }, { build: { minify } })).style).toBe(style);
  }
});

test("bundle warns of code from strings where it stands", async () => {
  const { warnings } = await buildFiles({
    "index.ts": `import "./make.ts";\nexport default { ${FETCH} };\n// eval("no")\nconst run = (text: string) =>\n  eval(text);\nrun("1");`,
    "make.ts": `export const add = /* æ */ new Function("a", "return a");\nconsole.log(add)`,
  });
  const ours = warnings.filter(({ message }) => message.startsWith("A function cannot run code from strings"));
  expect(ours.map(({ file, line, severity }) => ({ file, line, severity }))).toEqual([
    { file: "make.ts", line: 1, severity: "warning" },
    { file: "index.ts", line: 5, severity: "warning" },
  ]);
});

test("bundle names as inputs what it read, without installed packages", async () => {
  const built = await buildFiles({
    "index.ts": `import "./a.ts"; import t from "./t.txt"; import w from "./w.wasm?module"; import "p"; export default { t, w, ${FETCH} };`,
    "a.ts": "console.log(1)",
    "t.txt": "t",
    "w.wasm": EMPTY_WASM,
    "node_modules/p/index.js": "console.log(2)",
  });
  expect(built.inputs).toEqual(["a.ts", "index.ts", "t.txt", "w.wasm"].map((name) => `${built.dir}/${name}`));
});
