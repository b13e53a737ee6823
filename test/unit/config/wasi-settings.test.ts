import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readProject } from "../../../src/config/read-project.ts";
import { DEFAULT_WASI } from "../../../src/model/function.ts";
import { createProjectFolder, readDiagnostics, toLine } from "./project-folder.ts";

const WASM = { "hello.wasm": "" };

async function readToml(toml: string, files: Readonly<Record<string, string>> = {}) {
  await using folder = await createProjectFolder({ ...WASM, ...files, "wrangler.toml": toml });
  const { project, warnings } = await readProject(folder.dir);
  return { project, warnings: warnings.map(toLine), dir: folder.dir };
}

async function listProblems(toml: string, files: Readonly<Record<string, string>> = {}) {
  await using folder = await createProjectFolder({ ...WASM, ...files, "wrangler.toml": toml });
  return (await readDiagnostics(folder.dir)).map(toLine);
}

describe("a .wasm file as the entry", () => {
  test("selects the wasi engine and needs no compatibility date", async () => {
    const { project, warnings } = await readToml('main = "hello.wasm"');
    expect(warnings).toEqual([]);
    expect(project.spec.engines).toEqual(["wasi"]);
    expect(project.spec).not.toHaveProperty("wasi");
    expect(project).not.toHaveProperty("files");
  });

  test.each(["index.wasm", "main.wasm"])("needs no configuration as %s", async (name) => {
    await using folder = await createProjectFolder({ [name]: "" });
    const { project } = await readProject(folder.dir);
    expect(project).toMatchObject({ main: join(folder.dir, name), spec: { engines: ["wasi"] } });
  });

  test("stands behind sources that need no configuration", async () => {
    await using folder = await createProjectFolder({ "index.wasm": "", "main.ts": "" });
    expect((await readProject(folder.dir)).project).toMatchObject({ main: join(folder.dir, "main.ts") });
  });

  test("is not for the isolate engine", async () => {
    expect(await listProblems('main = "hello.wasm"\nnebula.engines = ["isolate", "wasi"]')).toEqual([
      '2:19 error "nebula.engines[0]" is "isolate", which runs JavaScript: "main" is a .wasm file [write "wasi"]',
    ]);
  });
});

describe("settings of a Wasm program", () => {
  test("are read, with defaults for those that are not there", async () => {
    const { project, dir } = await readToml(
      [
        'main = "hello.wasm"',
        "[nebula]",
        'interface = "cgi"',
        'args = ["-q", "-d output_buffering=0"]',
        'state = "/state"',
        'files = { "/data" = "./data", "/etc/words.txt" = "words.txt" }',
        "[[nebula.proof]]",
        'path = "/?n=10"',
        "[[nebula.proof]]",
        'method = "POST"',
        'path = "/"',
        'body = "hamlet"',
      ].join("\n"),
      { "data/a.txt": "a", "words.txt": "b" },
    );
    expect(project.files).toEqual({ "/data": join(dir, "data"), "/etc/words.txt": join(dir, "words.txt") });
    expect(project.spec.wasi).toEqual({
      interface: "cgi",
      args: ["-q", "-d output_buffering=0"],
      state: "/state",
      proof: [
        { method: "GET", path: "/?n=10" },
        { method: "POST", path: "/", body: "hamlet" },
      ],
    });
    const alone = await readToml('main = "hello.wasm"\nnebula.args = ["-v"]');
    expect(alone.project.spec.wasi).toEqual({ ...DEFAULT_WASI, args: ["-v"] });
  });

  test("count for JavaScript with the wasi engine, too", async () => {
    const toml = 'main = "a.js"\ncompatibility_date = "2026-11-01"\n[nebula]\nengines = ["wasi"]\nproof = []';
    const { project } = await readToml(toml, { "a.js": "" });
    expect(project.spec.wasi).toEqual({ ...DEFAULT_WASI, proof: [] });
  });

  test("are inherited key by key", async () => {
    const toml = 'main = "hello.wasm"\n[nebula]\nargs = ["a"]\nstate = "/s"\n[env.x.nebula]\nargs = ["b"]';
    await using folder = await createProjectFolder({ ...WASM, "wrangler.toml": toml });
    const { project } = await readProject(folder.dir, { env: "x" });
    expect(project.spec.wasi).toMatchObject({ args: ["b"], state: "/s" });
  });

  test("have no effect without the wasi engine, and a warning says so", async () => {
    const toml = 'main = "a.js"\ncompatibility_date = "2026-11-01"\n[nebula]\nstate = "/s"\nfiles = { "/d" = "a.js" }';
    const { project, warnings } = await readToml(toml, { "a.js": "" });
    expect(project).not.toHaveProperty("files");
    expect(project.spec).not.toHaveProperty("wasi");
    expect(warnings).toEqual([
      '4:1 warning "nebula.state" has no effect: no engine is "wasi" [write engines = ["wasi"] under [nebula]]',
      '5:1 warning "nebula.files" has no effect: no engine is "wasi" [write engines = ["wasi"] under [nebula]]',
    ]);
  });

  test("may name files that the build command makes", async () => {
    expect(await listProblems('main = "x.wasm"\nbuild.command = "make"\nnebula.files = { "/d" = "out" }')).toEqual([]);
  });

  test.each([
    [
      "an unknown interface",
      'interface = "tty"',
      '3:13 error "nebula.interface" must be one of "stdio", "cgi", "http", is "tty"',
    ],
    [
      "the interface of containers",
      'interface = "http"',
      '3:13 error "nebula.interface" is "http", which is for "container" ["wasi" takes "stdio" or "cgi"]',
    ],
    ["args", "args = [1]", '3:9 error "nebula.args[0]" must be a string, is 1'],
    ["a NUL", 'args = ["a\\u0000b"]', '3:9 error "nebula.args[0]" must have no NUL in it'],
    ["a relative state", 'state = "state"', '3:9 error "nebula.state" is "state": it must be a path like "/state"'],
    ["all as state", 'state = "/"', '3:9 error "nebula.state" is "/": it must be a path like "/state"'],
    ["a state above", 'state = "/a/../b"', '3:9 error "nebula.state" is "/a/../b": it must be a path like "/state"'],
    [
      "a relative path of files",
      'files = { "data" = "hello.wasm" }',
      '3:11 error "nebula.files.data" must be a path like "/data", without "." or ".." in it',
    ],
    [
      "files that are not there",
      'files = { "/data" = "gone" }',
      '3:21 error "nebula.files."/data"" is "gone": there is no such file or folder',
    ],
    ["a proof without path", 'proof = [{ method = "GET" }]', '3:10 error "nebula.proof[0]" has no "path"'],
    [
      "a path without slash",
      'proof = [{ path = "?n=1" }]',
      '3:10 error "nebula.proof[0]" has a "path" that is not one: "?n=1" [write path = "/?n=10"]',
    ],
    [
      "a method of small letters",
      'proof = [{ path = "/", method = "post" }]',
      '3:10 error "nebula.proof[0]" has a "method" that is not one: "post"',
    ],
    [
      "a body for GET",
      'proof = [{ path = "/", body = "x" }]',
      '3:10 error "nebula.proof[0]" has a "body", and GET has none',
    ],
  ])("are refused for %s", async (_name, line, problem) => {
    expect(await listProblems(`main = "hello.wasm"\n[nebula]\n${line}`)).toEqual([problem]);
  });
});
