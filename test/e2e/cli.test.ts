/**
 * The command line as its user has it: real processes, real ports, real signals.
 */

import { once } from "node:events";
import { readdir, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type CliProcess,
  createTempProject,
  familyOf,
  killCli,
  runProcess,
  startCli,
  type TempProject,
  until,
  untilGone,
} from "./cli-process.ts";

const say = (text: string) => `export default { fetch: () => new Response(${JSON.stringify(text)}) };\n`;
const FILES = {
  "wrangler.toml": 'name = "shop"\nmain = "index.ts"\ncompatibility_date = "2026-11-01"\n',
  "index.ts": say("shop"),
  "functions/hello/index.ts": say("hello"),
  "functions/broken/index.ts": "export default { fetch( };\n",
  "functions/wrong/wrangler.toml": 'main = "gone.ts"\n',
};

let project: TempProject;
const started: CliProcess[] = [];

beforeEach(async () => {
  project = await createTempProject(FILES);
});

afterEach(async () => {
  for (const cli of started.splice(0)) {
    await killCli(cli);
  }
  await project.remove();
});

function start(...argv: string[]): CliProcess {
  const cli = startCli(argv, { cwd: project.dir });
  started.push(cli);
  return cli;
}

const nebula = (...argv: string[]) => runProcess(argv, { cwd: project.dir, stdin: "from stdin" });

async function get(url: string): Promise<string> {
  return await (await fetch(url)).text();
}

/** How long until the URL answers so. */
async function untilSays(url: string, text: string): Promise<number> {
  const startMs = performance.now();
  let last = "";
  await until(
    async () => {
      last = await get(url);
      return last === text;
    },
    () => `${url} says ${last}, not ${text}`,
    5_000,
  );
  return performance.now() - startMs;
}

async function untilStatus(url: string, status: number): Promise<void> {
  await until(
    async () => (await fetch(url)).status === status,
    () => `${url} does not answer with ${status}`,
    5_000,
  );
}

describe("nebula serve", () => {
  test("serves what is right, tells what is wrong, and leaves nothing behind at SIGINT", async () => {
    const cli = start("serve");
    const { dataUrl, controlUrl } = await cli.ready();

    expect(cli.out.stdout).toMatch(/^function +state +engine +url +routes\n/);
    expect(cli.out.stdout).toMatch(/\nhello +active +isolate +http:\/\/hello\.localhost:\d+\/ +-\n/);
    expect(cli.out.stdout).toMatch(/\nshop +active +isolate +http:\/\/shop\.localhost:\d+\/ +\*\/\*\n/);
    expect(cli.out.stdout).toMatch(/\nbroken +failed +- +- +-\n/);
    expect(cli.out.stdout).toMatch(/\nwrong +failed +- +- +-\n/);
    expect(cli.out.stdout).toMatch(/\nready data=http:\/\/127\.0\.0\.1:\d+ control=http:\/\/127\.0\.0\.1:\d+\n$/);
    // The two streams are two pipes: what was said first on one may come last.
    const said = ["NEBULA_BUILD_FAILED", "NEBULA_CONFIG_INVALID", "hello  validate"];
    await until(
      () => said.every((text) => cli.out.stderr.includes(text)),
      () => cli.out.stderr,
    );
    expect(cli.out.stderr).toMatch(/^hello {2}validate ✓ .* {2}bundle ✓ .* {2}prepare ✓ .* {2}active d_\w+$/m);
    expect(cli.out.stderr).toContain("error NEBULA_BUILD_FAILED");
    expect(cli.out.stderr).toMatch(/functions\/broken\/index\.ts:1:\d+ {2}error/);
    expect(cli.out.stderr).toContain("error NEBULA_CONFIG_INVALID");

    expect(await get(`${dataUrl}/anything`)).toBe("shop");
    expect(await get(`${dataUrl}/fn/hello/`)).toBe("hello");

    expect(await nebula("invoke", "hello")).toMatchObject({ code: 0, stdout: "hello" });
    expect((await nebula("invoke", "hello")).stderr).toMatch(
      /^200 · route .* ms · queue .* · start .*\(warm\) · run .* ms$/m,
    );
    expect(await nebula("invoke", "nobody")).toMatchObject({ code: 2, stdout: "" });
    const list = JSON.parse((await nebula("list", "--json")).stdout);
    expect(list.functions.map(({ name }: { name: string }) => name)).toEqual(["hello", "shop"]);
    expect((await nebula("list", "--limits")).stdout).toMatch(/nebula\.limits\.wall_ms +60 s +default/);

    const family = familyOf(cli.pid);
    expect(family.length).toBeGreaterThan(1);
    cli.child.kill("SIGINT");
    expect(await cli.exit).toEqual({ code: 0, signal: null });
    await untilGone(family, 2_000);
    await expect(fetch(dataUrl)).rejects.toThrow();
    await expect(fetch(controlUrl)).rejects.toThrow();
    // TMPDIR was the project's folder: what is not the project and not the state is a temporary file.
    expect((await readdir(project.dir)).sort()).toEqual([".nebula", "functions", "index.ts", "wrangler.toml"]);
    expect(await nebula("list")).toMatchObject({ code: 70, stdout: "" });
  });

  test("keeps what was deployed when its folder has gone, and with --no-deploy builds nothing", async () => {
    const first = start("serve");
    await first.ready();
    first.child.kill("SIGTERM");
    expect(await first.exit).toEqual({ code: 0, signal: null });

    await rm(`${project.dir}/functions/hello`, { recursive: true });
    await project.write("index.ts", "export default {");
    const second = start("serve");
    const { dataUrl } = await second.ready();
    expect(second.out.stdout).toMatch(/\nhello +from before +isolate /);
    expect(second.out.stdout).toMatch(/\nshop +failed, an older one serves +isolate /);
    expect(await get(`${dataUrl}/fn/hello/`)).toBe("hello");
    expect(await get(dataUrl)).toBe("shop");
    second.child.kill("SIGHUP");
    expect(await second.exit).toEqual({ code: 0, signal: null });

    const third = start("serve", "--no-deploy");
    await third.ready();
    expect(third.out.stderr).not.toContain("validate");
    expect(third.out.stdout).toMatch(/\nshop +from before +isolate /);
  });

  test("answers what is in flight before it ends", async () => {
    await project.write(
      "functions/slow/index.ts",
      `export default { fetch: () => new Response(new ReadableStream({ async start(controller) {
        controller.enqueue(new TextEncoder().encode("first "));
        await new Promise((resolve) => setTimeout(resolve, 400));
        controller.enqueue(new TextEncoder().encode("last"));
        controller.close();
      } })) };`,
    );
    const cli = start("serve");
    const { dataUrl } = await cli.ready();
    const response = await fetch(`${dataUrl}/fn/slow/`);
    cli.child.kill("SIGINT");
    await until(
      () => cli.out.stderr.includes("draining"),
      () => cli.out.stderr,
    );
    expect(await response.text()).toBe("first last");
    expect(await cli.exit).toEqual({ code: 0, signal: null });
  });

  test("ends at once when somebody insists", async () => {
    await project.write(
      "functions/endless/index.ts",
      `export default { fetch: () => new Response(new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode("begun")),
        pull: () => new Promise(() => {}),
      })) };`,
    );
    const cli = start("serve");
    const { dataUrl } = await cli.ready();
    const response = await fetch(`${dataUrl}/fn/endless/`);
    const family = familyOf(cli.pid);
    const isOver = () => cli.child.exitCode !== null || !cli.child.kill("SIGINT");
    await until(isOver, () => cli.out.stderr, 5_000);
    expect(await cli.exit).toEqual({ code: 130, signal: null });
    await untilGone(family, 2_000);
    await expect(response.text()).rejects.toThrow();
  });

  test("prints one object with --json", async () => {
    const cli = start("serve", "--json");
    await until(
      () => cli.out.stdout.endsWith("\n"),
      () => cli.out.stderr,
    );
    const { ready, dataUrl, functions } = JSON.parse(cli.out.stdout);
    expect(ready).toBe(true);
    expect(functions).toMatchObject([
      { name: "hello", state: "active" },
      { name: "shop", state: "active", routes: ["*/*"] },
      { name: "broken", state: "failed", code: "NEBULA_BUILD_FAILED" },
      { name: "wrong", state: "failed", code: "NEBULA_CONFIG_INVALID" },
    ]);
    expect(await get(dataUrl)).toBe("shop");
  });

  test("ends with 130 when it is interrupted before it is ready", async () => {
    await project.write("wrangler.toml", `${FILES["wrangler.toml"]}[build]\ncommand = "echo begun && sleep 60"\n`);
    const cli = start("serve");
    await until(
      () => cli.out.stderr.includes("shop │ begun"),
      () => cli.out.stderr,
    );
    const family = familyOf(cli.pid);
    cli.child.kill("SIGINT");
    expect(await cli.exit).toEqual({ code: 130, signal: null });
    await untilGone(family, 2_000);
  });

  test("says which port is taken and exits with 70", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const ran = await nebula("serve", "--port", String(port));
    other.close();
    expect(ran).toMatchObject({ code: 70, stdout: "" });
    expect(ran.stderr).toContain("error NEBULA_LISTEN_FAILED");
    expect(ran.stderr).toContain(String(port));
  });

  test("refuses the state of a node that runs", async () => {
    await start("serve").ready();
    const ran = await nebula("serve");
    expect(ran).toMatchObject({ code: 70, stdout: "" });
    expect(ran.stderr).toContain("error NEBULA_STATE_FAILED");
  });
});

describe("nebula dev", () => {
  test("serves what changes, and the old version while there is a mistake", async () => {
    const cli = start("dev");
    const { dataUrl } = await cli.ready();
    const hello = `${dataUrl}/fn/hello/`;
    expect(await get(hello)).toBe("hello");

    await project.write("functions/hello/index.ts", say("changed"));
    const tookMs = await untilSays(hello, "changed");
    expect(tookMs).toBeLessThan(5_000);
    await until(
      () => /^reloaded hello in [\d.]+ ms$/m.test(cli.out.stderr),
      () => cli.out.stderr,
    );

    await project.write("functions/hello/index.ts", "export default { fetch( };\n");
    await until(
      () => cli.out.stderr.includes("kept hello as it was"),
      () => cli.out.stderr,
    );
    expect(cli.out.stderr).toMatch(
      /functions\/hello\/index\.ts:1:\d+ {2}error .*\n +1 │ export default \{ fetch\( \};\n/,
    );
    expect(await get(hello)).toBe("changed");

    await project.write(
      "functions/hello/index.ts",
      'import { text } from "./text.ts";\nexport default { fetch: () => new Response(text) };\n',
    );
    await project.write("functions/hello/text.ts", 'export const text = "mended";\n');
    await untilSays(hello, "mended");
    await project.write("functions/hello/text.ts", 'export const text = "through an import";\n');
    await untilSays(hello, "through an import");

    await project.write("functions/broken/index.ts", say("mended too"));
    await untilSays(`${dataUrl}/fn/broken/`, "mended too");
    await project.write("functions/wrong/gone.ts", say("found"));
    await untilSays(`${dataUrl}/fn/wrong/`, "found");
  });

  test("follows configuration, and folders that come and go", async () => {
    const cli = start("dev");
    const { dataUrl } = await cli.ready();

    await project.write("wrangler.toml", `${FILES["wrangler.toml"]}[vars]\nWORD = "first"\n`);
    await project.write("index.ts", "export default { fetch: (_, env) => new Response(env.WORD) };\n");
    await untilSays(dataUrl, "first");
    await project.write("wrangler.toml", `${FILES["wrangler.toml"]}[vars]\nWORD = "second"\n`);
    await untilSays(dataUrl, "second");

    await project.write("functions/new/index.ts", say("new"));
    await untilSays(`${dataUrl}/fn/new/`, "new");
    await project.write(
      "functions/new/wrangler.toml",
      'name = "other"\nmain = "index.ts"\ncompatibility_date = "2026-11-01"\n',
    );
    await untilSays(`${dataUrl}/fn/other/`, "new");
    await untilStatus(`${dataUrl}/fn/new/`, 404);
    await rm(`${project.dir}/functions/new`, { recursive: true });
    await untilStatus(`${dataUrl}/fn/other/`, 404);
    await until(
      () => cli.out.stderr.includes("removed other"),
      () => cli.out.stderr,
    );
  });

  test("has a state of its own, and commands find it", async () => {
    const serve = start("serve");
    await serve.ready();
    const dev = start("dev");
    await dev.ready();
    expect((await nebula("invoke", "hello")).stdout).toBe("hello");
    serve.child.kill("SIGINT");
    await serve.exit;
    await project.write("functions/hello/index.ts", say("dev alone"));
    await until(
      async () => (await nebula("invoke", "hello")).stdout === "dev alone",
      () => dev.out.stderr,
    );
  });

  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("ends at %s with nothing left", async (signal) => {
    const cli = start("dev");
    await cli.ready();
    const family = familyOf(cli.pid);
    cli.child.kill(signal);
    expect(await cli.exit).toEqual({ code: 0, signal: null });
    await untilGone(family, 2_000);
  });

  test("leaves no process when it is killed", async () => {
    const cli = start("dev");
    const { dataUrl } = await cli.ready();
    expect(await get(`${dataUrl}/fn/hello/`)).toBe("hello");
    const family = familyOf(cli.pid);
    expect(family.length).toBeGreaterThan(2);
    cli.child.kill("SIGKILL");
    await untilGone(family, 2_000);
  });
});
