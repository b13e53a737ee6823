import { expect, test } from "vitest";
import { parseIgnores } from "../../../src/build/assets/ignore.ts";
import { toGlobSource } from "../../../src/build/glob.ts";
import { createModuleRules } from "../../../src/build/module-rules.ts";
import type { ModuleRule } from "../../../src/model/function.ts";

test.each([
  ["**/*.txt", ["a.txt", "a/b/c.txt"], ["a.txt.gz", "txt", "a.md"]],
  ["a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["a/xb", "b"]],
  ["a/**", ["a/b", "a/b/c"], ["a", "b/a"]],
  ["*.js", ["a.js", ".js"], ["a/b.js"]],
  ["?.js", ["a.js"], ["ab.js", "/.js"]],
  ["[a-c]x", ["ax", "cx"], ["dx"]],
  ["[!a]x", ["bx"], ["ax", "/x"]],
  ["a\\*b", ["a*b"], ["axb"]],
  ["a(b|c)+.{js}$^", ["a(b|c)+.{js}$^"], ["ab.js"]],
  ["[x", ["[x"], ["x"]],
  ["a**b", ["aXb"], ["a/b"]],
])("toGlobSource(%s) matches what it should", (glob, matching, others) => {
  const pattern = new RegExp(`^${toGlobSource(glob)}$`);
  expect(matching.filter((path) => !pattern.test(path))).toEqual([]);
  expect(others.filter((path) => pattern.test(path))).toEqual([]);
});

test.each([
  ["*.psd", ["a.psd", "x/a.psd"], ["a.psd.png"]],
  ["/top.txt", ["top.txt"], ["x/top.txt"]],
  ["x/old-*", ["x/old-1"], ["y/x/old-1", "x/y/old-1"]],
  ["# a\n\n  \n*.map   ", ["a.map"], ["# a"]],
  ["\\#a\n\\!b", ["#a", "!b"], ["a", "b"]],
  ["*.txt\n!keep.txt", ["a.txt"], ["keep.txt", "x/keep.txt"]],
  ["!keep.txt\n*.txt", ["keep.txt"], []],
  ["a\r\nb\r\n", ["a", "b"], ["c"]],
  ["drafts/", [], ["drafts"]],
  ["", [], ["a"]],
])("parseIgnores(%j) leaves out what it should", (text, ignored, others) => {
  const ignores = parseIgnores(text);
  expect(ignored.filter((path) => !ignores(path, "file"))).toEqual([]);
  expect(others.filter((path) => ignores(path, "file"))).toEqual([]);
});

test("parseIgnores() takes a slash at the end for folders only", () => {
  expect(parseIgnores("drafts/")("x/drafts", "folder")).toBe(true);
  expect(parseIgnores("/drafts/")("x/drafts", "folder")).toBe(false);
});

const ALL: ModuleRule["type"][] = ["ESModule", "CommonJS", "CompiledWasm", "Text", "Data"];

test.each([
  [[], "a/b.txt", { type: "Text", isHidden: false }],
  [[], "../shared/b.wasm", { type: "CompiledWasm", isHidden: false }],
  [[], "a.md", undefined],
  [[{ type: "Data", globs: ["*.txt"], fallthrough: true }], "a.txt", { type: "Data", isHidden: false }],
  [[{ type: "Text", globs: ["**/*.md"], fallthrough: true }], "a.txt", { type: "Text", isHidden: false }],
  [[{ type: "Text", globs: ["**/*.md"], fallthrough: false }], "a.txt", { type: "Text", isHidden: true }],
  [[{ type: "Text", globs: ["**/*.md"], fallthrough: false }], "a.bin", { type: "Data", isHidden: false }],
  [[{ type: "Text", globs: ["**/*.sh?raw"], fallthrough: true }], "x/a.sh", { type: "Text", isHidden: false }],
  [[{ type: "Text", globs: ["./docs/*.md"], fallthrough: true }], "docs/a.md", { type: "Text", isHidden: false }],
] satisfies [ModuleRule[], string, unknown][])("module rules %j for %s → %j", (rules, path, expected) => {
  const found = createModuleRules(rules, ALL);
  expect(found.find(path)).toEqual(expected);
  if (expected !== undefined) expect(found.filter.test(`/home/me/${path.replace("../", "")}`)).toBe(true);
});
