import { describe, expect, test } from "vitest";
import { findLocation, parseRedirects } from "../../../src/bindings/assets/redirects-file.ts";
import { createSite } from "./site.ts";

const FILE = `# a comment
/old /about 301
/query /about?x=1#top
/out https://example.com/a?b=1 307
/port https://example.com:8443/a 308
/see /about 303
no-slash /about
/spaced   /a%20b   302   # trailing
/about.html /kept 302
/rewrite /about 200
/rewrite-file /about.html 200
/rewrite-lost /gone 200
/go/* /to/:splat
/ext/* https://example.com/:splat
/here/* https://site.test/:splat
/p/:a/:b /q/:b/:a 301
/m/:y-:m /n/:m/:y
/id/:id/:id_2 /x/:id_2/:id/:none
/app/:page /about 200
/*/suffix/:x /s/:splat/:x
`;

describe("_redirects", () => {
  const site = createSite({ files: ["/about.html", "/index.html"], redirects: FILE, host: "https://site.test" });

  test("the file has no problems", () => {
    expect(site.assets.problems).toEqual([]);
  });

  test.each([
    ["/old", "301 → /about"],
    ["/old?q=1", "301 → /about?q=1"],
    ["/query", "302 → /about?x=1#top"],
    ["/query?x=2", "302 → /about?x=1#top"],
    ["/out?c=1", "307 → https://example.com/a?b=1"],
    ["/port?c=1", "308 → https://example.com:8443/a?c=1"],
    ["/see", "303 → /about"],
    ["/no-slash", "302 → /about"],
    ["/spaced", "302 → /a%20b"],
    ["/about.html", "302 → /kept"],
    ["/about", "200 /about.html"],
    ["/rewrite", "200 /about.html"],
    ["/rewrite-file", "307 → /about"],
    ["/rewrite-lost", "404"],
    ["/go/", "302 → /to/"],
    ["/go", "404"],
    ["/go/a/b?x", "302 → /to/a/b?x"],
    ["/go//evil.test", "302 → /to/evil.test"],
    ["/ext/a/b", "302 → https://example.com/a/b"],
    ["/here/a", "302 → /a"],
    ["/p/1/2", "301 → /q/2/1"],
    ["/p/1/", "404"],
    ["/p/1/2/3", "404"],
    ["/m/2026-08", "302 → /n/08/2026"],
    ["/m/a-b-c", "302 → /n/c/a-b"],
    ["/m/-", "404"],
    ["/id/1/2", "302 → /x/2/1/:none"],
    ["/app/x", "200 /about.html"],
    ["/a/b/suffix/c", "302 → /s/a/b/c"],
  ])("%s gives %s", async (path, answer) => {
    expect((await site.get(path)).answer).toBe(answer);
    expect((await site.get(path)).answer, "asked again").toBe(answer);
  });

  test("a redirect answers every method", async () => {
    expect((await site.get("/old", { method: "POST" })).answer).toBe("301 → /about");
  });

  test.each([
    ["/*", "/:splat", "//evil.test"],
    ["/*", "/:splat", "//%2Fevil.test"],
    ["/*", "https://site.test/:splat", "//evil.test"],
    ["/a/:x", "/:x", "/a/%5Cevil.test"],
    ["/a/:x", "/:x", "/a/%2F%2Fevil.test"],
  ])("%s to %s asked for as %s stays on the site", async (from, to, path) => {
    const own = createSite({ files: [], redirects: `${from} ${to}`, host: "https://site.test" });
    const location = (await own.get(path)).header("location") ?? "";
    expect(new URL(location, "https://site.test").host).toBe("site.test");
  });

  test("a rewrite to a missing file gets not_found_handling", async () => {
    const spa = {
      files: ["/index.html"],
      redirects: "/a /gone 200",
      notFoundHandling: "single-page-application",
    } as const;
    expect((await createSite(spa).get("/a")).answer).toBe("200 /index.html");
  });

  test("a placeholder that makes no URL gives 404", async () => {
    const odd = createSite({ files: [], redirects: "/x/:host https://:host/ 302" });
    expect((await odd.get("/x/a%20b")).answer).toBe("404");
  });

  test("findLocation() is absolute when its path would be read as a host", () => {
    const url = new URL("https://site.test/go");
    expect(findLocation({ to: "https://site.test//evil.test", status: 302 }, url)).toBe("https://site.test//evil.test");
  });
});

describe("parseRedirects()", () => {
  test.each([
    ["/a", "Cannot use line: it has 1 words, 2 or 3 are wanted"],
    ["/a /b 301 x", "Cannot use line: it has 4 words, 2 or 3 are wanted"],
    ["/a /b 404", 'Cannot use "/a": the status is "404", must be one of 200, 301, 302, 303, 307, 308'],
    ["/a /b 301.0", 'Cannot use "/a": the status is "301.0", must be one of 200, 301, 302, 303, 307, 308'],
    ["https://x.test/a /b", 'Cannot use "https://x.test/a": a source is a path, without host'],
    ["/a http://x.test", 'Cannot use "/a": its destination begins neither with "/" nor with "https://"'],
    ["/a b", 'Cannot use "/a": its destination begins neither with "/" nor with "https://"'],
    ["/a https://x.test/b 200", 'Cannot use "/a": with status 200 the destination must be a path'],
    ["/* /index.html 200", 'Cannot use "/*": it would redirect to itself for ever'],
    ["/a/ /index", 'Cannot use "/a/": it would redirect to itself for ever'],
    ["/*/* /b", 'Cannot use "/*/*": only one * is allowed; use placeholders such as :name for the others'],
    ["/:a/:a /b", 'Cannot use "/:a/:a": a placeholder is used twice'],
    ["/:splat/* /b", 'Cannot use "/:splat/*": * and :splat are the same placeholder'],
    ["/x/:a-* /b", 'Cannot use "/x/:a-*": * and a placeholder cannot share a segment'],
    [`/${"a".repeat(2_000)} /b`, "Cannot use line: it has 2004 characters, at most 2000 are read"],
  ])("reports %s", (line, message) => {
    const { rules, problems } = parseRedirects(`# first\n\n  ${line}\r\n/ok /fine`);
    expect(rules).toEqual([{ from: "/ok", to: "/fine", status: 302 }]);
    expect(problems).toEqual([{ severity: "warning", message, file: "_redirects", line: 3, column: 3 }]);
  });

  test("reports a source that an earlier line has", () => {
    const { rules, problems } = parseRedirects("/a /b\n/a /c\n/a?x=1 /d");
    expect(rules).toHaveLength(1);
    expect(problems.map((problem) => problem.line)).toEqual([2, 3]);
  });

  test("allows /index.html as destination of a folder where html_handling is none", () => {
    expect(parseRedirects("/a/ /index.html", { htmlHandling: "none" }).problems).toEqual([]);
  });

  test("reads 2 000 static and 100 dynamic rules, and reports those above", () => {
    const statics = Array.from({ length: 2_001 }, (_, i) => `/s${i} /x`);
    const dynamics = Array.from({ length: 101 }, (_, i) => `/d${i}/:a /x`);
    const { rules, problems } = parseRedirects([...statics, ...dynamics].join("\n"));
    expect(rules).toHaveLength(2_100);
    expect(problems.map((problem) => problem.line)).toEqual([2_001, 2_102]);
  });

  test("counts a static rule after a dynamic one as dynamic, so that order holds", async () => {
    const site = createSite({ files: [], redirects: "/:any /first\n/late /second" });
    expect((await site.get("/late")).answer).toBe("302 → /first");
  });
});
