/**
 * `docs/compatibility.md` and the table of keys, held against each other in both directions.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { formatKeyRow, KEY_TABLE_HEAD, listKeyRows } from "../../../src/config/key-table.ts";
import { NODEJS_COMPAT_MODULES } from "../../../src/model/nodejs-compat.ts";

/** The rows of all tables in the document that have the head of the table of keys. */
async function readRows(): Promise<readonly string[]> {
  const text = await readFile(join(import.meta.dirname, "../../../docs/compatibility.md"), "utf8");
  const rows: string[] = [];
  let isInside = false;
  for (const line of text.split("\n")) {
    if (line === formatKeyRow(KEY_TABLE_HEAD)) isInside = true;
    else if (!line.startsWith("|")) isInside = false;
    else if (isInside && !line.startsWith("| ---")) rows.push(line);
  }
  return rows;
}

test("docs/compatibility.md has every key of the code, as the code has it", async () => {
  const documented = new Set(await readRows());
  const missing = listKeyRows()
    .map(formatKeyRow)
    .filter((row) => !documented.has(row));
  expect(missing, `write these rows into docs/compatibility.md:\n${missing.join("\n")}\n`).toEqual([]);
});

test("docs/compatibility.md has no key that the code has not, and none twice", async () => {
  const known = new Set(listKeyRows().map(formatKeyRow));
  const rows = await readRows();
  const surplus = rows.filter((row, index) => !known.has(row) || rows.indexOf(row) !== index);
  expect(surplus, `take these rows out of docs/compatibility.md:\n${surplus.join("\n")}\n`).toEqual([]);
});

test("docs/compatibility.md puts every key under the heading of its status", async () => {
  const text = await readFile(join(import.meta.dirname, "../../../docs/compatibility.md"), "utf8");
  const sections = new Map(text.split("\n## ").map((section) => [section.split("\n")[0], section]));
  const headings = {
    honoured: "Keys that are honoured",
    accepted: "Keys that are accepted",
    refused: "Keys that are refused",
  };
  const misplaced = listKeyRows()
    .filter(([key]) => !/[.[]/.test(key) && key !== "`nebula`")
    .filter((row) => !sections.get(headings[row[2]])?.includes(formatKeyRow(row)));
  expect(misplaced).toEqual([]);
});

test("docs/compatibility.md names the modules of nodejs_compat, all and no others", async () => {
  const text = await readFile(join(import.meta.dirname, "../../../docs/compatibility.md"), "utf8");
  const line = text.split("\n").find((each) => each.startsWith("`node:")) ?? "";
  expect(line.split(" · ")).toEqual(NODEJS_COMPAT_MODULES.map((name) => `\`node:${name}\``));
});
