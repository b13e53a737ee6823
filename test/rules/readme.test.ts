/**
 * README.md says what the code does: limits with their defaults, commands, variables, links.
 */

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { toLimitRows } from "../../src/cli/limits-table.ts";
import { DEFAULT_LIMITS, DEFAULT_SCALING } from "../../src/model/function.ts";
import { ROOT, readSources, readText } from "./sources.ts";

const MAX_LINES = 200;

describe("README.md", () => {
  const text = readText("README.md");
  const rows = [...text.matchAll(/^\| (`[^|]*) \| ([^|]*) \|/gm)].map(([, head = "", next = ""]) => [
    head,
    next.trim(),
  ]);

  test(`has at most ${MAX_LINES} lines`, () => {
    expect(text.split("\n").length - 1).toBeLessThanOrEqual(MAX_LINES);
  });

  test("has every limit with its default", () => {
    const wanted = toLimitRows({ limits: DEFAULT_LIMITS, scaling: DEFAULT_SCALING }).map(([key, value]) => [
      `\`${key}\``,
      value,
    ]);
    const isLimit = ([head = ""]: readonly string[]) => /limits\.|scaling\./.test(head);
    expect(rows.filter(isLimit).sort()).toEqual(wanted.sort());
  });

  test("has every command", () => {
    const files = readdirSync(join(ROOT, "src/cli/commands")).map((file) => file.replace(/\.ts$/, ""));
    const said = rows.flatMap(([head = ""]) => readCommands(head));
    expect(said.sort()).toEqual(files.sort());
  });

  test("has every environment variable", () => {
    const isVariable = /"(NEBULA_[A-Z_]+)"|env\.(NEBULA_[A-Z_]+)/g;
    const cli = ["src/cli", "src/client"]
      .flatMap(readSources)
      .map((source) => source.text)
      .join("\n");
    const read = [...cli.matchAll(isVariable)].map(([, quoted, member]) => quoted ?? member ?? "");
    const codes = readText("docs/errors.md");
    const variables = new Set(read.filter((name) => !codes.includes(`### ${name}\n`)));
    const said = rows.flatMap(([head = ""]) => head.match(/NEBULA_[A-Z_]+/g) ?? []);
    expect(said.sort()).toEqual([...variables].sort());
  });

  test("links to what there is", () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path = ""]) => path);
    expect(links.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});

/** "`nebula list`" → list; "`nebula secret put/list <key>`, `nebula types`" → secret-put, secret-list, types */
function readCommands(head: string): string[] {
  return [...head.matchAll(/`nebula ([^`]*)`/g)].flatMap(([, text = ""]) => {
    const [words = ""] = text.split(/ (?=[^a-z])/);
    const nouns = words.split(" ");
    const verbs = nouns.pop() ?? "";
    return verbs.split("/").map((verb) => [...nouns, verb].join("-"));
  });
}
