import { spawnSync } from "node:child_process";
import { mkdir, readFile, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { NEWEST_COMPATIBILITY_DATE } from "../../../src/config/compatibility.ts";
import { explainReadFailure } from "../../../src/config/folder.ts";
import { readProject } from "../../../src/config/read-project.ts";
import { DEFAULT_LIMITS, DEFAULT_SCALING } from "../../../src/model/function.ts";
import { createProjectFolder, readDiagnostics, toLine } from "./project-folder.ts";

const DATED = 'compatibility_date = "2026-01-01"\n';
const FIXTURES = join(import.meta.dirname, "../../fixtures/config");

for (const form of ["toml", "jsonc"]) {
  test(`readProject() reads every key that is honoured from ${form}`, async () => {
    await using folder = await createProjectFolder({
      [`wrangler.${form}`]: await readFile(join(FIXTURES, `complete.${form}`)),
      "src/index.ts": "",
      "tsconfig.app.json": "{}",
      "public/": "",
    });
    const { dir } = folder;
    const { project, warnings } = await readProject(dir);
    expect(warnings).toEqual([]);
    expect(project).toEqual({
      dir,
      configFile: join(dir, `wrangler.${form}`),
      main: join(dir, "src/index.ts"),
      assetsDir: join(dir, "public"),
      build: {
        command: "make",
        cwd: join(dir, "src"),
        watchDirs: [join(dir, "src"), join(dir, "lib")],
        define: { VERSION: '"1.2.3"', "process.env.NODE_ENV": '"production"' },
        alias: { lodash: join(dir, "src/tiny.ts"), react: "preact/compat" },
        rules: [{ type: "Text", globs: ["**/*.md"], fallthrough: true }],
        minify: true,
        keepNames: false,
        isBundled: true,
        tsconfig: join(dir, "tsconfig.app.json"),
        jsx: { factory: "h", fragment: "React.Fragment" },
      },
      spec: {
        name: "shop",
        engines: ["wasi", "isolate"],
        chain: { strategy: "fastest", isIdempotent: true, weaker: ["isolate"] },
        compatibility: { date: "2026-01-01", flags: ["nodejs_compat"] },
        routes: ["*.example.com/img/*", "example.com/", "shop.example.com/*"],
        bindings: [
          { type: "var", name: "GREETING", value: "hello" },
          { type: "var", name: "DEBUG", value: false },
          { type: "var", name: "LEVELS", value: { error: 1, all: ["a", 2, true] } },
          { type: "assets", name: "ASSETS" },
        ],
        assets: {
          htmlHandling: "none",
          notFoundHandling: "404-page",
          runWorkerFirst: ["/api/*", "!/api/docs/*"],
        },
        limits: {
          wallMs: 1000,
          cpuMs: 50,
          memoryBytes: 67_108_864,
          requestBodyBytes: 1000,
          responseBodyBytes: 1_000_000,
          headerBytes: 8192,
          subrequests: 10,
          logBytes: 1024,
          waitUntilMs: 5000,
          startMs: 2000,
        },
        scaling: {
          minInstances: 1,
          maxInstances: 8,
          concurrency: 10,
          queueDepth: 0,
          queueMs: 100,
          idleMs: 1000,
        },
        outbound: ["api.example.com", "*.example.org", "127.0.0.1:9000"],
      },
    });
    expect(JSON.parse(JSON.stringify(project.spec))).toEqual(project.spec);
  });
}

test("readProject() of a folder with nothing but an entry gives defaults and no warning", async () => {
  await using folder = await createProjectFolder({ "index.js": "" });
  const { dir } = folder;
  expect(await readProject(dir)).toEqual({
    warnings: [],
    project: {
      dir,
      main: join(dir, "index.js"),
      build: {
        cwd: dir,
        watchDirs: [],
        define: {},
        alias: {},
        rules: [],
        minify: false,
        keepNames: true,
        isBundled: true,
      },
      spec: {
        name: "shop",
        engines: ["isolate"],
        compatibility: { date: NEWEST_COMPATIBILITY_DATE, flags: [] },
        routes: [],
        bindings: [],
        limits: DEFAULT_LIMITS,
        scaling: DEFAULT_SCALING,
        outbound: [],
      },
    },
  });
});

const ENTRIES: readonly (readonly [readonly string[], string])[] = [
  [["index.js", "index.ts", "src/index.ts", "main.ts"], "index.ts"],
  [["main.mjs", "src/index.tsx"], "src/index.tsx"],
  [["main.mjs", "main.jsx"], "main.jsx"],
  [["index.ts/", "index.mjs"], "index.mjs"],
];

for (const [files, entry] of ENTRIES) {
  test(`readProject() finds the entry ${entry} among ${files.join(", ")}`, async () => {
    await using folder = await createProjectFolder(Object.fromEntries(files.map((name) => [name, ""])));
    expect((await readProject(folder.dir)).project.main).toBe(join(folder.dir, entry));
  });
}

test("readProject() of a folder without entry and configuration says what it looked for", async () => {
  await using folder = await createProjectFolder({ "public/": "" });
  await expect(readProject(folder.dir)).rejects.toMatchObject({
    code: "NEBULA_CONFIG_INVALID",
    message:
      'Cannot read "shop": line 1, there is no wrangler.toml, wrangler.json or wrangler.jsonc, and no index, src/index or main file, nor a Dockerfile',
    hint: "write index.ts with export default { fetch() { … } }",
  });
});

test("readProject() takes static files alone for a project, and wants no date of them", async () => {
  await using folder = await createProjectFolder({
    "wrangler.toml": 'assets = { directory = "./public" }',
    "index.js": "",
    "public/": "",
  });
  const { project, warnings } = await readProject(folder.dir);
  expect(warnings).toEqual([]);
  expect(project.main).toBeUndefined();
  expect(project.assetsDir).toBe(join(folder.dir, "public"));
  expect(project.spec.assets).toEqual({
    htmlHandling: "auto-trailing-slash",
    notFoundHandling: "none",
    runWorkerFirst: false,
  });
});

test("readProject() leaves files to a build command that are not there yet", async () => {
  await using folder = await createProjectFolder({
    "wrangler.toml": `${DATED}main = "dist/index.js"\nbuild.command = "make"\nassets.directory = "dist/public"`,
  });
  const { project } = await readProject(folder.dir);
  expect(project.main).toBe(join(folder.dir, "dist/index.js"));
  expect(project.assetsDir).toBe(join(folder.dir, "dist/public"));
  expect(project.build.watchDirs).toEqual([join(folder.dir, "src")]);
});

test("readProject() follows paths that lead out of the folder", async () => {
  await using folder = await createProjectFolder({
    "app/wrangler.toml": `${DATED}main = "../index.ts"`,
    "index.ts": "",
  });
  const { project } = await readProject(join(folder.dir, "app"));
  expect(project.main).toBe(join(folder.dir, "index.ts"));
});

test("readProject() reads the file it is given, and takes its paths from that file's folder", async () => {
  await using folder = await createProjectFolder({
    "wrangler.toml": "not toml",
    "conf/other.jsonc": '{ "main": "a.ts", "compatibility_date": "2026-01-01" }',
    "conf/a.ts": "",
  });
  const { project } = await readProject(folder.dir, { configFile: "conf/other.jsonc" });
  expect(project.dir).toBe(join(folder.dir, "conf"));
  expect(project.main).toBe(join(folder.dir, "conf/a.ts"));
  expect(project.spec.name).toBe("conf");
});

test("readProject() prefers wrangler.json to wrangler.jsonc to wrangler.toml, and says so", async () => {
  await using folder = await createProjectFolder({
    "index.ts": "",
    "wrangler.toml": "name = 1",
    "wrangler.jsonc": "{ // nothing\n",
    "wrangler.json": '{ "name": "first", "compatibility_date": "2026-01-01", /* a comment */ }',
  });
  const { project, warnings } = await readProject(folder.dir);
  expect(project.spec.name).toBe("first");
  expect(warnings.map(toLine)).toEqual([
    '1:1 warning comes before "wrangler.jsonc", which is not read',
    '1:1 warning comes before "wrangler.toml", which is not read',
  ]);
});

test("readProject() tolerates a byte order mark and counts columns without it", async () => {
  for (const [file, text] of [
    ["wrangler.toml", "\ufeffquux = 1"],
    ["wrangler.json", '\ufeff{"quux": 1}'],
  ] as const) {
    await using folder = await createProjectFolder({ "index.ts": "", [file]: text });
    const [, unknown] = await readDiagnostics(folder.dir);
    expect(unknown).toMatchObject({ line: 1, column: file === "wrangler.toml" ? 1 : 2 });
  }
});

const NAMES: readonly (readonly [string | undefined, string])[] = [
  [undefined, "shop"],
  ["My_API v2", "my-api-v2"],
  ["Étoile!", "etoile"],
  ["-".repeat(5) + "a".repeat(80), "a".repeat(63)],
];

for (const [defaultName, name] of NAMES) {
  test(`readProject() names a function ${name} when its default name is ${defaultName}`, async () => {
    await using folder = await createProjectFolder({ "index.ts": "" });
    const { project } = await readProject(folder.dir, defaultName === undefined ? {} : { defaultName });
    expect(project.spec.name).toBe(name);
  });
}

test("readProject() refuses a default name of which nothing is left", async () => {
  await using folder = await createProjectFolder({ "index.ts": "" });
  const said = await readDiagnostics(folder.dir, { defaultName: "…" });
  expect(said.map(toLine)).toEqual(["1:1 error the folder's name holds no letter or digit [write a name]"]);
});

const TOP = `${DATED}
name = "shop"
minify = true
route = "example.com/*"
assets = { directory = "public", html_handling = "none" }
vars = { A = 1 }
r2_buckets = [{ binding = "KV" }]
logpush = true
limits = { cpu_ms = 10, subrequests = 5 }
[nebula]
outbound = ["a.com"]
limits = { wall_ms = 500, start_ms = 700 }
scaling = { max_instances = 9 }
`;

test("readProject() inherits by wrangler's rules, and under [nebula] key by key", async () => {
  await using folder = await createProjectFolder({
    "index.ts": "",
    "public/": "",
    "wrangler.toml": `${TOP}[env.staging]
main = "index.ts"
logpush = false
routes = ["staging.example.com/*"]
limits = { cpu_ms = 20 }
[env.staging.nebula]
limits = { wall_ms = 600 }
`,
  });
  const { project } = await readProject(folder.dir, { env: "staging" });
  const { name, routes, bindings, limits, scaling, outbound, assets } = project.spec;
  expect(name).toBe("shop-staging");
  expect(project.build.minify).toBe(true);
  expect(routes).toEqual(["staging.example.com/*"]);
  expect(bindings).toEqual([]);
  expect(assets?.htmlHandling).toBe("none");
  expect(limits).toMatchObject({ cpuMs: 20, subrequests: DEFAULT_LIMITS.subrequests, wallMs: 600, startMs: 700 });
  expect(scaling.maxInstances).toBe(9);
  expect(outbound).toEqual(["a.com"]);
});

test("readProject() of an environment leaves out what it does not inherit, refused bindings too", async () => {
  await using folder = await createProjectFolder({
    "index.ts": "",
    "public/": "",
    "wrangler.toml": `${TOP}[env.staging]\nname = "stage"\nmain = "index.ts"\nlogpush = false`,
  });
  expect((await readDiagnostics(folder.dir)).map(toLine)).toContain(
    '8:1 error "r2_buckets" is refused: Nebula has no R2 buckets yet',
  );
  const { project, warnings } = await readProject(folder.dir, { env: "staging" });
  expect(project.spec.name).toBe("stage");
  expect(warnings.map(toLine)).toEqual([
    '7:1 warning "vars" is not inherited by "env.staging" [repeat it under "env.staging"]',
    '8:1 warning "r2_buckets" is not inherited by "env.staging"',
  ]);
});

test("readProject() does not look into environments that were not chosen", async () => {
  await using folder = await createProjectFolder({
    "index.ts": "",
    "wrangler.toml": `${DATED}[env.staging]\nname = 1\n[env.staging.ai]\nbinding = "AI"`,
  });
  expect((await readProject(folder.dir)).warnings).toEqual([]);
});

test("readProject() passes over values that ask for nothing", async () => {
  await using folder = await createProjectFolder({
    "index.ts": "",
    "wrangler.toml": `${DATED}route = ""
find_additional_modules = false
legacy_env = true
kv_namespaces = []
queues = { producers = [], consumers = [] }
triggers = { crons = [] }
logpush = false
assets = { directory = "public", base_path = "/" }
`,
    "public/": "",
  });
  const { project, warnings } = await readProject(folder.dir);
  expect(warnings).toEqual([]);
  expect(project.spec.routes).toEqual([]);
});

const UNREADABLE: readonly (readonly [string, (path: string) => Promise<unknown> | unknown, string])[] = [
  ["a folder", (path) => mkdir(path), "it is a folder"],
  ["a link in a circle", (path) => symlink(path, path), "its links lead in a circle"],
  ["a link to nothing", (path) => symlink("nothing", path), "there is no such file or folder"],
  ["a pipe", (path) => spawnSync("mkfifo", [path]), "it is not a file"],
  ["a device", (path) => symlink("/dev/zero", path), "it is not a file"],
];

for (const [what, make, message] of UNREADABLE) {
  test(`readProject() refuses ${what} for a configuration file`, async () => {
    await using folder = await createProjectFolder({ "index.ts": "" });
    const path = join(folder.dir, "wrangler.toml");
    await make(path);
    expect((await readDiagnostics(folder.dir)).map(toLine)).toEqual([`1:1 error ${message}`]);
  });
}

test("readProject() refuses a file above 1 MiB and bytes that are not UTF-8", async () => {
  await using large = await createProjectFolder({ "wrangler.toml": "#".repeat(1_048_577) });
  expect((await readDiagnostics(large.dir)).map(toLine)).toEqual(["1:1 error it is larger than 1 MiB"]);
  await using full = await createProjectFolder({ "index.ts": "", "wrangler.toml": DATED.padEnd(1_048_576, "#") });
  expect((await readProject(full.dir)).warnings).toEqual([]);
  await using binary = await createProjectFolder({ "wrangler.toml": new Uint8Array([0x61, 0xff, 0xfe]) });
  expect((await readDiagnostics(binary.dir)).map(toLine)).toEqual(["1:1 error it is not valid UTF-8"]);
});

test("readProject() refuses folders and files that are not there, and names it cannot parse", async () => {
  await using folder = await createProjectFolder({ "index.ts": "", "wrangler.yaml": "" });
  await rm(join(folder.dir, "index.ts"));
  const cases = [
    readProject(join(folder.dir, "nowhere")),
    readProject(folder.dir, { configFile: "nothing.toml" }),
    readProject(folder.dir, { configFile: "wrangler.yaml" }),
  ];
  const messages = (await Promise.allSettled(cases)).map(
    (result) => result.status === "rejected" && result.reason.message,
  );
  expect(messages).toEqual([
    'Cannot read "nowhere": there is no such file or folder',
    'Cannot read "nothing.toml": line 1, there is no such file or folder',
    'Cannot read "wrangler.yaml": line 1, its name must end in .toml, .json or .jsonc',
  ]);
});

test("readProject() fails once, with errors and warnings in the order of the file", async () => {
  await using folder = await createProjectFolder({
    "index.ts": "",
    "wrangler.toml": "minify = 1\nquux = 2\nname = 3\n",
  });
  await expect(readProject(folder.dir)).rejects.toMatchObject({
    code: "NEBULA_CONFIG_INVALID",
    message: 'Cannot read "wrangler.toml": line 1, "minify" must be true or false, is 1 (and 1 more)',
    details: { errors: 2, warnings: 2 },
    diagnostics: [
      { line: 1, column: 1, severity: "warning" },
      { line: 1, column: 10, severity: "error" },
      { line: 2, column: 1, severity: "warning" },
      { line: 3, column: 8, severity: "error" },
    ],
  });
});

test("explainReadFailure() tells permissions apart from what is no failure of a path", () => {
  expect(explainReadFailure(Object.assign(new Error("x"), { code: "EACCES" }))).toBe("permission is denied");
  expect(explainReadFailure(Object.assign(new Error("x"), { code: "EIO" }))).toBe("the system says EIO");
  expect(explainReadFailure(new TypeError("x"))).toBeUndefined();
});
