/**
 * Secrets as their owner has them: on a node with the command line, and in `.dev.vars` while developing.
 */

import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findLeaks, TELLS_ENV, toSpellings } from "../support/secret-probe.ts";
import {
  type CliProcess,
  createTempProject,
  killCli,
  runProcess,
  startCli,
  type TempProject,
  until,
} from "./cli-process.ts";

const VALUE = "t0p-s3cret-of-the-shop";
const OTHER = "an0ther-secret-of-the-shop";
const CONFIG = 'name = "shop"\nmain = "index.ts"\ncompatibility_date = "2026-11-01"\n';

let project: TempProject;
const started: CliProcess[] = [];
/** Everything that commands have printed. */
let said: string[];

beforeEach(async () => {
  said = [];
  project = await createTempProject({ "wrangler.toml": CONFIG, "index.ts": TELLS_ENV });
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

async function nebula(argv: readonly string[], stdin = "") {
  const ran = await runProcess(argv, { cwd: project.dir, stdin });
  said.push(ran.stdout, ran.stderr);
  return ran;
}

async function untilEnv(url: string, wanted: Record<string, unknown>): Promise<void> {
  let last = "";
  await until(
    async () => {
      last = await (await fetch(url)).text();
      return last === JSON.stringify(wanted);
    },
    () => `env is ${last}, not ${JSON.stringify(wanted)}`,
  );
}

function expectSilence(...clis: readonly CliProcess[]): void {
  const all = [...said, ...clis.flatMap(({ out }) => [out.stdout, out.stderr])].join("\n");
  expect(toSpellings([VALUE, OTHER]).filter((text) => all.includes(text))).toEqual([]);
}

describe("nebula secret", () => {
  test("puts, lists, rotates and deletes, on a node that serves", async () => {
    const cli = start("serve");
    const { dataUrl } = await cli.ready();
    const put = await nebula(["secret", "put", "TOKEN"], `${VALUE}\n`);
    expect(put).toMatchObject({ code: 0, stdout: "put secret TOKEN of shop, which has it now\n", stderr: "" });
    await untilEnv(dataUrl, { TOKEN: VALUE });
    const later = await nebula(["secret", "put", "KEY", "--name", "later", "--json"], OTHER);
    expect(JSON.parse(later.stdout)).toEqual({ function: "later", name: "KEY", isServed: false });

    expect((await nebula(["secret", "list"])).stdout).toMatch(/^secret +changed\nTOKEN +\d{4}-\d\d-\d\dT[\d:.]+Z\n$/);
    expect((await nebula(["secret", "list", "--name", "none"])).stdout).toBe("none has no secrets\n");
    expect((await nebula(["secret", "rotate"])).stdout).toBe("encrypted 2 secrets with a new key\n");
    await untilEnv(dataUrl, { TOKEN: VALUE });

    expect((await nebula(["secret", "delete", "TOKEN"])).stdout).toBe("deleted secret TOKEN of shop\n");
    await untilEnv(dataUrl, {});
    const twice = await nebula(["secret", "delete", "TOKEN"]);
    expect(twice).toMatchObject({ code: 2, stdout: "" });
    expect(twice.stderr).toContain('"shop" has none of this name');

    expectSilence(cli);
    expect(await findLeaks(join(project.dir, ".nebula"), [VALUE, OTHER])).toEqual([]);
  });

  test("is what a deployment waits for that requires one", async () => {
    await project.write("wrangler.toml", `${CONFIG}[secrets]\nrequired = ["TOKEN", "KEY"]\n`);
    const cli = start("serve");
    await cli.ready();
    expect(cli.out.stdout).toMatch(/\nshop +failed/);
    await until(
      () => cli.out.stderr.includes('Cannot use "shop": it has no value for its secrets "TOKEN", "KEY"'),
      () => cli.out.stderr,
    );
    expect(cli.out.stderr).toContain("nebula secret put <key> --name shop");
    await nebula(["secret", "put", "TOKEN"], VALUE);
    await nebula(["secret", "put", "KEY"], OTHER);
    cli.child.kill("SIGINT");
    await cli.exit;

    const again = start("serve");
    const { dataUrl } = await again.ready();
    await untilEnv(dataUrl, { KEY: OTHER, TOKEN: VALUE });
    expectSilence(cli, again);
  });
});

describe(".dev.vars", () => {
  test("is what a function has as secrets while it is developed, and each change of the file counts", async () => {
    await project.write("wrangler.toml", `${CONFIG}[vars]\nMODE = "production"\n`);
    await project.write(".dev.vars", `TOKEN="${VALUE}"\nMODE=development\n`);
    const cli = start("dev");
    const { dataUrl } = await cli.ready();
    await untilEnv(dataUrl, { MODE: "development", TOKEN: VALUE });
    expect(cli.out.stderr).toMatch(/^shop {2}2 secrets from \.dev\.vars$/m);
    expect((await nebula(["secret", "list"])).stdout).toMatch(/\nMODE .*\nTOKEN /);

    await project.write(".dev.vars", `TOKEN=${OTHER}\nMODE=development\n`);
    await untilEnv(dataUrl, { MODE: "development", TOKEN: OTHER });
    await project.write(".dev.vars", `TOKEN=${OTHER}\nbroken line=x\n`);
    await until(
      () => cli.out.stderr.includes('Cannot read ".dev.vars": line 2 does not begin with a name'),
      () => cli.out.stderr,
    );
    await untilEnv(dataUrl, { MODE: "development", TOKEN: OTHER });
    await project.write(".dev.vars", "OWN=1\n");
    await untilEnv(dataUrl, { MODE: "production", OWN: "1" });
    await rm(join(project.dir, ".dev.vars"));
    await untilEnv(dataUrl, { MODE: "production" });
    expect((await nebula(["secret", "list"])).stdout).toBe("shop has no secrets\n");
    await project.write(".env", `TOKEN=${VALUE}\n`);
    await untilEnv(dataUrl, { MODE: "production", TOKEN: VALUE });

    const check = await nebula(["config", "check", "--json"]);
    expect(check.code).toBe(0);
    expectSilence(cli);
    expect(await findLeaks(join(project.dir, ".nebula"), [VALUE, OTHER])).toEqual([]);
  });

  test("is chosen by the environment, and only what is required counts where that is said", async () => {
    await project.write("wrangler.toml", `${CONFIG}[env.staging.secrets]\nrequired = ["TOKEN"]\n`);
    await project.write(".dev.vars", "TOKEN=of all\n");
    await project.write(".dev.vars.staging", `TOKEN=${VALUE}\nMORE=${OTHER}\n`);
    await project.write("functions/bell/index.ts", TELLS_ENV);
    await project.write("functions/bell/.dev.vars", "RING=1\n");
    const cli = start("dev", "--env", "staging");
    const { dataUrl } = await cli.ready();
    await untilEnv(dataUrl, { TOKEN: VALUE });
    await untilEnv(`${dataUrl}/fn/bell/`, { RING: "1" });
    await project.write(".dev.vars.staging", "MORE=1\n");
    await until(
      () => cli.out.stderr.includes('it has no value for its secrets "TOKEN"'),
      () => cli.out.stderr,
    );
    await untilEnv(dataUrl, { TOKEN: VALUE });
    expectSilence(cli);
  });

  test("stays with whoever develops: serve does not read it", async () => {
    await project.write(".dev.vars", `TOKEN=${VALUE}\n`);
    const cli = start("serve");
    const { dataUrl } = await cli.ready();
    await untilEnv(dataUrl, {});
    expect(await readFile(join(project.dir, ".dev.vars"), "utf8")).toContain(VALUE);
  });
});
