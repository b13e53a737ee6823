/**
 * A folder with a Dockerfile is a function: from the command line to its answer over HTTP. Needs Docker and a C compiler;
 * what is about functions that go without a form needs neither.
 */

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type CliProcess,
  createTempProject,
  familyOf,
  runProcess,
  startCli,
  type TempProject,
  until,
  untilGone,
} from "./cli-process.ts";

const run = promisify(execFile);

/** Answers every request with its first line. */
const SERVER = `
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
int main(void) {
  int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(8080), .sin_addr = {INADDR_ANY}};
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 64)) return 1;
  for (;;) {
    static char request[65536], answer[66000];
    int peer = accept(listener, 0, 0), got = 0, now;
    do got += now = read(peer, request + got, sizeof request - 1 - got);
    while (now > 0 && (request[got] = 0, !strstr(request, "\\r\\n\\r\\n")));
    if (got > 0) {
      request[strcspn(request, "\\r")] = 0;
      write(peer, answer, sprintf(answer, "HTTP/1.1 200 OK\\r\\nconnection: close\\r\\n\\r\\n%s%s", WORD, request));
    }
    close(peer);
  }
}
`;

const DOCKERFILE = 'FROM scratch\nCOPY server /server\nEXPOSE 8080\nUSER 1000\nENTRYPOINT ["/server"]\n';
/** Nobody else's images have it as their label. */
const NAME = `echo-${process.pid}`;
const HELLO = 'export default { fetch: () => new Response("hello") };\n';

let project: TempProject;
const started: CliProcess[] = [];

beforeEach(async () => {
  project = await createTempProject({});
});

afterEach(async () => {
  for (const cli of started.splice(0)) {
    const family = familyOf(cli.pid);
    // The node takes its containers with it.
    cli.child.kill("SIGTERM");
    await cli.exit;
    await untilGone(family);
  }
  if (missing === undefined) await removeImages();
  await project.remove();
});

function start(...argv: string[]): CliProcess {
  const cli = startCli(argv, { cwd: project.dir });
  started.push(cli);
  return cli;
}

const nebula = (...argv: string[]) => runProcess(argv, { cwd: project.dir });

async function get(url: string): Promise<string> {
  return await (await fetch(url)).text();
}

/** A server that says this word before it repeats the request's first line. */
async function compile(path: string, word: string): Promise<void> {
  await project.write("server.c", SERVER);
  await run("gcc", ["-static", "-O1", `-DWORD="${word} "`, "-o", path, "server.c"], { cwd: project.dir });
}

async function findMissing(): Promise<string | undefined> {
  const isThere = async (file: string, args: readonly string[]) => await run(file, args).then(Boolean, () => false);
  if (!(await isThere("docker", ["version"]))) return "Docker";
  return (await isThere("gcc", ["--version"])) ? undefined : "gcc";
}

/** A node keeps its images for its next start, and so does a builder: these have none. */
async function removeImages(): Promise<void> {
  const filter = ["--quiet", "--filter", `label=nebula.function=${NAME}`];
  const { stdout } = await run("docker", ["images", ...filter]);
  const ids = new Set(stdout.split("\n").filter((id) => id !== ""));
  if (ids.size > 0) await run("docker", ["rmi", "--force", ...ids]);
}

const missing = await findMissing();
if (missing !== undefined) {
  if (process.env.CI) throw new Error(`${missing} is missing: the tests of containers cannot run`);
  console.warn(`SKIPPED: the tests of containers, since there is no ${missing}`);
}

describe.skipIf(missing !== undefined)("a folder with nothing but a Dockerfile", () => {
  test("is built, deployed and answers over HTTP", async () => {
    await project.write(`functions/${NAME}/Dockerfile`, DOCKERFILE);
    await compile(`functions/${NAME}/server`, "you asked");
    const cli = start("serve");
    const { dataUrl } = await cli.ready();
    expect(cli.out.stdout).toContain(`\n${NAME}  active  container  `);
    expect(await get(`${dataUrl}/fn/${NAME}/a/b?c=d`)).toBe("you asked GET /a/b?c=d HTTP/1.1");
    const listed = JSON.parse((await nebula("list", "--json")).stdout);
    expect(listed).toMatchObject({ functions: [{ name: NAME, engine: "container" }] });
  }, 120_000);

  test("is built once, and shown with its size", async () => {
    await project.write(`${NAME}/Dockerfile`, DOCKERFILE);
    await compile(`${NAME}/server`, "one");
    const first = await nebula("build", NAME, "--out", "out", "--json");
    expect(first.code).toBe(0);
    const { forms, files } = JSON.parse(first.stdout);
    expect(forms).toMatchObject([
      { engine: "container", artifact: { kind: "image", image: expect.stringMatching(/^sha256:/) } },
    ]);
    expect(files).toEqual([`${NAME}.tar`, "manifest.json"]);
    const second = await nebula("build", NAME, "--json");
    expect(JSON.parse(second.stdout)).toMatchObject({
      forms,
      steps: [{ step: "image", note: expect.stringMatching(/iB, unchanged$/) }],
    });
  }, 120_000);

  test("is built and deployed again by nebula dev when something in it changes", async () => {
    await project.write(`functions/${NAME}/Dockerfile`, DOCKERFILE);
    await compile(`functions/${NAME}/server`, "before");
    const cli = start("dev");
    const { dataUrl } = await cli.ready();
    expect(await get(`${dataUrl}/fn/${NAME}/`)).toBe("before GET / HTTP/1.1");
    await compile(`functions/${NAME}/server`, "after");
    let last = "";
    await until(
      async () => {
        last = await get(`${dataUrl}/fn/${NAME}/`);
        return last.startsWith("after");
      },
      () => `it says ${last}\n${cli.out.stderr}`,
    );
  }, 120_000);

  test("fails in its step, with the end of what Docker printed, when the Dockerfile is broken", async () => {
    await project.write(`${NAME}/Dockerfile`, "FROM scratch\nCOPY gone /gone\n");
    const { code, stderr } = await nebula("build", NAME);
    expect(code).toBe(1);
    expect(stderr).toMatch(/error NEBULA_BUILD_FAILED\nCannot build "Dockerfile": Docker cannot build the image: /);
    expect(stderr).toContain("Step 2/");
    expect(stderr).toContain("in step image");
    await project.write(`${NAME}/Dockerfile`, "FORM scratch\n");
    expect((await nebula("build", NAME)).stderr).toMatch(/unknown instruction: FORM/i);
  }, 120_000);
});

describe("a function with several forms", () => {
  const TWO = (second: string) =>
    `name = "two"\nmain = "index.ts"\ncompatibility_date = "2026-11-01"\n[nebula]\nengines = ["isolate", "${second}"]\n`;

  test("is deployed without a form whose build fails, and says so", async () => {
    await project.write("functions/two/wrangler.toml", `${TWO("wasi")}forms = { wasi = "bad.wasm" }\n`);
    await project.write("functions/two/index.ts", HELLO);
    await project.write("functions/two/bad.wasm", "no program");
    const cli = start("serve", "--json");
    await until(
      () => cli.out.stdout.includes("\n"),
      () => cli.out.stderr,
    );
    const { functions, dataUrl } = JSON.parse(cli.out.stdout);
    expect(functions).toMatchObject([
      {
        name: "two",
        state: "active, without wasi",
        failures: [{ engine: "wasi", code: "NEBULA_BUILD_FAILED", message: expect.stringContaining("bad.wasm") }],
      },
    ]);
    expect(cli.out.stderr).toContain('two  warning  it goes without its form for "wasi", whose build failed\n');
    expect(cli.out.stderr).toContain('Cannot use "bad.wasm": it is not a WebAssembly file');
    expect(await get(`${dataUrl}/fn/two/`)).toBe("hello");
  }, 60_000);

  test("does not need a Docker that is not there", async () => {
    await project.write("functions/two/wrangler.toml", TWO("container"));
    await project.write("functions/two/index.ts", HELLO);
    await project.write("functions/two/Dockerfile", DOCKERFILE);
    const env = { DOCKER_HOST: `unix://${join(project.dir, "no-docker.sock")}` };
    const cli = startCli(["serve"], { cwd: project.dir, env });
    started.push(cli);
    const { dataUrl } = await cli.ready();
    expect(cli.out.stderr).toMatch(/warning {2}it goes without its form for "container", whose build failed\n/);
    expect(cli.out.stderr).toMatch(/Cannot build "Dockerfile": Docker cannot look at the image: it is not there/);
    expect(cli.out.stdout).toMatch(/\ntwo +active, without container +isolate /);
    expect(await get(`${dataUrl}/fn/two/`)).toBe("hello");
  }, 60_000);
});
