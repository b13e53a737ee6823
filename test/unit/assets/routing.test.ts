import { describe, expect, test } from "vitest";
import { createSite } from "./site.ts";

const FILES = ["/index.html", "/about.html", "/404.html", "/blog/404.html", "/blog/post.html", "/app.js"];
const NAVIGATE = { headers: { "sec-fetch-mode": "navigate" } };

describe("not_found_handling", () => {
  test.each([
    ["none", "/x", "404"],
    ["404-page", "/x", "404 /404.html"],
    ["404-page", "/x/y/z", "404 /404.html"],
    ["404-page", "/blog/x", "404 /blog/404.html"],
    ["404-page", "/blog/x/y/", "404 /blog/404.html"],
    ["404-page", "/blog", "404 /404.html"],
    ["404-page", "/blogger/x", "404 /404.html"],
    ["404-page", "/404", "200 /404.html"],
    ["404-page", "/a@b", "307 → /a%40b"],
    ["single-page-application", "/x", "200 /index.html"],
    ["single-page-application", "/x/y?z=1", "200 /index.html"],
    ["single-page-application", "/a@b?c=1", "307 → /a%40b?c=1"],
    ["single-page-application", "/app.js", "200 /app.js"],
  ] as const)("%s: %s gives %s", async (notFoundHandling, path, answer) => {
    expect((await createSite({ files: FILES, notFoundHandling }).get(path)).answer).toBe(answer);
  });

  test.each(["404-page", "single-page-application"] as const)("%s without its page gives 404", async (mode) => {
    expect((await createSite({ files: ["/app.js"], notFoundHandling: mode }).get("/x")).answer).toBe("404");
  });

  test("a path of many slashes is answered by the nearest page", async () => {
    const site = createSite({ files: FILES, notFoundHandling: "404-page" });
    expect((await site.get(`/blog${"/x".repeat(3_000)}`)).answer).toBe("404 /blog/404.html");
  });
});

describe("answers()", () => {
  test("claims files and redirects, and leaves the rest to the function", () => {
    const site = createSite({ files: FILES, redirects: "/old /new\n/rw /gone 200" });
    const claimed = ["/", "/about", "/about.html", "/app.js", "/app.js?v=1", "/old", "/rw"];
    for (const path of claimed) expect(site.answers(path), path).toBe(true);
    for (const path of ["/x", "/api/x", "/app.jsx", "/blog/"]) expect(site.answers(path), path).toBe(false);
  });

  test("claims a file for any method, which is then answered with 405", async () => {
    const site = createSite({ files: FILES });
    expect(site.answers("/about", { method: "POST" })).toBe(true);
    const got = await site.get("/about", { method: "POST" });
    expect([got.status, got.header("allow"), got.header("content-length")]).toEqual([405, "GET, HEAD", "0"]);
    expect(site.answers("/x", { method: "POST" })).toBe(false);
  });

  test.each([
    ["none", "2026-01-01", [], false],
    ["404-page", "2026-01-01", [], true],
    ["single-page-application", "2026-01-01", [], true],
    ["single-page-application", "2025-04-01", [], true],
    ["single-page-application", "2025-03-31", [], false],
    ["single-page-application", "2025-03-31", ["assets_navigation_prefers_asset_serving"], true],
    ["single-page-application", "2026-01-01", ["assets_navigation_has_no_effect"], false],
  ] as const)("with %s, date %s and flags %j a navigation to a missing path: %s", (mode, date, flags, claimed) => {
    const site = createSite({ files: FILES, notFoundHandling: mode, compatibility: { date, flags } });
    expect(site.answers("/x", NAVIGATE)).toBe(claimed);
    expect(site.answers("/x")).toBe(false);
    expect(site.answers("/x", { headers: { "sec-fetch-mode": "cors" } })).toBe(false);
  });

  test("claims nothing when the function runs first", () => {
    const site = createSite({ files: FILES, runWorkerFirst: true, notFoundHandling: "single-page-application" });
    expect(["/", "/about", "/x"].map((path) => site.answers(path, NAVIGATE))).toEqual([false, false, false]);
  });

  test.each([
    ["/api/x", false],
    ["/api/docs/x", true],
    ["/api/docs/missing", true],
    ["/about", true],
    ["/missing", false],
  ])('with ["/api/*", "!/api/docs/*"] %s: %s', (path, claimed) => {
    const site = createSite({
      files: [...FILES, "/api/x.html", "/api/docs/x.html"],
      runWorkerFirst: ["/api/*", "!/api/docs/*"],
    });
    expect(site.answers(path)).toBe(claimed);
  });

  test("another spelling of a path that the function claims gets a redirect to it, never the file", async () => {
    const site = createSite({ files: ["/api/x.html"], runWorkerFirst: ["/api/*"] });
    expect(site.answers("/%61pi/x")).toBe(true);
    expect((await site.get("/%61pi/x")).answer).toBe("307 → /api/x");
  });

  test("leaves not_found_handling to assets where run_worker_first is a list", () => {
    const site = createSite({
      files: FILES,
      runWorkerFirst: ["/api/*"],
      notFoundHandling: "single-page-application",
    });
    expect(["/missing", "/api/missing"].map((path) => site.answers(path))).toEqual([true, false]);
  });

  test.each([
    ["/*.png", "/a/b.png", true],
    ["/*.png", "/a/b.png/", false],
    ["/a*b*c", "/a-b-c", true],
    ["/a*b*c", "/abc", true],
    ["/a*b*c", "/acb", false],
    ["/a*ab", "/ab", false],
    ["/exact", "/exact", true],
    ["/exact", "/exact/", false],
    ["/dot.x", "/dotAx", false],
  ])("the pattern %s takes %s: %s", (pattern, path, isTaken) => {
    const site = createSite({ files: ["/index.html"], runWorkerFirst: [`!${pattern}`, "/*"] });
    expect(site.answers(path)).toBe(isTaken);
  });
});
