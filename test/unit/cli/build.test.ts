import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { assembleWat } from "../../support/wat.ts";
import { createFolder, run } from "./support.ts";

const COMMAND = assembleWat(`(module (memory (export "memory") 1) (func (export "_start")))`);

/** A folder with these files and a program. */
async function createProgram(files: Readonly<Record<string, string>> = {}) {
  const folder = await createFolder(files);
  await writeFile(join(folder.dir, "main.wasm"), COMMAND);
  return folder;
}

describe("nebula build", () => {
  test("shows what each step did, and writes the program with its manifest", async () => {
    await using folder = await createProgram({
      "wrangler.toml": 'name = "sample"\nmain = "main.wasm"\n[nebula]\nfiles = { "/data" = "data" }\n',
      "data/a.txt": "a",
    });
    const { code, stdout, stderr } = await run(["build", ".", "--out", "out"], { cwd: folder.dir });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^sample built\n/);
    expect(stdout).toMatch(/\n {2}module +[\d.]+ m?s +\d+ B\n/);
    expect(stdout).toMatch(/\n {2}files +[\d.]+ m?s +1 file, 1 B\n/);
    expect(stdout).toMatch(/\n {2}snapshot +[\d.]+ m?s +\S/);
    expect(stdout).toMatch(/\n {2}wasi +\d+ B +wasi-p1, sha256:[0-9a-f]{12}, 1 file beside it\n/);
    expect(await readFile(join(folder.dir, "out/files/data/a.txt"), "utf8")).toBe("a");
    expect(new Uint8Array(await readFile(join(folder.dir, "out/sample.wasm"))).byteLength).toBeGreaterThan(8);
    const manifest = JSON.parse(await readFile(join(folder.dir, "out/manifest.json"), "utf8"));
    expect(manifest).toMatchObject({
      spec: { name: "sample" },
      forms: [{ engine: "wasi", artifact: { kind: "wasi-p1" } }],
    });
  });

  test("writes a JavaScript function and its static files, too", async () => {
    await using folder = await createFolder({
      "wrangler.toml":
        'name = "shop"\nmain = "index.ts"\ncompatibility_date = "2026-11-01"\nassets.directory = "public"\n',
      "index.ts": "export default { fetch: () => new Response() };\n",
      "public/a/b.txt": "b",
    });
    const { code, stdout } = await run(["build", "--json", "--out", "out"], { cwd: folder.dir });
    expect(code).toBe(0);
    const { name, files, steps } = JSON.parse(stdout);
    expect({ name, files }).toEqual({
      name: "shop",
      files: ["assets/a/b.txt", "index.js", "index.js.map", "manifest.json"],
    });
    expect(steps.map(({ step }: { step: string }) => step).sort()).toEqual(["assets", "bundle"]);
  });

  test("goes without a form that fails, says why, and writes each form into a folder of its own", async () => {
    await using folder = await createProgram({
      "wrangler.toml":
        'name = "sample"\nmain = "index.ts"\ncompatibility_date = "2026-11-01"\n[nebula]\n' +
        'engines = ["wasi", "isolate"]\nallow_weaker = ["isolate"]\nforms = { wasi = "bad.wasm" }\n',
      "index.ts": "export default { fetch: () => new Response() };\n",
      "bad.wasm": "hello",
    });
    const { code, stdout, stderr } = await run(["build", "--out", "out"], { cwd: folder.dir });
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^sample {2}warning {2}it goes without its form for "wasi", whose build failed\nerror NEBULA_BUILD_FAILED\nCannot use "bad\.wasm": it is not a WebAssembly file\n/,
    );
    expect(stderr).toContain("in step module");
    expect(stdout).toMatch(/\n {2}wasi +failed\n {2}isolate +\d+ B +js, sha256:/);
    const json = JSON.parse((await run(["build", "--json", "--out", "out"], { cwd: folder.dir })).stdout);
    expect(json.forms).toMatchObject([
      { engine: "wasi", failure: 'Cannot use "bad.wasm": it is not a WebAssembly file' },
      { engine: "isolate", artifact: { kind: "js" } },
    ]);
    expect(json.files).toEqual(["isolate/index.js", "isolate/index.js.map", "manifest.json"]);
  });

  test("names an image that the node pulls", async () => {
    const image = `debian@sha256:${"a".repeat(64)}`;
    await using folder = await createFolder({ "wrangler.toml": `nebula.container.image = "${image}"\nname = "a"\n` });
    const { code, stdout } = await run(["build"], { cwd: folder.dir });
    expect(code).toBe(0);
    expect(stdout).toMatch(/\n {2}image +[\d.]+ m?s +pulled by the node\n/);
    expect(stdout).toContain(`image, ${image}\n`);
  });

  test("fails as a deployment would", async () => {
    await using folder = await createFolder({ "main.wasm": "hello" });
    const { code, stderr } = await run(["build"], { cwd: folder.dir });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error NEBULA_BUILD_FAILED\nCannot use "main\.wasm": it is not a WebAssembly file\n/);
    expect(stderr).toContain("in step module");
    const gone = await run(["build", "gone"], { cwd: folder.dir });
    expect(gone).toMatchObject({ code: 2, stdout: "" });
  });
});

describe("nebula inspect", () => {
  test("tells what is in a module, and that it runs", async () => {
    await using folder = await createProgram();
    const { code, stdout } = await run(["inspect", "main.wasm"], { cwd: folder.dir });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^main\.wasm {2}module {2}\d+ B\n {2}runs as +a command: /);
    expect(stdout).toMatch(/\n {2}memory +64 KiB to begin with, no maximum\n/);
    expect(stdout).toMatch(/\n {2}exports +memory memory\n +_start \(\) → \(\)\n/);
    const json = JSON.parse((await run(["inspect", "main.wasm", "--json"], { cwd: folder.dir })).stdout);
    expect(json).toMatchObject({ form: "module", runsAs: "command", problems: [], functions: 1 });
  });

  test("tells why a module would not run", async () => {
    await using folder = await createProgram();
    const bad = assembleWat(
      `(module (import "env" "now" (func)) (memory (export "memory") 65536) (func (export "f")))`,
    );
    await writeFile(join(folder.dir, "bad.wasm"), bad);
    const { code, stdout } = await run(["inspect", "bad.wasm"], { cwd: folder.dir });
    expect(code).toBe(1);
    expect(stdout).toMatch(/\n {2}runs as +no\n/);
    expect(stdout).toContain(
      "why not: it imports what a function does not get: env.now (function)\n    hint  They come",
    );
    expect(stdout).toContain("why not: it asks for 4 GiB of memory");
    expect(stdout).toContain('why not: it exports neither "_start" nor "handle"');
  });

  test("tells what is in a component", async () => {
    const path = new URL("../../../functions/stream-component/stream-component.wasm", import.meta.url).pathname;
    const { code, stdout } = await run(["inspect", path]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/ {2}component {2}.*\n {2}runs as +an HTTP handler: wasi:http\/incoming-handler/);
    expect(stdout).toMatch(/\n {2}imports +wasi:/);
  });

  test.each([
    ["gone.wasm", 2, /^error NEBULA_USAGE\nCannot inspect "gone\.wasm": there is no such file or folder\n/],
    ["empty.wasm", 1, /^error NEBULA_BUILD_FAILED\nCannot inspect "empty\.wasm": it is empty\nhint /],
    ["text.wasm", 1, /Cannot inspect "text\.wasm": it is not a WebAssembly file\nhint /],
    ["cut.wasm", 1, /Cannot inspect "cut\.wasm": it is no valid WebAssembly: it ends too early \(at byte \d+\)\nhint /],
    ["folder", 2, /Cannot inspect "folder": it is a folder\n/],
  ])("refuses %s in one line", async (name, code, message) => {
    await using folder = await createFolder({ "empty.wasm": "", "text.wasm": "hello" });
    await mkdir(join(folder.dir, "folder"));
    await writeFile(join(folder.dir, "cut.wasm"), COMMAND.slice(0, -3));
    const ran = await run(["inspect", name], { cwd: folder.dir });
    expect(ran).toMatchObject({ code, stdout: "" });
    expect(ran.stderr).toMatch(message);
  });
});
