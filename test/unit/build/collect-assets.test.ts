import { execFileSync } from "node:child_process";
import { readdir, symlink, truncate, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { createEncodedCache } from "../../../src/build/assets/encoded-cache.ts";
import { readBlobSource, toDigest } from "../../../src/build/blob-source.ts";
import { type AssetLimits, openAssetsStep } from "../../../src/build/steps/collect-assets.ts";
import { type Files, rejectionOf, tempFolder } from "./support.ts";

const signal = new AbortController().signal;

async function collect(
  files: Files,
  options: { cacheDir?: string; limits?: AssetLimits; prepare?: (dir: string) => Promise<void> } = {},
) {
  const dir = await tempFolder(files);
  await options.prepare?.(dir);
  await using step = openAssetsStep({ projectDir: dirname(dir), dir, ...options });
  const { assets, blobs = new Map(), ...rest } = await step.run({ signal, earlier: [] });
  if (assets === undefined) throw new Error("no assets");
  return { dir, assets, blobs, ...rest };
}

const LONG_TEXT = "Nebula serves this line again and again.\n".repeat(100);

test("assets have digest, size, content type and a URL path", async () => {
  const { dir, assets, blobs, inputs } = await collect({
    "index.html": "<p>",
    "img/a b.svg": "<svg/>",
    "data/x.json": "{}",
    "film.mp4": "x",
    "no-extension": "x",
    "æ.txt": "x",
  });
  const types = Object.entries(assets.files).map(([path, { contentType }]) => [path, contentType]);
  expect(types).toEqual([
    ["/data/x.json", "application/json"],
    ["/film.mp4", "video/mp4"],
    ["/img/a b.svg", "image/svg+xml"],
    ["/index.html", "text/html; charset=utf-8"],
    ["/no-extension", "application/octet-stream"],
    ["/æ.txt", "text/plain; charset=utf-8"],
  ]);
  const page = assets.files["/index.html"];
  expect(page).toEqual({ digest: toDigest(Buffer.from("<p>")), bytes: 3, contentType: "text/html; charset=utf-8" });
  expect(page && blobs.get(page.digest)).toEqual({ from: "file", path: join(dir, "index.html"), bytes: 3 });
  expect(inputs).toEqual([dir]);
});

test("assets leave out dotfiles, what is ignored, and the files that configure serving", async () => {
  const { assets } = await collect({
    "a.txt": "",
    ".env": "SECRET=1",
    ".git/config": "",
    "x/.DS_Store": "",
    "x/.well-known/no.txt": "",
    ".well-known/security.txt": "",
    ".assetsignore": "*.psd\ndrafts/\n!drafts/keep.txt\n",
    "big.psd": "",
    "drafts/keep.txt": "",
    _headers: "/*\n  x-a: 1\n",
    _redirects: "/old /new 301\n",
    "x/_headers": "served like any other",
  });
  expect(Object.keys(assets.files)).toEqual(["/.well-known/security.txt", "/a.txt", "/x/_headers"]);
  expect(assets.headersFile).toBe("/*\n  x-a: 1\n");
  expect(assets.redirectsFile).toBe("/old /new 301\n");
});

test("assets get smaller forms that hold the same bytes", async () => {
  const { assets, blobs } = await collect({ "a.txt": LONG_TEXT });
  const { br, gzip } = assets.files["/a.txt"]?.encoded ?? {};
  for (const [form, decode] of [
    [br, brotliDecompressSync],
    [gzip, gunzipSync],
  ] as const) {
    const source = form && blobs.get(form.digest);
    if (source === undefined) throw new Error("no such form");
    const bytes = await readBlobSource(source);
    expect(bytes.byteLength).toBe(form?.bytes);
    expect(decode(bytes).toString()).toBe(LONG_TEXT);
  }
});

test("assets get no smaller form where it saves nothing", async () => {
  const random = crypto.getRandomValues(new Uint8Array(4096));
  const { assets } = await collect({ "small.txt": "a".repeat(1023), "a.png": LONG_TEXT, "random.txt": random });
  expect(Object.values(assets.files).map(({ encoded }) => encoded)).toEqual([undefined, undefined, undefined]);
});

test("assets take a compressed file beside another as a file of its own", async () => {
  const { assets } = await collect({ "a.txt": "x", "a.txt.br": "mine", "a.txt.gz": "mine" });
  expect(Object.keys(assets.files)).toEqual(["/a.txt", "/a.txt.br", "/a.txt.gz"]);
});

test("assets follow links inside the folder and refuse all others", async () => {
  const { assets } = await collect(
    { "real/a.txt": "a" },
    {
      prepare: async (dir) => {
        await symlink("real/a.txt", join(dir, "b.txt"));
        await symlink(join(dir, "real"), join(dir, "copy"));
      },
    },
  );
  expect(Object.keys(assets.files)).toEqual(["/b.txt", "/copy/a.txt", "/real/a.txt"]);
});

test.each([
  ["out of the folder", "../outside.txt", 'Cannot collect "link": the link leads out of the assets folder'],
  ["to the system", "/etc/passwd", 'Cannot collect "link": the link leads out of the assets folder'],
  [
    "to a folder beside with the same beginning",
    "../assets-secret",
    'Cannot collect "link": the link leads out of the assets folder',
  ],
  ["nowhere", "missing.txt", 'Cannot collect "link": the link leads nowhere'],
  ["in a loop", ".", 'Cannot collect "link": the link leads back to a folder above it'],
])("assets refuse a link that leads %s", async (_name, target, message) => {
  const dir = await tempFolder({ "outside.txt": "x", "assets/a.txt": "x", "assets-secret/x.txt": "x" });
  await symlink(target, join(dir, "assets", "link"));
  await using step = openAssetsStep({ projectDir: dir, dir: join(dir, "assets") });
  const error = await rejectionOf(step.run({ signal, earlier: [] }));
  expect(error).toMatchObject({ code: "NEBULA_BUILD_FAILED", message, details: { step: "assets" } });
  await writeFile(join(dir, "assets", ".assetsignore"), "link\n");
  expect(Object.keys((await step.run({ signal, earlier: [] })).assets?.files ?? {})).toEqual(["/a.txt"]);
});

test("assets leave out what is no regular file, with a warning", async () => {
  const { dir, assets, warnings } = await collect(
    { "a.txt": "x" },
    { prepare: async (dir) => void execFileSync("mkfifo", [join(dir, "pipe")]) },
  );
  expect(Object.keys(assets.files)).toEqual(["/a.txt"]);
  expect(warnings).toMatchObject([{ severity: "warning", file: `${basename(dir)}/pipe` }]);
});

test("assets refuse files that are too large, all at once", async () => {
  const prepare = async (dir: string) => {
    for (const name of ["a.bin", "b.bin"]) {
      await writeFile(join(dir, name), "");
      await truncate(join(dir, name), 26 * 1024 * 1024);
    }
  };
  const error = await rejectionOf(collect({ "ok.txt": "x" }, { prepare }));
  expect(error.message).toBe('Cannot collect "/a.bin": it has 26 MiB, the limit is 25 MiB (and 1 more)');
  expect(error.diagnostics).toHaveLength(2);
});

test("assets refuse too many files", async () => {
  const error = await rejectionOf(collect({ a: "", b: "", c: "" }, { limits: { maxFiles: 2, fileBytes: 10 } }));
  expect(error.message).toMatch(/^Cannot collect "\/[abc]": there are more than 2 files$/);
});

test("assets refuse a folder that is not there", async () => {
  await using step = openAssetsStep({ projectDir: "/nowhere", dir: "/nowhere/public" });
  const error = await rejectionOf(step.run({ signal, earlier: [] }));
  expect(error.message).toBe('Cannot collect assets from "public": there is no such folder');
});

test("a second run sees what has changed", async () => {
  const dir = await tempFolder({ "a.txt": "one", "b.txt": LONG_TEXT });
  await using step = openAssetsStep({ projectDir: dir, dir });
  const first = await step.run({ signal, earlier: [] });
  await writeFile(join(dir, "a.txt"), "two");
  const second = await step.run({ signal, earlier: [] });
  expect(second.assets?.files["/a.txt"]?.digest).toBe(toDigest(Buffer.from("two")));
  expect(second.assets?.files["/b.txt"]).toBe(first.assets?.files["/b.txt"]);
});

test("an aborted run rejects with the reason", async () => {
  await using step = openAssetsStep({ projectDir: "/", dir: await tempFolder({ a: "" }) });
  await expect(step.run({ signal: AbortSignal.abort(new Error("enough")), earlier: [] })).rejects.toThrow("enough");
});

test("the cache folder spares the second builder the compression", async () => {
  const cacheDir = await tempFolder();
  const content = Buffer.from(LONG_TEXT);
  const digest = toDigest(content);
  const first = await createEncodedCache(cacheDir).encode(digest, content);
  // Other bytes under the same name: what comes back can only come from the folder.
  const second = await createEncodedCache(cacheDir).encode(digest, Buffer.from("short"));
  expect(second).toEqual(first);
  expect(second.br?.source).toMatchObject({ from: "file", bytes: second.br?.bytes });
  expect((await readdir(join(cacheDir, "encoded-v1"))).sort()).toEqual(
    ["br", "gzip", "json"].map((end) => `${digest.slice(7)}.${end}`),
  );
});

test("the cache folder remembers what was not worth it", async () => {
  const cacheDir = await tempFolder();
  const content = crypto.getRandomValues(new Uint8Array(2048));
  expect(await createEncodedCache(cacheDir).encode(toDigest(content), content)).toEqual({});
  expect(await createEncodedCache(cacheDir).encode(toDigest(content), Buffer.from(LONG_TEXT))).toEqual({});
});

test.each([
  ["a form", ".br", "damaged"],
  ["the record", ".json", "{"],
  ["the record's shape", ".json", '{"br":"sha256:../../etc/passwd","gzip":null}'],
])("the cache folder makes anew what is damaged: %s", async (_name, end, damage) => {
  const cacheDir = await tempFolder();
  const content = Buffer.from(LONG_TEXT);
  const digest = toDigest(content);
  const first = await createEncodedCache(cacheDir).encode(digest, content);
  await writeFile(join(cacheDir, "encoded-v1", digest.slice(7) + end), damage);
  const second = await createEncodedCache(cacheDir).encode(digest, content);
  expect(second).toEqual(first);
  const bytes = second.br && (await readBlobSource(second.br.source));
  expect(bytes && toDigest(bytes)).toBe(first.br?.digest);
});
