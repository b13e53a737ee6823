import { describe, expect, test } from "vitest";
import { fillPattern, findPatternProblem, matchPattern, parsePattern } from "../../../src/bindings/assets/pattern.ts";

function match(pattern: string, path: string): Record<string, string> | undefined {
  const values = matchPattern(parsePattern(pattern), path.split("/"), "");
  return values && Object.fromEntries(values);
}

/** What Cloudflare's documentation describes, as the regular expression that we do not run on strangers' paths. */
function matchByRegExp(pattern: string, path: string): Record<string, string> | undefined {
  const source = pattern
    .replace(/\./g, "\\.")
    .replace(/\*/g, "(?<splat>.*)")
    .replace(/:(\w+)/g, "(?<$1>[^/]+)");
  const found = new RegExp(`^${source}$`).exec(path);
  return found === null ? undefined : { ...found.groups };
}

describe("matchPattern()", () => {
  const patterns = [
    "/:a",
    "/:a/:b",
    "/x:a",
    "/:a.x",
    "/:a-:b",
    "/:a-:b-:c",
    "/:a:b",
    "/*",
    "/x*",
    "/*x",
    "/x*x",
    "/:a/*",
  ];
  const deeper = ["/*/:a", "/:a/*/:b", "/a*/x/:b-:c", "/x", "/x/", "/*/x", "/x/*/x/:a"];
  const words = ["", "x", "a", "-", "x-x", "a-b-c", "--", "ab", "x.x", "xx", "a%2Fb"];
  const paths = words.flatMap((one) => [
    `/${one}`,
    ...words.flatMap((two) => [`/${one}/${two}`, `/x/${one}/${two}/x`]),
  ]);

  test.each([...patterns, ...deeper])("%s takes what its regular expression takes", (pattern) => {
    expect(findPatternProblem(pattern)).toBeUndefined();
    for (const path of paths) expect(match(pattern, path), path).toEqual(matchByRegExp(pattern, path));
  });

  test("is not slowed down by a path made to backtrack", () => {
    const pattern = parsePattern(`/${Array.from({ length: 20 }, (_, i) => `:p${i}`).join("-")}!`);
    expect(matchPattern(pattern, ["", "-".repeat(100_000)], "")).toBeUndefined();
  });
});

describe("fillPattern()", () => {
  test("replaces whole names once", () => {
    const values = new Map([
      ["id", ":id_2"],
      ["id_2", "2"],
    ]);
    expect(fillPattern("/:id/:id_2/:idx/:constructor", values)).toBe("/:id_2/2/:idx/:constructor");
  });
});
