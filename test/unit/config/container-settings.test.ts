import { describe, expect, test } from "vitest";
import { readProject } from "../../../src/config/read-project.ts";
import { DEFAULT_CONTAINER } from "../../../src/model/function.ts";
import { createProjectFolder, readDiagnostics, toLine } from "./project-folder.ts";

type Files = Readonly<Record<string, string>>;

const DATED = 'compatibility_date = "2026-11-01"\n';
const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;
const DOCKERFILE = { Dockerfile: "FROM scratch" };
const CODE = { "index.ts": "", "x.wasm": "", ...DOCKERFILE };

async function readToml(toml: string, files: Files = CODE) {
  await using folder = await createProjectFolder({ ...files, "wrangler.toml": DATED + toml });
  const { project, warnings } = await readProject(folder.dir);
  return { spec: project.spec, warnings: warnings.map(toLine) };
}

/** What is said of a configuration; its first line is the second of the file. */
async function listProblems(toml: string, files: Files = CODE) {
  await using folder = await createProjectFolder({ ...files, "wrangler.toml": DATED + toml });
  return (await readDiagnostics(folder.dir)).map(toLine);
}

describe("settings of a container", () => {
  test("are read, with defaults for those that are not there", async () => {
    const { spec, warnings } = await readToml(
      [
        "[nebula.container]",
        "port = 8080",
        'probe = "/ready?deep=1"',
        'args = ["-v", ""]',
        'user = "1000:1000"',
        "cpus = 0.5",
        "pids = 16",
        'tmp = "1 GiB"',
        "stop_after_ms = 0",
        "remove_after_ms = 86400000",
      ].join("\n"),
      DOCKERFILE,
    );
    expect(warnings).toEqual([]);
    expect(spec.container).toEqual({
      interface: "http",
      port: 8080,
      probe: "/ready?deep=1",
      args: ["-v", ""],
      user: "1000:1000",
      cpus: 0.5,
      pids: 16,
      tmpBytes: 2 ** 30,
      stopMs: 0,
      removeMs: 86_400_000,
    });
    const alone = await readToml("nebula.container.user = 1000", DOCKERFILE);
    expect(alone.spec.container).toEqual({ ...DEFAULT_CONTAINER, user: "1000" });
    const pulled = await readToml(`nebula.container.image = "a@${DIGEST}"`, {});
    expect(pulled.spec).not.toHaveProperty("container");
  });

  test("are inherited key by key", async () => {
    const toml = "[nebula.container]\nport = 80\npids = 9\n[env.x.nebula.container]\nport = 81";
    await using folder = await createProjectFolder({ ...DOCKERFILE, "wrangler.toml": toml });
    const { project } = await readProject(folder.dir, { env: "x" });
    expect(project.spec.container).toMatchObject({ port: 81, pids: 9 });
  });

  test("have no effect without its engine, and a warning says so", async () => {
    expect(await listProblems('main = "index.ts"\n[nebula.container]\nport = 80\ncpus = 2')).toEqual([
      '4:1 warning "nebula.container.port" has no effect: no engine is "container" [write engines = ["container"] under [nebula]]',
      '5:1 warning "nebula.container.cpus" has no effect: no engine is "container" [write engines = ["container"] under [nebula]]',
    ]);
  });

  const image = (text: string) => `image = "${text}"`;
  const refused = 'error "nebula.container.image"';
  test.each([
    ["port", "port = 0", '3:8 error "nebula.container.port" must be a whole number from 1 to 65535, is 0'],
    ["probe", 'probe = "ready"', '3:9 error "nebula.container.probe" must be a path like "/ready", is "ready"'],
    [
      "a space in the probe",
      'probe = "/a b"',
      '3:9 error "nebula.container.probe" must be a path like "/ready", is "/a b"',
    ],
    ["args", 'args = "-v"', '3:8 error "nebula.container.args" must be a list, each a string, is "-v" [put it in [ ]]'],
    ["a NUL", 'args = ["a\\u0000b"]', '3:9 error "nebula.container.args[0]" must have no NUL in it'],
    [
      "a long argument",
      `args = ["${"a".repeat(4_097)}"]`,
      '3:9 error "nebula.container.args[0]" must have 4096 characters at most',
    ],
    [
      "many arguments",
      `args = [${'"a",'.repeat(1_001)}]`,
      '3:1 error "nebula.container.args" has more than 1000 texts',
    ],
    [
      "a user by name",
      'user = "app"',
      '3:8 error "nebula.container.user" must be a number that is not 0, or two with a colon between them: "1000:1000", is "app"',
    ],
    [
      "root",
      'user = "0:0"',
      '3:8 error "nebula.container.user" must be a number that is not 0, or two with a colon between them: "1000:1000", is "0:0"',
    ],
    [
      "root's group",
      'user = "1000:0"',
      '3:8 error "nebula.container.user" must be a number that is not 0, or two with a colon between them: "1000:1000", is "1000:0"',
    ],
    [
      "root as a number",
      "user = 0",
      '3:8 error "nebula.container.user" must be a whole number from 1 to 999999999, is 0',
    ],
    ["no processor", "cpus = 0", '3:8 error "nebula.container.cpus" must be a number from 0.01 to 1024, is 0'],
    [
      "processors in quotes",
      'cpus = "0.5"',
      '3:8 error "nebula.container.cpus" must be a number from 0.01 to 1024, is "0.5" [leave the quotes out]',
    ],
    ["pids", "pids = 1.5", '3:8 error "nebula.container.pids" must be a whole number from 1 to 32768, is 1.5'],
    ["tmp", 'tmp = "65 GiB"', '3:7 error "nebula.container.tmp" must be a size from 0 B to 64 GiB, is "65 GiB"'],
    [
      "stop_after_ms",
      "stop_after_ms = -1",
      '3:17 error "nebula.container.stop_after_ms" must be a whole number from 0 to 86400000, is -1',
    ],
    [
      "remove_after_ms",
      "remove_after_ms = 86400001",
      '3:19 error "nebula.container.remove_after_ms" must be a whole number from 0 to 86400000, is 86400001',
    ],
    [
      "an image without a digest",
      image("debian"),
      `3:9 ${refused} has no digest: it must be written as "name@sha256:…" [docker pull debian prints its digest; write image = "debian@sha256:…"]`,
    ],
    [
      "an image with a tag",
      image("localhost:5000/a/b:v1"),
      `3:9 ${refused} has a tag, which may be another image tomorrow: it must be written as "name@sha256:…" [docker pull localhost:5000/a/b:v1 prints its digest; write image = "localhost:5000/a/b@sha256:…"]`,
    ],
    [
      "a short digest",
      image("debian@sha256:abc"),
      `3:9 ${refused} has a digest that is not one: sha256: and 64 digits of 0-9 and a-f`,
    ],
    [
      "another digest",
      image(`debian@md5:${"0".repeat(64)}`),
      `3:9 ${refused} has a digest that is not one: sha256: and 64 digits of 0-9 and a-f`,
    ],
    [
      "a name that is none",
      image(`-v /:/host@${DIGEST}`),
      `3:9 ${refused} is not the name of an image [write it as "ghcr.io/owner/name@sha256:…"]`,
    ],
    ["an image that is no text", "image = 1", '3:9 error "nebula.container.image" must be a string, is 1'],
    [
      "a key that is not known",
      "memory = 1",
      '3:1 error "nebula.container.memory" is not a known key ["memory" stands under [nebula.limits]]',
    ],
  ])("are refused for %s", async (_name, line, problem) => {
    const engines = 'nebula.engines = ["container"]\n';
    await using folder = await createProjectFolder({
      ...(line.startsWith("image") ? {} : DOCKERFILE),
      "wrangler.toml": `${engines}[nebula.container]\n${line}`,
    });
    expect((await readDiagnostics(folder.dir)).map(toLine)).toEqual([problem]);
  });
});

describe("the interface", () => {
  test.each([
    ["stdio", '["wasi", "container"]', "stdio", "stdio"],
    ["cgi", '["wasi", "container"]', "cgi", undefined],
    ["http", '["wasi", "container"]', undefined, "http"],
    ["stdio", '["isolate", "container"]', undefined, "stdio"],
  ])("%s with the engines %s is for whom it is", async (word, engines, wasi, container) => {
    const toml = `[nebula]\nengines = ${engines}\nforms = { wasi = "x.wasm" }\ninterface = "${word}"`;
    const { spec } = await readToml(toml);
    expect([spec.wasi?.interface, spec.container?.interface]).toEqual([wasi, container]);
  });

  test.each([
    [
      "cgi with a container",
      '["container"]',
      "cgi",
      'error "nebula.interface" is "cgi", which is for "wasi" ["container" takes "stdio" or "http"]',
    ],
    [
      "cgi with JavaScript beside a container",
      '["isolate", "container"]',
      "cgi",
      'error "nebula.interface" is "cgi", which is for "wasi" ["container" takes "stdio" or "http"]',
    ],
    [
      "http with a Wasm program",
      '["wasi"]',
      "http",
      'error "nebula.interface" is "http", which is for "container" ["wasi" takes "stdio" or "cgi"]',
    ],
    [
      "stdio with JavaScript",
      '["isolate"]',
      "stdio",
      'warning "nebula.interface" has no effect: no engine is "wasi" or "container" [write engines = ["wasi"] under [nebula]]',
    ],
    [
      "http with JavaScript",
      '["isolate"]',
      "http",
      'warning "nebula.interface" has no effect: no engine is "container" [write engines = ["container"] under [nebula]]',
    ],
  ])("is told of for %s", async (_name, engines, word, problem) => {
    const problems = await listProblems(`[nebula]\nengines = ${engines}\ninterface = "${word}"`);
    expect(problems).toEqual([`4:${problem.startsWith("error") ? 13 : 1} ${problem}`]);
  });

  test("stdio asks nothing over HTTP", async () => {
    const toml = '[nebula]\nengines = ["container"]\ninterface = "stdio"\ncontainer = { port = 80, probe = "/" }';
    expect(await listProblems(toml)).toEqual(
      ['15 warning "nebula.container.port"', '26 warning "nebula.container.probe"'].map(
        (head) => `5:${head} has no effect: with interface = "stdio" nothing is asked over HTTP`,
      ),
    );
  });
});

describe("the network", () => {
  test("is all or nothing for a container", async () => {
    const { spec, warnings } = await readToml('nebula.outbound = ["*"]', DOCKERFILE);
    expect(warnings).toEqual([]);
    expect(spec.outbound).toEqual(["*"]);
    expect(await listProblems('nebula.outbound = ["a.com"]', DOCKERFILE)).toEqual([
      '2:8 warning "nebula.outbound" gives a container nothing: it has all of the network or none, whatever hosts are named [write outbound = ["*"] to give it all]',
    ]);
    expect(await listProblems('nebula.outbound = ["a.com", "*"]', DOCKERFILE)).toEqual([
      '2:8 warning "nebula.outbound" names hosts beside "*", which gives a container all of the network',
    ]);
  });

  test("of a container is not that of the other engines", async () => {
    const engines = '[nebula]\nengines = ["isolate", "container"]\n';
    expect(await listProblems(`${engines}outbound = ["*"]`)).toEqual([
      '4:1 warning "nebula.outbound" gives all of the network to a container, and nothing to "isolate" [name the hosts that they may reach, too]',
    ]);
    expect(await listProblems(`${engines}outbound = ["a.com", "*"]`)).toEqual([]);
  });
});
