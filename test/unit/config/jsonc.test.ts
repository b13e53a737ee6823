import { expect, test } from "vitest";
import { parseJsonc } from "../../../src/config/jsonc.ts";

const TEXT = `// comment { "x": 1 }
{
  "name": "a", /* "b": [ */
  "routes": [
    "x",
    { "pattern": "y\\"}", },
  ],
  "__proto__": { "z": 1 }
}`;

const PLACES = [
  [["name"], "3:3", "3:11"],
  [["routes"], "4:3", "4:13"],
  [["routes", 0], "5:5", "5:5"],
  [["routes", 1, "pattern"], "6:7", "6:18"],
  [["__proto__", "z"], "8:18", "8:23"],
  [["routes", 1, "missing"], "6:5", "6:5"],
  [["routes", 7, "pattern"], "4:3", "4:3"],
  [["missing"], "2:1", "2:1"],
] as const;

test("positionOf() finds keys and values in JSON with comments and trailing commas", () => {
  const { source } = parseJsonc(TEXT);
  const found = PLACES.map(([path]) => {
    const key = source?.positionOf(path, "key");
    const value = source?.positionOf(path, "value");
    return [path, `${key?.line}:${key?.column}`, `${value?.line}:${value?.column}`];
  });
  expect(found).toEqual(PLACES);
});

test("parseJsonc() reads keys named like prototypes as keys", () => {
  const { source } = parseJsonc(TEXT);
  expect(Object.keys(source?.value ?? {})).toEqual(["name", "routes", "__proto__"]);
  expect(Object.getPrototypeOf(source?.value)).toBe(Object.prototype);
});

test("parseJsonc() tells every key that stands twice, at its later place", () => {
  const { problems } = parseJsonc('{ "a": 1, "a": [{ "b": 1,\n "b": 2 }],\n "a": 3 }');
  expect(problems.map(({ message, position }) => `${position.line}:${position.column} ${message}`)).toEqual([
    '1:11 "a" stands twice in one table',
    '2:2 "a[0].b" stands twice in one table',
    '3:2 "a" stands twice in one table',
  ]);
});
