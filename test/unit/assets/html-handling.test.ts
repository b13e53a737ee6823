import { describe, expect, test } from "vitest";
import type { AssetsSettings } from "../../../src/model/function.ts";
import { createSite } from "./site.ts";

const FILES = [
  "/index.html",
  "/file.html",
  "/folder/index.html",
  "/both.html",
  "/both/index.html",
  "/bin",
  "/a.txt",
  "/raw/index",
];
const MODES = ["auto-trailing-slash", "force-trailing-slash", "drop-trailing-slash", "none"] as const;

/** Path → answer in each mode, in the order above. */
const TABLE: readonly (readonly [path: string, auto: string, force: string, drop: string, none: string])[] = [
  ["/", "200 /index.html", "200 /index.html", "200 /index.html", "404"],
  ["/index.html", "307 → /", "307 → /", "307 → /", "200 /index.html"],
  ["/index", "307 → /", "307 → /", "307 → /", "404"],
  ["/file.html", "307 → /file", "307 → /file/", "307 → /file", "200 /file.html"],
  ["/file", "200 /file.html", "307 → /file/", "200 /file.html", "404"],
  ["/file/", "307 → /file", "200 /file.html", "307 → /file", "404"],
  ["/file/index", "307 → /file", "307 → /file/", "307 → /file", "404"],
  ["/file/index.html", "307 → /file", "307 → /file/", "307 → /file", "404"],
  ["/folder", "307 → /folder/", "307 → /folder/", "200 /folder/index.html", "404"],
  ["/folder/", "200 /folder/index.html", "200 /folder/index.html", "307 → /folder", "404"],
  ["/folder.html", "307 → /folder/", "307 → /folder/", "307 → /folder", "404"],
  ["/folder/index", "307 → /folder/", "307 → /folder/", "307 → /folder", "404"],
  ["/folder/index.html", "307 → /folder/", "307 → /folder/", "307 → /folder", "200 /folder/index.html"],
  ["/both", "200 /both.html", "307 → /both/", "200 /both.html", "404"],
  ["/both/", "200 /both/index.html", "200 /both/index.html", "307 → /both", "404"],
  ["/both.html", "307 → /both", "200 /both.html", "307 → /both", "200 /both.html"],
  ["/both/index.html", "307 → /both/", "307 → /both/", "200 /both/index.html", "200 /both/index.html"],
  ["/bin", "200 /bin", "200 /bin", "200 /bin", "200 /bin"],
  ["/bin/", "404", "404", "404", "404"],
  ["/bin.html", "404", "404", "404", "404"],
  ["/a.txt", "200 /a.txt", "200 /a.txt", "200 /a.txt", "200 /a.txt"],
  ["/a.txt/", "404", "404", "404", "404"],
  ["/raw/index", "200 /raw/index", "200 /raw/index", "200 /raw/index", "200 /raw/index"],
  ["/raw/", "404", "404", "404", "404"],
  ["/nothing", "404", "404", "404", "404"],
  ["//folder//", "307 → /folder/", "307 → /folder/", "307 → /folder", "404"],
  ["//file", "307 → /file", "307 → /file/", "307 → /file", "404"],
  ["//a.txt", "307 → /a.txt", "307 → /a.txt", "307 → /a.txt", "307 → /a.txt"],
];

describe.each(MODES.map((mode, i) => ({ mode, i })))("html_handling $mode", ({ mode, i }) => {
  const site = createSite({ files: FILES, htmlHandling: mode });

  test.each(TABLE.map((row) => ({ path: row[0], answer: row[i + 1] })))("$path gives $answer", async (row) => {
    expect((await site.get(row.path)).answer).toBe(row.answer);
    expect((await site.get(row.path)).answer, "asked again").toBe(row.answer);
    expect(site.answers(row.path)).toBe(row.answer !== "404");
  });
});

describe("redirects of html_handling", () => {
  test("keep the query", async () => {
    expect((await createSite({ files: FILES }).get("/file.html?a=1&b=%20")).answer).toBe("307 → /file?a=1&b=%20");
  });

  test.each<AssetsSettings["htmlHandling"]>([...MODES])("never lead to themselves in mode %s", async (mode) => {
    const site = createSite({ files: [...FILES, "/folder/.html", "/.html"], htmlHandling: mode });
    for (const path of ["/folder/", "/folder/.html", "/.html", "/", "/folder"]) {
      expect((await site.get(path)).header("location")).not.toBe(path);
    }
  });
});

describe("paths", () => {
  const files = [
    "/a b.html",
    "/ü.html",
    "/[x].txt",
    "/100%.txt",
    "/%41.txt",
    "/q'uote.txt",
    "/c+d;e.txt",
    "/sub/x.txt",
  ];
  const site = createSite({ files });

  test.each([
    ["/a%20b", "200 /a b.html"],
    ["/%61%20b", "307 → /a%20b"],
    ["/%C3%BC", "200 /ü.html"],
    ["/%c3%bc", "307 → /%C3%BC"],
    ["/[x].txt", "307 → /%5Bx%5D.txt"],
    ["/%5Bx%5D.txt", "200 /[x].txt"],
    ["/100%25.txt", "200 /100%.txt"],
    ["/100%.txt", "307 → /100%25.txt"],
    ["/%2541.txt", "200 /%41.txt"],
    ["/%41.txt", "404"],
    ["/q'uote.txt", "200 /q'uote.txt"],
    ["/c+d;e.txt", "307 → /c%2Bd%3Be.txt"],
    ["/sub%2Fx.txt", "307 → /sub/x.txt"],
    ["/SUB/x.txt", "404"],
  ])("%s gives %s", async (path, answer) => {
    expect((await site.get(path)).answer).toBe(answer);
  });

  test.each([
    "/..",
    "/../../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/..%2f..%2fetc%2fpasswd",
    "/sub/..%5c..%5cx",
    "/x.txt%00",
    "/%00",
    "/%zz",
    "/%E0%A4%A",
    "/\\..\\x",
  ])("%s finds nothing", async (path) => {
    expect((await site.get(path)).answer).toBe("404");
  });

  test.each(["//evil.test", "//evil.test/", "/%2F%2Fevil.test", "/\\evil.test", "/%5C%5Cevil.test", "///evil.test//"])(
    "%s never redirects to another host",
    async (path) => {
      const files = ["/index.html", "/evil.test.html", "/\\evil.test.html", "/\\\\evil.test/index.html"];
      for (const htmlHandling of MODES) {
        const spa = createSite({ files, htmlHandling, notFoundHandling: "single-page-application" });
        const location = (await spa.get(path)).header("location") ?? "/";
        expect(new URL(location, "http://site.test").host).toBe("site.test");
      }
    },
  );

  test("fetch() refuses a URL that is none", async () => {
    const call = { head: { method: "GET", url: "nonsense", headers: [] }, body: null, signal: AbortSignal.any([]) };
    await expect(site.assets.fetch(call)).rejects.toMatchObject({ code: "NEBULA_REQUEST_INVALID" });
  });
});
