/**
 * Habits that a linter has no rule for.
 */

import { describe, expect, test } from "vitest";
import { findName, isNode, listFiles, type Node, readSources, readText, type Source, toPlace } from "./sources.ts";

const sources = readSources("src");
const ours = [...sources, ...["routes", "functions", "bench"].flatMap(readSources)];

/** A file this long holds a second idea. */
const MAX_LINES = 400;

describe("src/", () => {
  test("fails with a code of the table, or with an error that stays within its area", () => {
    // What a guest is told is a plain error: its classes and codes are its own.
    const allowed = new Set(["src/engine/guest/invocations.ts", "src/env/kv.ts"]);
    const isPlain = (node: Node) =>
      node.type === "ThrowStatement" && isNode(node.argument) && findName(node.argument.callee) === "Error";
    expect(findAll(sources, isPlain).filter((place) => !allowed.has(place.split(":")[0] ?? ""))).toEqual([]);
  });

  test("keeps no state in modules", () => {
    const isState = (node: Node) => node.type === "VariableDeclaration" && node.kind !== "const";
    const wrong = sources.flatMap((source) =>
      source.body
        .filter((node) => isState(isNode(node.declaration) ? node.declaration : node))
        .map((node) => toPlace(source, node)),
    );
    expect(wrong).toEqual([]);
  });

  test("ends the process in main.ts alone, and in the guest's bootstrap", () => {
    const isExit = (node: Node) =>
      node.type === "MemberExpression" && findName(node.object) === "process" && findName(node.property) === "exit";
    const allowed = new Set([
      "src/main.ts",
      "src/engine/guest/bootstrap.guest.ts",
      "src/engine/guest/bootstrap-deno.guest.ts",
      "src/engine/wasi/bootstrap.guest.ts",
    ]);
    expect(findAll(sources, isExit).filter((place) => !allowed.has(place.split(":")[0] ?? ""))).toEqual([]);
  });

  test("says what each exported symbol promises", () => {
    const wrong = sources.flatMap((source) =>
      source.body.filter((node) => isUndocumentedExport(source, node)).map((node) => toPlace(source, node)),
    );
    expect(wrong).toEqual([]);
  });

  test("begins each file with what it is", () => {
    expect(sources.filter(({ text }) => !text.startsWith("/**\n")).map(({ path }) => path)).toEqual([]);
  });
});

describe("everywhere", () => {
  test("nothing is of type any, and no check is switched off without a reason", () => {
    const off = /@ts-(?:ignore|nocheck|expect-error)|biome-ignore(?![^\n]*: \w)/;
    expect(findAll(ours, (node) => node.type === "TSAnyKeyword")).toEqual([]);
    expect(ours.filter(({ text }) => off.test(text)).map(({ path }) => path)).toEqual([]);
  });

  test("nothing is left to do without the number of its issue", () => {
    const wrong = ours.filter(({ text }) => /\b(?:TODO(?!\(#\d+\))|FIXME|XXX)\b/.test(text));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  test("nothing names a path of somebody's own machine", () => {
    const paths = listFiles("").filter((path) => /\.(?:[jt]s|json|jsonc|md|sh|toml|html)$|^bin\/|^\.ci\//.test(path));
    const wrong = paths.filter((path) => /(?<![\w./])\/(?:root|Users|work)\/\w/.test(readText(path)));
    expect(wrong).toEqual([]);
  });

  test(`no file is longer than ${MAX_LINES} lines`, () => {
    const sizes = ours.map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }));
    expect(sizes.filter(({ lines }) => lines > MAX_LINES)).toEqual([]);
  });
});

function findAll(all: readonly Source[], isWanted: (node: Node) => boolean): string[] {
  return all.flatMap((source) => source.nodes.filter(isWanted).map((node) => toPlace(source, node)));
}

/** A command is a value that documents itself: its default export needs no comment. */
function isUndocumentedExport({ text }: Source, node: Node): boolean {
  if (node.type !== "ExportNamedDeclaration" || !isNode(node.declaration)) return false;
  return !text.slice(0, node.start).endsWith("*/\n");
}
