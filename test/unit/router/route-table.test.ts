import { describe, expect, it } from "vitest";
import { createRouteTable, findRouteConflicts } from "../../../src/router/route-table.ts";

/** A table whose functions are named after what they match. */
function tableOf(routes: Readonly<Record<string, readonly string[]>>) {
  return createRouteTable(Object.entries(routes).map(([name, patterns]) => ({ name, routes: patterns, target: name })));
}

describe("match() by pattern", () => {
  const cases: readonly [pattern: string, host: string, path: string, isMatch: boolean][] = [
    ["example.com/*", "example.com", "/", true],
    ["example.com/*", "example.com", "/a/b/c.jpg", true],
    ["example.com/*", "www.example.com", "/", false],
    ["example.com/*", "example.com.evil.test", "/", false],
    ["example.com", "example.com", "/", true],
    ["example.com", "example.com", "/a", false],
    ["example.com/", "example.com", "/", true],
    ["example.com/a", "example.com", "/a", true],
    ["example.com/a", "example.com", "/a/", false],
    ["example.com/a", "example.com", "/A", false],
    ["example.com/img*", "example.com", "/img", true],
    ["example.com/img*", "example.com", "/imgs/a.png", true],
    ["example.com/img/*", "example.com", "/img", false],
    ["example.com/img/*", "example.com", "/img/", true],
    ["*.example.com/*", "www.example.com", "/", true],
    ["*.example.com/*", "a.b.example.com", "/", true],
    ["*.example.com/*", "example.com", "/", false],
    ["*.example.com/*", "wwwexample.com", "/", false],
    ["*example.com/*", "example.com", "/", true],
    ["*example.com/*", "www.example.com", "/", true],
    ["*example.com/*", "myexample.com", "/", true],
    ["*example.com/*", "example.org", "/", false],
    ["*/*", "anything.test", "/x", true],
    ["*/*", "", "/x", true],
    ["*/api/*", "anything.test", "/x", false],
    ["https://example.com/*", "example.com", "/x", true],
    ["http://example.com/*", "example.com", "/x", true],
    ["EXAMPLE.com/*", "eXample.COM", "/x", true],
    ["example.com/*", "example.com:8787", "/x", true],
    ["example.com/*", "example.com.", "/x", true],
    ["example.com/*", "example.com.:8787", "/x", true],
    ["example.com./*", "example.com", "/x", true],
    ["[::1]/*", "[::1]:8787", "/x", true],
    ["[::1]/*", "[::1]", "/x", true],
    ["127.0.0.1/*", "127.0.0.1:80", "/x", true],
    ["münchen.example/*", "xn--mnchen-3ya.example", "/x", true],
    ["example.com/münchen*", "example.com", "/m%C3%BCnchen/x", true],
    ["example.com/a%2Fb", "example.com", "/a%2Fb", true],
    ["example.com/a/b", "example.com", "/a%2Fb", false],
    ["*/*", "example.com", "*", false],
  ];

  it.each(cases)("%s against %s%s: %s", (pattern, host, path, isMatch) => {
    const match = tableOf({ one: [pattern] }).match(host, path);
    expect(match).toEqual(isMatch ? { name: "one", target: "one", path, basePath: "" } : undefined);
  });
});

describe("match() among several patterns", () => {
  const table = tableOf({
    all: ["*/*"],
    "all-api": ["*/api/*"],
    suffix: ["*example.com/*"],
    sub: ["*.example.com/*"],
    "sub-a": ["*.example.com/a"],
    deep: ["*.eu.example.com/*"],
    host: ["www.example.com/*"],
    "host-images": ["www.example.com/images*"],
    "host-images-dir": ["www.example.com/images/*"],
    "host-logo": ["www.example.com/images/logo"],
    "host-logo-any": ["www.example.com/images/logo*"],
    partial: ["partial.example.com/only/*"],
  });

  const cases: readonly [host: string, path: string, name: string][] = [
    ["other.test", "/", "all"],
    ["other.test", "/api/x", "all-api"],
    ["example.com", "/", "suffix"],
    ["myexample.com", "/api/x", "suffix"],
    ["a.example.com", "/", "sub"],
    ["a.example.com", "/a", "sub-a"],
    ["x.eu.example.com", "/a", "deep"],
    ["www.example.com", "/a", "host"],
    ["www.example.com", "/images", "host-images"],
    ["www.example.com", "/images1", "host-images"],
    ["www.example.com", "/images/x", "host-images-dir"],
    ["www.example.com", "/images/logo", "host-logo"],
    ["www.example.com", "/images/logo2", "host-logo-any"],
    ["partial.example.com", "/only/x", "partial"],
    ["partial.example.com", "/else", "sub"],
    ["partial.example.com", "/a", "sub-a"],
  ];

  it.each(cases)("prefers the most specific for %s%s: %s", (host, path, name) => {
    expect(table.match(host, path)?.name).toBe(name);
  });

  it("agrees with trying every pattern in order of specificity", () => {
    const hosts = ["", ".b", "a.b", ".a.b", "b", "ba.b", "c"];
    const paths = ["/", "/a", "/ab", "/a/", "/b", "/a/b"];
    const patterns = hosts.flatMap((host) =>
      paths.flatMap((path) => [true, false].map((isPrefix) => `*${host}${path}${isPrefix ? "*" : ""}`)),
    );
    const rank = (pattern: string) => {
      const slash = pattern.indexOf("/");
      return slash * 1000 + (pattern.length - slash) * 10 - (pattern.endsWith("*") ? 11 : 0);
    };
    // A third of them, so that look-ups have to go back to shorter candidates.
    const chosen = patterns.filter((_, index) => index % 3 === 0);
    const table = tableOf(Object.fromEntries(chosen.map((pattern) => [pattern, [pattern]])));
    for (const host of ["a.b", "x.a.b", "b", "c", "dba.b", "x.b", "d"]) {
      for (const path of ["/", "/a", "/abc", "/a/", "/a/bc", "/b", "/c"]) {
        const matching = chosen.filter((pattern) => {
          const slash = pattern.indexOf("/");
          const wanted = pattern.slice(slash);
          const isPath = wanted.endsWith("*") ? path.startsWith(wanted.slice(0, -1)) : path === wanted;
          return isPath && host.endsWith(pattern.slice(1, slash));
        });
        const best = matching.sort((a, b) => rank(b) - rank(a))[0];
        expect(table.match(host, path)?.name, `${host}${path}`).toBe(best);
      }
    }
  });

  it("keeps the first of two functions with one pattern", () => {
    const table = tableOf({ first: ["a.test/*"], second: ["https://A.test/*"] });
    expect(table.match("a.test", "/")?.name).toBe("first");
  });

  it("finds nothing in an empty table", () => {
    expect(tableOf({}).match("a.test", "/")).toBeUndefined();
  });
});

describe("match() of reserved forms", () => {
  const table = tableOf({ hello: [], root: ["*/*"], app: ["app2.localhost/*"] });
  const cases: readonly [
    host: string,
    path: string,
    match: [name: string, path: string, basePath: string] | undefined,
  ][] = [
    ["hello.localhost:8787", "/x", ["hello", "/x", ""]],
    ["HELLO.localhost.", "/x", ["hello", "/x", ""]],
    ["hello.localhost", "/fn/root/x", ["hello", "/fn/root/x", ""]],
    ["a.hello.localhost", "/x", ["root", "/x", ""]],
    ["unknown.localhost", "/x", ["root", "/x", ""]],
    ["unknown.localhost", "/fn/hello/x", ["hello", "/x", "/fn/hello"]],
    ["app2.localhost", "/x", ["app", "/x", ""]],
    ["localhost:8787", "/fn/hello", ["hello", "/", "/fn/hello"]],
    ["localhost:8787", "/fn/hello/", ["hello", "/", "/fn/hello"]],
    ["[::1]:8787", "/fn/hello/a%2Fb//c", ["hello", "/a%2Fb//c", "/fn/hello"]],
    ["localhost", "/fn/unknown/x", undefined],
    ["localhost", "/fn/Hello/x", undefined],
    ["localhost", "/fn/hello%2Fx", undefined],
    ["localhost", "/fn/a%2Fb/x", undefined],
    ["localhost", "/fn/__proto__", undefined],
    ["localhost", "/fn/", undefined],
    ["localhost", "/fn", ["root", "/fn", ""]],
    ["localhost", "/fnord/hello", ["root", "/fnord/hello", ""]],
    ["localhost", "/%66n/hello/", ["root", "/%66n/hello/", ""]],
  ];

  it.each(cases)("%s%s", (host, path, match) => {
    const [name, seen, basePath] = match ?? [];
    expect(table.match(host, path)).toEqual(match && { name, target: name, path: seen, basePath });
  });
});

describe("findRouteConflicts()", () => {
  it("names functions whose patterns mean the same", () => {
    const conflicts = findRouteConflicts([
      { name: "a", routes: ["example.com/*", "example.com"] },
      { name: "b", routes: ["https://EXAMPLE.com/*"] },
      { name: "c", routes: ["example.com/", "*.example.com/*"] },
    ]);
    expect(conflicts).toEqual([
      { pattern: "example.com/*", names: ["a", "b"] },
      { pattern: "example.com/", names: ["a", "c"] },
    ]);
  });

  it("lets one function repeat itself, and patterns overlap", () => {
    const entries = [
      { name: "a", routes: ["example.com/*", "http://example.com/*"] },
      { name: "b", routes: ["*example.com/*", "example.com/x*"] },
    ];
    expect(findRouteConflicts(entries)).toEqual([]);
  });
});
