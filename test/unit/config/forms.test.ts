import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readProject } from "../../../src/config/read-project.ts";
import { createProjectFolder, readDiagnostics, toLine } from "./project-folder.ts";

type Files = Readonly<Record<string, string>>;

const DATED = 'compatibility_date = "2026-11-01"\n';
const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;
const DOCKERFILE = { Dockerfile: "FROM scratch" };
const CODE = { "index.ts": "", "x.wasm": "", ...DOCKERFILE };

async function readFolder(files: Files) {
  await using folder = await createProjectFolder(files);
  const { project, warnings } = await readProject(folder.dir);
  return { project, spec: project.spec, warnings: warnings.map(toLine), dir: folder.dir };
}

const readToml = (toml: string, files: Files = CODE) => readFolder({ ...files, "wrangler.toml": DATED + toml });

/** What is said of a configuration; its first line is the second of the file. */
async function listProblems(toml: string, files: Files = CODE) {
  await using folder = await createProjectFolder({ ...files, "wrangler.toml": DATED + toml });
  return (await readDiagnostics(folder.dir)).map(toLine);
}

describe("the engines of a folder that names none", () => {
  test("are the container's where there is a Dockerfile and nothing else", async () => {
    const { project, warnings, dir } = await readFolder(DOCKERFILE);
    expect(warnings).toEqual([]);
    expect(project.spec.engines).toEqual(["container"]);
    expect(project.image).toEqual({ dockerfile: join(dir, "Dockerfile") });
    expect(project).not.toHaveProperty("main");
    expect(project.spec).not.toHaveProperty("container");
    expect(project.spec).not.toHaveProperty("chain");
  });

  test("are the container's with a configuration that names no entry, and need no compatibility date", async () => {
    const { spec, warnings } = await readFolder({ ...DOCKERFILE, "wrangler.toml": 'name = "a"' });
    expect(warnings).toEqual([]);
    expect(spec.engines).toEqual(["container"]);
  });

  test("are the entry's where there is one, whatever Dockerfile stands beside it", async () => {
    for (const [file, engine] of [
      ["index.ts", "isolate"],
      ["main.wasm", "wasi"],
    ] as const) {
      const { project } = await readFolder({ ...DOCKERFILE, [file]: "" });
      expect(project.spec.engines).toEqual([engine]);
      expect(project).not.toHaveProperty("image");
    }
  });

  test("are nobody's for static files, whatever Dockerfile stands beside them", async () => {
    const { project } = await readToml('assets = { directory = "public" }', { ...DOCKERFILE, "public/a.txt": "" });
    expect(project).not.toHaveProperty("image");
    expect(project.spec.engines).toEqual(["isolate"]);
  });

  test("are that of the one form that is named", async () => {
    expect((await readToml('nebula.forms = { wasi = "x.wasm" }')).spec.engines).toEqual(["wasi"]);
    const { project, dir } = await readToml('nebula.forms = { container = "docker/Dockerfile" }', {
      "docker/Dockerfile": "",
    });
    expect(project.spec.engines).toEqual(["container"]);
    expect(project.image).toEqual({ dockerfile: join(dir, "docker/Dockerfile") });
  });

  test("are the container's where an image is named", async () => {
    const { project } = await readToml(`nebula.container.image = "ghcr.io:443/a/b:v1@${DIGEST}"`, {});
    expect(project.spec.engines).toEqual(["container"]);
    expect(project.image).toEqual({ reference: `ghcr.io:443/a/b:v1@${DIGEST}` });
  });

  test.each([
    ["several forms", 'nebula.forms = { wasi = "x.wasm", isolate = "index.ts" }', "2:8", '["isolate", "wasi"]'],
    ["a form beside main", 'main = "index.ts"\nnebula.forms = { container = "Dockerfile" }', "3:8", '["container"]'],
  ])("have to be named for %s", async (_name, toml, at, engines) => {
    expect(await listProblems(toml)).toContain(
      `${at} error "nebula.forms" stands without "engines", which says what their order is [write engines = ${engines} under [nebula], in the order wanted]`,
    );
  });
});

describe("forms of several engines", () => {
  test("share the entry, and the Dockerfile needs no name", async () => {
    const { project, warnings, dir } = await readToml('nebula.engines = ["isolate", "wasi", "container"]');
    expect(warnings).toEqual([]);
    expect(project).toMatchObject({
      main: join(dir, "index.ts"),
      image: { dockerfile: join(dir, "Dockerfile") },
      spec: { engines: ["isolate", "wasi", "container"] },
    });
    expect(project).not.toHaveProperty("entries");
  });

  test("may be made of files of their own", async () => {
    const toml = '[nebula]\nengines = ["isolate", "wasi"]\nforms = { wasi = "x.wasm" }';
    const { project, warnings, dir } = await readToml(toml);
    expect(warnings).toEqual([]);
    expect(project).toMatchObject({ main: join(dir, "index.ts"), entries: { wasi: join(dir, "x.wasm") } });
  });

  test("need no main when each has its file", async () => {
    const toml = '[nebula]\nengines = ["isolate", "wasi"]\nforms = { wasi = "x.wasm", isolate = "b.js" }';
    const { project, dir } = await readToml(toml, { ...CODE, "b.js": "" });
    expect(project).not.toHaveProperty("main");
    expect(project.entries).toEqual({ wasi: join(dir, "x.wasm"), isolate: join(dir, "b.js") });
  });

  test("may be made by the build command", async () => {
    const toml = 'build.command = "make"\nmain = "o.js"\nnebula.engines = ["isolate", "container"]';
    const { project, dir } = await readToml(toml, {});
    expect(project.image).toEqual({ dockerfile: join(dir, "Dockerfile") });
  });

  test.each([
    [
      "container without a Dockerfile",
      'main = "index.ts"\nnebula.engines = ["isolate", "container"]',
      { "index.ts": "" },
      [
        '3:30 error "nebula.engines[1]" is "container", which has no form: there is no Dockerfile [write a Dockerfile, or image = "name@sha256:…" under [nebula.container]]',
      ],
    ],
    [
      "wasi without an entry",
      'nebula.engines = ["wasi", "container"]',
      DOCKERFILE,
      [
        '2:19 error "nebula.engines[0]" is "wasi", which has no form: there is no entry file [write main = "main.wasm", or forms = { wasi = "main.wasm" } under [nebula]]',
      ],
    ],
    [
      "isolate with a Wasm program for all",
      'main = "x.wasm"\nnebula.engines = ["isolate", "wasi"]',
      CODE,
      ['3:19 error "nebula.engines[0]" is "isolate", which runs JavaScript: "main" is a .wasm file [write "wasi"]'],
    ],
    [
      "isolate with a Wasm program of its own",
      '[nebula]\nengines = ["isolate"]\nforms = { isolate = "x.wasm" }',
      CODE,
      ['4:21 error "nebula.forms.isolate" is "x.wasm": this engine runs JavaScript [write it as the form of "wasi"]'],
    ],
    [
      "a file that is not there",
      '[nebula]\nengines = ["wasi"]\nforms = { wasi = "gone.wasm" }',
      CODE,
      ['4:18 error "nebula.forms.wasi" is "gone.wasm": there is no such file'],
    ],
    [
      "a folder as Dockerfile",
      '[nebula]\nengines = ["container"]\nforms = { container = "d" }',
      { "d/Dockerfile": "" },
      ['4:23 error "nebula.forms.container" is "d": it is a folder, not a file'],
    ],
    [
      "an image beside a Dockerfile that is named",
      `[nebula]\nengines = ["container"]\nforms = { container = "Dockerfile" }\ncontainer = { image = "a@${DIGEST}" }`,
      CODE,
      [
        '4:23 error "nebula.forms.container" stands beside "nebula.container.image": an image is either built or pulled',
      ],
    ],
    [
      "a form of an engine that there is not",
      '[nebula]\nengines = ["isolate"]\nforms = { deno = "index.ts" }',
      CODE,
      ['4:11 error "nebula.forms.deno" is not a known key'],
    ],
    [
      "something else than a path",
      '[nebula]\nengines = ["isolate"]\nforms = { isolate = 1 }',
      CODE,
      ['4:21 error "nebula.forms.isolate" must be a string, is 1'],
    ],
  ] as const)("are refused for %s", async (_name, toml, files, problems) => {
    expect(await listProblems(toml, files)).toEqual(problems);
  });

  test.each([
    [
      "a form without its engine",
      '[nebula]\nengines = ["isolate"]\nforms = { wasi = "x.wasm" }',
      ['4:11 warning "nebula.forms.wasi" has no effect: no engine is "wasi" [write engines = ["wasi"] under [nebula]]'],
    ],
    [
      "a main that nothing is made of",
      'main = "index.ts"\nnebula.engines = ["container"]',
      ['2:1 warning "main" has no effect: no form is made of it'],
    ],
    [
      "an image beside a Dockerfile",
      `[nebula]\nengines = ["container"]\ncontainer = { image = "a@${DIGEST}" }`,
      ['4:23 warning "nebula.container.image" is pulled, and the Dockerfile of the folder is not built'],
    ],
  ])("come with a warning for %s", async (_name, toml, problems) => {
    expect(await listProblems(toml)).toEqual(problems);
  });
});

describe("the way from one engine to the next", () => {
  test("is read where anything is said of it", async () => {
    const engines = '[nebula]\nengines = ["container", "isolate"]\nallow_weaker = ["isolate"]\n';
    const plain = await readToml(engines);
    expect(plain.warnings).toEqual([]);
    expect(plain.spec.chain).toEqual({ strategy: "ordered", isIdempotent: false, weaker: ["isolate"] });
    const { spec } = await readToml(`${engines}strategy = "cold-race"\nidempotent = true`);
    expect(spec.chain).toEqual({ strategy: "cold-race", isIdempotent: true, weaker: ["isolate"] });
    expect((await readToml('nebula.engines = ["isolate", "container"]')).spec).not.toHaveProperty("chain");
  });

  test.each([
    [
      "an unknown strategy",
      'engines = ["isolate", "container"]\nstrategy = "fast"',
      ['4:12 error "nebula.strategy" must be one of "ordered", "cold-race", "fastest", is "fast"'],
    ],
    [
      "a word for true",
      'engines = ["isolate", "container"]\nidempotent = "true"',
      ['4:14 error "nebula.idempotent" must be true or false, is "true" [leave the quotes out]'],
    ],
    [
      "an unknown engine",
      'engines = ["isolate", "container"]\nallow_weaker = ["wasm"]',
      [
        '4:17 error "nebula.allow_weaker[0]" must be one of "isolate", "wasi", "container", is "wasm" [did you mean "wasi"?]',
      ],
    ],
    [
      "one engine twice",
      'engines = ["container", "container"]',
      ['3:25 error "nebula.engines[1]" names "container" for a second time'],
    ],
  ])("is refused for %s", async (_name, toml, problems) => {
    expect(await listProblems(`[nebula]\n${toml}`)).toEqual(problems);
  });

  test("warns of one that is weaker and has not been allowed", async () => {
    expect(await listProblems('nebula.engines = ["wasi", "isolate", "container"]')).toEqual([
      '2:27 warning "nebula.engines[1]" names "isolate", which isolates less than what comes before it: it never takes over [write allow_weaker = ["isolate"] under [nebula], or take it out]',
    ]);
  });

  test("warns of what is allowed in vain", async () => {
    expect(
      await listProblems('[nebula]\nengines = ["isolate", "wasi"]\nallow_weaker = ["isolate", "container"]'),
    ).toEqual([
      '4:17 warning "nebula.allow_weaker[0]" has no effect: it names "isolate", which isolates no less than what comes before it',
      '4:28 warning "nebula.allow_weaker[1]" has no effect: it names "container", which is not among the engines',
    ]);
  });

  test.each(['strategy = "fastest"', "idempotent = true", 'allow_weaker = ["isolate"]'])(
    "warns of %s with one engine",
    async (line) => {
      const key = line.split(" ")[0];
      expect(await listProblems(`[nebula]\n${line}`)).toEqual([
        `3:1 warning "nebula.${key}" has no effect: there is one engine alone [write engines = ["wasi", "container"] under [nebula]]`,
      ]);
    },
  );
});
