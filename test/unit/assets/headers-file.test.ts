import { describe, expect, test } from "vitest";
import { parseHeaders } from "../../../src/bindings/assets/headers-file.ts";
import { createSite } from "./site.ts";

const FILE = `# for all
/*
  X-All: one
  Cache-Control: no-store

/about
  X-All: two
  ! ETag
/blog/:slug
  X-Slug: at :slug, :other
/files/*
  X-File: :splat
https://site.test/data
  X-Host: plain
https://:user.site.test/data
  X-User: :user
/cookies
  Set-Cookie: a=1
  Set-Cookie: b=2
/typed
  Content-Type: text/x-own
  Vary: Origin
/missing
  X-Missing: yes
/old
  X-Old: yes
`;
const FILES = ["/about.html", "/blog/x.html", "/files/a/b.txt", "/data", "/cookies", "/typed"];

describe("_headers", () => {
  const site = createSite({ files: FILES, headers: FILE, redirects: "/old /about" });

  test("the file has no problems", () => {
    expect(site.assets.problems).toEqual([]);
  });

  test.each([
    ["/about", { "x-all": "one, two", "cache-control": "no-store", etag: undefined }],
    ["/blog/x", { "x-slug": "at x, :other", "x-all": "one" }],
    ["/files/a/b.txt", { "x-file": "a/b.txt" }],
    ["/data", { "x-host": "plain", "x-user": undefined }],
    ["/typed", { "content-type": "text/x-own", vary: "Origin" }],
    ["/missing", { "x-missing": "yes", "x-all": "one" }],
    ["/old", { "x-old": "yes", location: "/about" }],
    ["/about.html", { "x-all": "one", location: "/about" }],
  ])("%s has %o", async (path, expected) => {
    for (const got of [await site.get(path), await site.get(path)]) {
      const actual = Object.fromEntries(Object.keys(expected).map((name) => [name, got.header(name)]));
      expect(actual).toEqual(expected);
    }
  });

  test("cookies stay lines of their own", async () => {
    const { headers } = await site.get("/cookies");
    expect(headers.filter((_, i) => headers[i - 1] === "set-cookie")).toEqual(["a=1", "b=2"]);
  });

  test("a placeholder in a host is one label; port and scheme do not matter", async () => {
    for (const host of ["http://ann.site.test:8787", "https://ANN.site.test"]) {
      const got = await createSite({ files: FILES, headers: FILE, host }).get("/data");
      expect([got.header("x-user"), got.header("x-host")]).toEqual(["ann", undefined]);
    }
    const deep = await createSite({ files: FILES, headers: FILE, host: "http://a.b.site.test" }).get("/data");
    expect(deep.header("x-user")).toBeUndefined();
  });

  test("Vary of an encoded file is added to, never lost", async () => {
    const files = { "/a": { content: "a".repeat(9), encoded: { br: "b" } } };
    const got = await createSite({ files, headers: "/a\n  Vary: Origin\n  ! Vary" }).get("/a");
    expect(got.header("vary")).toBe("accept-encoding, Origin");
  });

  test("a rule about Content-Encoding keeps encoded forms away", async () => {
    const files = { "/a.gz": { content: "zipped by its author", encoded: { br: "b" } } };
    const own = createSite({ files, headers: "/*.gz\n  Content-Encoding: gzip" });
    const got = await own.get("/a.gz", { headers: { "accept-encoding": "br" } });
    expect([got.body, got.header("content-encoding")]).toEqual(["zipped by its author", "gzip"]);
  });

  test("what follows a removal in a later rule is set anew", async () => {
    const own = createSite({ files: ["/a"], headers: "/*\n  X: 1\n/a\n  ! X\n  X: 2" });
    expect((await own.get("/a")).header("x")).toBe("2");
  });
});

describe("parseHeaders()", () => {
  test.each([
    ["/a\n  nonsense", 2, 'Cannot use header: it is not of the form "name: value"'],
    ["  X: 1", 1, "Cannot use header: no path comes before it"],
    ["/a\n  X Y: 1", 2, 'Cannot use header "x y": that is no header name'],
    ["/a\n  : 1", 2, 'Cannot use header "": that is no header name'],
    ["/a\n  X:", 2, 'Cannot use header "x": it has no value'],
    ["/a\n  X: \u2192", 2, 'Cannot use header "x": its value has characters that no header may have'],
    ["/a\n  Content-Length: 3", 2, 'Cannot use header "content-length": the server makes it itself'],
    ["/a\n  ! Content-Length", 2, 'Cannot use header "content-length": the server makes it itself'],
    ["/a", 1, 'Cannot use "/a": it has no headers'],
    ["/*/*\n  X: 1", 1, 'Cannot use "/*/*": only one * is allowed; use placeholders such as :name for the others'],
    ["http://a.test/\n  X: 1", 1, 'Cannot use "http://a.test/": it begins neither with "/" nor with "https://"'],
    ["https://a.test:80/\n  X: 1", 1, 'Cannot use "https://a.test:80/": a host takes no port here'],
    ["https://*.test/\n  X: 1", 1, 'Cannot use "https://*.test/": a host takes placeholders, not *'],
    [`/a\n  X: ${"1".repeat(2_000)}`, 2, "Cannot use line: it has 2003 characters, at most 2000 are read"],
  ])("reports %j", (text, line, message) => {
    const { rules, problems } = parseHeaders(`${text}\n/ok\n  Fine: yes\n`);
    expect(rules.at(-1)).toEqual({ source: "/ok", set: [["fine", "yes"]], unset: [] });
    expect(problems).toContainEqual(expect.objectContaining({ severity: "warning", file: "_headers", line, message }));
  });

  test("reads at most 100 rules", () => {
    const text = Array.from({ length: 102 }, (_, i) => `/p${i}\n  X: ${i}`).join("\r\n");
    const { rules, problems } = parseHeaders(text);
    expect(rules).toHaveLength(100);
    expect(problems.map((problem) => problem.line)).toEqual([201, 203]);
  });

  test("skips comments, empty lines, and a byte order mark", () => {
    expect(parseHeaders("\uFEFF# x\n\n/a\n  # y\n  X: a:b\n").rules).toEqual([
      { source: "/a", set: [["x", "a:b"]], unset: [] },
    ]);
  });
});
