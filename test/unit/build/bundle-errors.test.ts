import { expect, test } from "vitest";
import { buildFiles, type Files, type ProjectOptions, rejectionOf } from "./support.ts";

interface Case {
  readonly name: string;
  readonly files: Files;
  readonly options?: ProjectOptions;
  /** file:line:column: message */
  readonly problems: readonly string[];
  readonly hint?: string;
}

const COMPAT = { flags: ["nodejs_compat"] };

const CASES: Case[] = [
  {
    name: "a syntax error",
    files: { "index.ts": 'import "./lib/a.ts"; export default {}', "lib/a.ts": 'const æ = "å"; let b = ;' },
    problems: ['lib/a.ts:1:24: Unexpected ";"'],
  },
  {
    name: "several problems at once",
    files: { "index.js": 'import "./no";\n  import "left-pad/x";\nimport "@a/b/c";' },
    problems: [
      'index.js:1:8: Cannot resolve "./no": there is no such file',
      'index.js:2:10: Cannot resolve "left-pad/x": there is no such package',
      'index.js:3:8: Cannot resolve "@a/b/c": there is no such package',
    ],
  },
  {
    name: "a package that is not installed",
    files: { "index.js": 'import "@a/b/c"' },
    problems: ['index.js:1:8: Cannot resolve "@a/b/c": there is no such package'],
    hint: "Install it: npm install @a/b",
  },
  {
    name: "an npm: import of a package that is not installed",
    files: { "index.js": 'import "npm:@a/left-pad@^1.2/x.js"' },
    problems: ['index.js:1:8: Cannot import "npm:@a/left-pad@^1.2/x.js": the package "@a/left-pad" is not installed'],
    hint: 'npm install "@a/left-pad@^1.2"',
  },
  {
    name: "an npm: import of another version than the one installed",
    files: {
      "index.js": 'import "npm:left-pad@2"',
      "node_modules/left-pad/package.json": '{ "name": "left-pad", "version": "1.3.0" }',
      "node_modules/left-pad/index.js": "",
    },
    problems: ['index.js:1:8: Cannot import "npm:left-pad@2": version 1.3.0 of "left-pad" is installed'],
    hint: "npm install left-pad@2",
  },
  {
    name: "an npm: import of a path that the package does not have",
    files: {
      "index.js": 'import "npm:left-pad@1/no.js"',
      "node_modules/left-pad/package.json": '{ "name": "left-pad", "version": "1.3.0" }',
    },
    problems: ['index.js:1:8: Cannot resolve "left-pad/no.js": there is no such package'],
  },
  {
    name: "an npm: import without a package",
    files: { "index.js": 'import "npm:"; import "npm:@a"' },
    problems: [
      'index.js:1:8: Cannot import "npm:": it names no package',
      'index.js:1:23: Cannot import "npm:@a": it names no package',
    ],
  },
  {
    name: "an import from JSR",
    files: { "index.js": 'import "jsr:@std/path@1/posix"' },
    problems: ['index.js:1:8: Cannot import "jsr:@std/path@1/posix": modules are not downloaded from JSR'],
    hint: 'npx jsr add @std/path, and import "@std/path"',
  },
  {
    name: "a remote import",
    files: { "index.js": 'import "https://a.example/x.js"' },
    problems: ['index.js:1:8: Cannot import "https://a.example/x.js": modules are not downloaded'],
    hint: "Install it with npm, or save it in the project",
  },
  {
    name: "an unknown kind of file",
    files: { "index.js": 'import x from "./a.svg"; export default x', "a.svg": "<svg/>" },
    problems: ['index.js:1:15: Cannot import "a.svg": no rule says what a .svg file becomes'],
    hint: 'Add [[rules]] type = "Text" (or "Data"), globs = ["**/*.svg"]',
  },
  {
    name: "a style sheet",
    files: { "index.js": 'import "./a.css"', "a.css": "p {}" },
    problems: ['index.js:1:8: Cannot import "a.css": a function has no page to style'],
    hint: 'Add [[rules]] type = "Text", globs = ["**/*.css"] to import it as a string',
  },
  {
    name: "a file whose default rule is hidden",
    files: { "index.js": 'import "./a.html"', "a.html": "<p>" },
    options: { build: { rules: [{ type: "Text", globs: ["**/*.md"], fallthrough: false }] } },
    problems: [
      'index.js:1:8: Cannot import "a.html": the rule that matches it is hidden by an earlier rule of type "Text"',
    ],
    hint: "Add fallthrough = true to that rule, or this file's pattern to its globs",
  },
  {
    name: "wasm that is none",
    files: { "index.js": 'import "./a.wasm"', "a.wasm": "text" },
    problems: ['index.js:1:8: Cannot import "a.wasm": it is not a WebAssembly module'],
  },
  {
    name: "a wasm component",
    files: { "index.js": 'import "./a.wasm"', "a.wasm": new Uint8Array([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]) },
    problems: [
      'index.js:1:8: Cannot import "a.wasm": it is a WebAssembly component, and an import needs a core module',
    ],
  },
  {
    name: "a module of Node without the flag",
    files: { "index.js": 'import "node:events"; import { join } from "path"; join()' },
    problems: [
      'index.js:1:8: Cannot import "node:events": nodejs_compat is off',
      'index.js:1:44: Cannot import "path": nodejs_compat is off',
    ],
    hint: 'Add compatibility_flags = ["nodejs_compat"]',
  },
  {
    name: "a module of Node with the flag turned off",
    files: { "index.js": 'import "node:events"' },
    options: { date: "2027-01-01", flags: ["no_nodejs_compat"] },
    problems: ['index.js:1:8: Cannot import "node:events": nodejs_compat is off'],
  },
  {
    name: "another module than async_hooks with nodejs_als",
    files: { "index.js": 'import "node:async_hooks"; import "node:events"' },
    options: { flags: ["nodejs_als"] },
    problems: ['index.js:1:35: Cannot import "node:events": nodejs_compat is off'],
  },
  {
    name: "modules of Node that are refused",
    files: { "index.js": 'import "node:fs"; import "child_process"; import "node:net"; import "node:sqlite"' },
    options: COMPAT,
    problems: [
      'index.js:1:8: Cannot import "node:fs": a function has no file system',
      'index.js:1:26: Cannot import "child_process": a function cannot start processes',
      'index.js:1:50: Cannot import "node:net": a function has no sockets, only fetch',
      'index.js:1:69: Cannot import "node:sqlite": a function has no file system',
    ],
    hint: "Importable are the modules of nodejs_compat",
  },
  {
    name: "an unknown module of Node",
    files: { "index.js": 'import "node:nonsense"' },
    options: COMPAT,
    problems: ['index.js:1:8: Cannot resolve "node:nonsense": there is no such file'],
  },
  {
    name: "an entry without a handler",
    files: { "index.ts": "export const answer = 42;" },
    problems: ["index.ts:1:1: it has no default export, calls no Deno.serve and adds no listener for fetch"],
    hint: 'Write one of: export default { fetch(request, env, ctx) {} } · Deno.serve((request) => response) · addEventListener("fetch", (event) => event.respondWith(response))',
  },
  { name: "an empty entry", files: { "index.ts": "" }, problems: [expect.stringContaining("no default export")] },
  {
    name: "a broken definition",
    files: { "index.ts": "export default {}" },
    options: { build: { define: { VERSION: "not a value" } } },
    problems: [expect.stringMatching(/^index\.ts:1:1: Invalid define value/)],
  },
  {
    name: "a tsconfig that is not there",
    files: { "index.ts": "export default {}" },
    options: { build: { tsconfig: "/nowhere/tsconfig.json" } },
    problems: [expect.stringContaining("tsconfig")],
  },
];

test.each(CASES)("bundle refuses $name", async ({ files, options, problems, hint }) => {
  const error = await rejectionOf(buildFiles(files, options));
  expect(error.code).toBe("NEBULA_BUILD_FAILED");
  expect(error.details).toMatchObject({ step: "bundle" });
  const shown = error.diagnostics.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`);
  expect(shown).toEqual(problems);
  expect(error.message).toMatch(/^Cannot bundle "index\.[jt]s": /);
  if (hint !== undefined) expect(error.hint).toBe(hint);
});

test("bundle says that the entry is missing", async () => {
  const error = await rejectionOf(buildFiles({}, { main: "src/nothing.ts" }));
  expect(error.message).toBe('Cannot bundle "src/nothing.ts": there is no such file');
  expect(error.details).toEqual({ step: "bundle" });
});

test("bundle counts the problems behind the first", async () => {
  const error = await rejectionOf(buildFiles({ "index.js": 'import "./a"; import "./b"; import "./c"' }));
  expect(error.message).toBe(
    'Cannot bundle "index.js": index.js:1:8: Cannot resolve "./a": there is no such file (and 2 more)',
  );
});
