import { expect, test } from "vitest";
import { findMeant } from "../../../src/config/did-you-mean.ts";
import { parseHostPattern } from "../../../src/config/host-pattern.ts";
import { parseCustomDomain, parseRoutePattern } from "../../../src/config/routes.ts";
import { parseRoutePattern as parseForRouter } from "../../../src/router/route-pattern.ts";

const ROUTES: readonly (readonly [string, string])[] = [
  ["example.com", "example.com/"],
  ["example.com/", "example.com/"],
  ["example.com/*", "example.com/*"],
  ["https://example.com/path*", "example.com/path*"],
  ["HTTP://Example.COM/Images/*", "example.com/Images/*"],
  ["*.example.com/images/*", "*.example.com/images/*"],
  ["*example.com/*", "*example.com/*"],
  ["*/api/*", "*/api/*"],
  ["localhost/*", "localhost/*"],
  ["127.0.0.1/x", "127.0.0.1/x"],
  ["[::1]/*", "[::1]/*"],
  ["bücher.example/%C3%BC", "xn--bcher-kva.example/%C3%BC"],
  ["example.com/*.jpg", "! a * may stand at the end of the path only"],
  ["example.com/a/**", "! a * may stand at the end of the path only"],
  ["a.*.com/", "! a * may stand at the start of the host only"],
  ["**.example.com/", "! a * may stand at the start of the host only"],
  ["example.com/?x=*", "! a pattern has no query and no fragment"],
  ["example.com?x", "! a pattern has no query and no fragment"],
  ["example.com/#x", "! a pattern has no query and no fragment"],
  ["ws://example.com/", "! the scheme may be http or https only"],
  ["example.com/a b", "! a pattern has no white space"],
  ["example.com/ü/*", "example.com/%C3%BC/*"],
  ["*.bücher.example/*", "*.xn--bcher-kva.example/*"],
  ["/path", "! the host is missing"],
  ["*./path", "! the host is missing"],
  ["", "! the host is missing"],
  ["exa_mple!.com/", "! the host is not valid"],
  ["a..com/", "! the host is not valid"],
  ["-a.com/", "! the host is not valid"],
  [`${"a".repeat(64)}.com/`, "! the host is not valid"],
  ["localhost:8787/*", "! it has a port"],
  ["[::1]:80/*", "! it has a port"],
  ["example.com:/", "! it has a port"],
  ["*", "! the path is missing"],
  ["*bücher.example/*", '! a * before letters beyond ASCII needs a dot, "*."'],
  ["example.com/fn/x", "! paths under /fn/ lead to functions by their name"],
  ["*.10.0.0.1/", "! an address takes no *"],
];

for (const [text, expected] of ROUTES) {
  test(`parseRoutePattern() reads "${text}" as "${expected}"`, () => {
    const parsed = parseRoutePattern(text);
    expect("pattern" in parsed ? parsed.pattern : `! ${parsed.problem}`).toBe(expected);
    // What the configuration accepts, the router must accept in the same spelling.
    if ("pattern" in parsed) expect(parseForRouter(parsed.pattern).text).toBe(expected);
  });
}

test("parseCustomDomain() takes a host alone", () => {
  expect(parseCustomDomain("Shop.example.com")).toEqual({ pattern: "shop.example.com/*" });
  expect(parseCustomDomain("shop.example.com/")).toEqual({ problem: "a custom domain has no path" });
  expect(parseCustomDomain("*.example.com")).toEqual({ problem: "a custom domain has no *" });
  expect(parseCustomDomain("")).toEqual({ problem: "the host is missing" });
});

test("parseHostPattern() writes hosts in their one spelling", () => {
  expect(parseHostPattern("*.Example.com:08080")).toEqual({ pattern: "*.example.com:8080" });
  expect(parseHostPattern("0x7f.1")).toEqual({ pattern: "127.0.0.1" });
  expect(parseHostPattern("[0:0::1]")).toEqual({ pattern: "[::1]" });
  expect(parseHostPattern("example.com:99999")).toEqual({ problem: "the port must be from 1 to 65535" });
  expect(parseHostPattern("my_host")).toEqual({ pattern: "my_host" });
});

test("findMeant() knows insertions, deletions, substitutions and swaps, up to three", () => {
  const known = ["main", "name", "minify", "compatibility_date", "routes", "route"];
  const words = ["mian", "nme", "minifyy", "compatability_date", "comptibilty_dat", "Routes", "ruote"];
  const meant = words.map((word) => findMeant(word, known));
  expect(meant).toEqual(["main", "name", "minify", "compatibility_date", "compatibility_date", "routes", "route"]);
  expect(["xyz", "ai", "", "compatibilities"].map((word) => findMeant(word, known))).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
