import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CONFIG_KEYS } from "../../../src/config/keys.ts";
import type { Shape } from "../../../src/config/schema.ts";

/** Keys that wrangler 4.164.0 no longer knows, or that are Nebula's. */
const NOT_WRANGLERS = [
  "nebula",
  "usage_model",
  "zone_id",
  "type",
  "webpack_config",
  "miniflare",
  "experimental_services",
  "node_compat",
  "legacy_env",
];

/** All paths of keys in a shape, as the list of wrangler's keys writes them: `routes[].pattern`, `exports.*.type`. */
function listPaths(path: string, shape: Shape): readonly string[] {
  if (shape.kind === "list") return listPaths(`${path}[]`, shape.of);
  if (shape.kind === "map") return listPaths(`${path}.*`, shape.of);
  if (shape.kind === "either") return shape.of.flatMap((alternative) => listPaths(path, alternative));
  if (shape.kind !== "table") return [];
  return Object.entries(shape.fields).flatMap(([name, field]) => [
    `${path}.${name}`,
    ...listPaths(`${path}.${name}`, field.shape),
  ]);
}

test("the table of keys knows every key of wrangler 4.164.0, at every depth, and no other", async () => {
  // From the config-schema.json of that version: paths of keys, nothing else.
  const file = join(import.meta.dirname, "../../fixtures/config/wrangler-4.164.0-keys.json");
  const theirs: readonly string[] = JSON.parse(await readFile(file, "utf8"));
  const ours = Object.entries(CONFIG_KEYS)
    .filter(([name]) => !NOT_WRANGLERS.includes(name))
    .flatMap(([name, { shape }]) => [name, ...listPaths(name, shape)]);
  expect(ours.toSorted()).toEqual(theirs.filter((path) => path !== "env").toSorted());
});

test("every key inside an honoured table says what Nebula does with it", () => {
  const silent = (path: string, shape: Shape): readonly string[] => {
    if (shape.kind === "list" || shape.kind === "map") return silent(path, shape.of);
    if (shape.kind === "either") return shape.of.flatMap((alternative) => silent(path, alternative));
    if (shape.kind !== "table") return [];
    return Object.entries(shape.fields).flatMap(([name, field]) => [
      ...(field.rule ? [] : [`${path}.${name}`]),
      ...silent(`${path}.${name}`, field.shape),
    ]);
  };
  const honoured = Object.entries(CONFIG_KEYS).filter(([, { rule }]) => rule.status === "honoured");
  expect(honoured.flatMap(([name, { shape }]) => silent(name, shape))).toEqual([]);
});

test("no shape has two tables to choose from, because the first would hide the second", () => {
  const isTable = ({ kind }: Shape) => kind === "table" || kind === "map";
  const inner = (shape: Shape): readonly Shape[] => {
    if (shape.kind === "list" || shape.kind === "map") return [shape.of];
    if (shape.kind === "either") return shape.of;
    return shape.kind === "table" ? Object.values(shape.fields).map((field) => field.shape) : [];
  };
  const walk = (shape: Shape): readonly Shape[] => [shape, ...inner(shape).flatMap(walk)];
  const shapes = Object.values(CONFIG_KEYS).flatMap(({ shape }) => walk(shape));
  expect(shapes.filter((shape) => shape.kind === "either" && shape.of.filter(isTable).length > 1)).toEqual([]);
});
