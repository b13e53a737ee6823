import { builtinModules } from "node:module";
import { describe, expect, test } from "vitest";
import {
  findNodeModule,
  hasNodejsCompat,
  mayImportNodeModule,
  NODEJS_COMPAT_MODULES,
  NODEJS_REFUSED_MODULES,
} from "../../../src/model/nodejs-compat.ts";
import { buildFiles, codeOf, evaluate, type Files } from "./support.ts";

describe("the list", () => {
  test("has each public module of this Node once, as kept or as refused", () => {
    const listed = [...NODEJS_COMPAT_MODULES, ...Object.keys(NODEJS_REFUSED_MODULES)].sort();
    const real = builtinModules.map((name) => name.replace(/^node:/, "")).filter((name) => !name.startsWith("_"));
    expect(listed).toEqual(real.sort());
  });

  test.each([
    ["node:fs/promises", "fs/promises"],
    ["fs", "fs"],
    ["node:sqlite", "sqlite"],
    ["sqlite", undefined],
    ["test", undefined],
    ["fs/", undefined],
    ["./fs", undefined],
    ["node:nonsense", undefined],
    ["constructor", undefined],
  ])("findNodeModule(%s) → %s", (specifier, name) => {
    expect(findNodeModule(specifier)).toBe(name);
  });

  test.each([
    ["2024-01-01", [], false],
    ["2024-01-01", ["nodejs_compat"], true],
    ["2024-01-01", ["nodejs_compat_v2"], true],
    ["2026-08-03", [], false],
    ["2026-08-04", [], true],
    ["2026-08-04", ["no_nodejs_compat", "no_nodejs_compat_v2"], false],
  ])("hasNodejsCompat() on %s with %j → %s", (date, flags, expected) => {
    expect(hasNodejsCompat({ date, flags })).toBe(expected);
  });

  test("mayImportNodeModule() grants async_hooks alone with nodejs_als", () => {
    const compatibility = { date: "2024-01-01", flags: ["nodejs_als"] };
    expect(NODEJS_COMPAT_MODULES.filter((name) => mayImportNodeModule(name, compatibility))).toEqual(["async_hooks"]);
    expect(mayImportNodeModule("fs", { date: "2027-01-01", flags: [] })).toBe(false);
  });
});

const HANDLER = "fetch() {}";

test("bundle keeps imports of every module of the list, with and without prefix", async () => {
  const lines = NODEJS_COMPAT_MODULES.flatMap((name, at) => [
    `import * as a${at} from "node:${name}"; console.assert(a${at});`,
    `import * as b${at} from "${name}"; console.assert(b${at});`,
  ]);
  const built = await buildFiles(
    { "index.js": `${lines.join("\n")}\nexport default {};` },
    { flags: ["nodejs_compat"] },
  );
  const code = await codeOf(built);
  for (const name of NODEJS_COMPAT_MODULES) expect(code).toContain(`from "node:${name}"`);
  expect(code).not.toMatch(/from "(?!node:)/);
});

const PACKAGES: { name: string; files: Files; code: string; expected: object }[] = [
  {
    name: "require of a module of Node in a package of CommonJS",
    files: {
      "node_modules/cjs/index.js": `
        const { EventEmitter } = require("events"); const Emitter = require("node:events"); const { join } = require("path");
        module.exports = [EventEmitter === Emitter, join("a", "b"), typeof require("util").inspect];`,
    },
    code: `import all from "cjs"; export default { all, ${HANDLER} }`,
    expected: { all: [true, "a/b", "function"] },
  },
  {
    name: "a refused module that is required in a try",
    files: {
      "node_modules/cjs/index.js":
        "let fs; try { fs = require('fs') } catch { fs = 'none' }; module.exports = typeof fs",
    },
    code: `import all from "cjs"; export default { all, ${HANDLER} }`,
    expected: { all: "string" },
  },
  {
    name: "a package with the name of a module of Node and a slash",
    files: { "node_modules/punycode/index.js": "module.exports = 'package'" },
    code: `import all from "punycode/"; export default { all, ${HANDLER} }`,
    expected: { all: "package" },
  },
];

test.each(PACKAGES)("bundle runs $name", async ({ files, code, expected }) => {
  const built = await buildFiles({ ...files, "index.js": code }, { flags: ["nodejs_compat"] });
  expect(await evaluate(built)).toMatchObject(expected);
});

test("bundle takes an installed package for a bare name when nodejs_compat is off", async () => {
  const built = await buildFiles({
    "index.js": `import all from "events"; export default { all, ${HANDLER} }`,
    "node_modules/events/index.js": "module.exports = 'package'",
  });
  expect(await evaluate(built)).toMatchObject({ all: "package" });
});

test("bundle keeps imports of cloudflare: whatever the flags", async () => {
  const built = await buildFiles({
    "index.js": `import { DurableObject } from "cloudflare:workers"; export default { DurableObject }`,
  });
  expect(await codeOf(built)).toContain('from "cloudflare:workers"');
});

test("bundle keeps dynamic imports of modules of Node", async () => {
  const built = await buildFiles({ "index.js": 'export default await import("path")' }, { flags: ["nodejs_compat"] });
  expect(await codeOf(built)).toContain('await import("node:path")');
});
