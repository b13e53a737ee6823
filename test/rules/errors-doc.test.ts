/**
 * docs/errors.md and the error table are one.
 */

import { describe, expect, test } from "vitest";
import { ERROR_TABLE } from "../../src/model/errors.ts";
import { listFiles, type Node, readSources, readText } from "./sources.ts";

const codes = Object.keys(ERROR_TABLE);

/** Words that begin like a code and are none: environment variables, and the table of Nebula's own keys. */
const NO_CODES = /^NEBULA_(?:ENV|TARGET|KEYS|TOKEN|HOST|LOG_LEVEL|CONTROL_URL|STATE_DIR|DATA_PORT|CONTROL_PORT)$/;

const CHAPTERS = {
  caller: "For the caller",
  owner: "For the owner of the function",
  host: "For whoever runs the node",
};

describe("docs/errors.md", () => {
  const sections = readSections(readText("docs/errors.md"));

  test("has one heading per code, in the order of the table", () => {
    expect([...sections.keys()]).toEqual(codes);
  });

  test.each(Object.entries(ERROR_TABLE))("tells who acts on %s, its status, what to do and an example", (code, row) => {
    const { chapter, text } = sections.get(code) ?? { chapter: "", text: "" };
    expect(chapter).toBe(CHAPTERS[row.fault]);
    expect([...text.matchAll(/Status (\d+)/g)].filter(([, status]) => Number(status) !== row.status)).toEqual([]);
    expect(text).toMatch(/^\S.+\.\n[\s\S]*^ {4}\S/m);
  });

  test("gives examples in the words of src/", () => {
    const source = readSources("src")
      .map(({ text }) => text)
      .join("\n");
    const examples = [...sections.values()].flatMap(({ text }) => /^ {4}(\w+ \w+)/m.exec(text)?.[1] ?? []);
    expect(examples.filter((words) => !source.includes(words))).toEqual([]);
  });
});

describe("codes", () => {
  const sources = readSources("src").filter(({ path }) => path !== "src/model/errors.ts");

  test("every code of the table is made somewhere in src/", () => {
    const isCode = (node: Node) => node.type === "Literal" && typeof node.value === "string";
    const used = new Set(sources.flatMap(({ nodes }) => nodes.filter(isCode).map(({ value }) => value)));
    expect(codes.filter((code) => !used.has(code))).toEqual([]);
  });

  test("no code outside the table appears in code or documents", () => {
    const paths = ["src", "docs", "README.md"].flatMap((place) => (place.includes(".") ? [place] : listFiles(place)));
    const words = paths.flatMap((path) => readText(path).match(/\bNEBULA_[A-Z][A-Z_]*[A-Z]\b/g) ?? []);
    const unknown = new Set(words.filter((word) => !codes.includes(word) && !NO_CODES.test(word)));
    expect([...unknown]).toEqual([]);
  });
});

/** What stands under each code, and in which chapter. */
function readSections(document: string): Map<string, { readonly chapter: string; readonly text: string }> {
  const chapters = document.split(/^## /m).slice(1);
  return new Map(
    chapters.flatMap((chapter) =>
      chapter
        .split(/^### /m)
        .slice(1)
        .map((section) => {
          const [code = "", ...lines] = section.split("\n");
          return [code, { chapter: chapter.slice(0, chapter.indexOf("\n")), text: lines.join("\n") }] as const;
        }),
    ),
  );
}
