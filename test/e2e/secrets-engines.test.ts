/**
 * Every engine gives its functions their secrets, and none keeps a value of before: not in a process that has the program
 * loaded already, not in a container that rests.
 */

import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { docker, withDocker } from "../support/docker.ts";
import { toProgram } from "../support/wasi-programs.ts";
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

/** Prints its environment, each text with the null byte at its end. */
const PRINTS_ENVIRONMENT = toProgram({
  imports: `
    (import "wasi_snapshot_preview1" "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "environ_get" (func $environment (param i32 i32) (result i32)))`,
  start: `
    (drop (call $sizes (i32.const 128) (i32.const 132)))
    (drop (call $environment (i32.const 1024) (i32.const 8192)))
    (call $print (i32.const 1) (i32.const 8192) (i32.load (i32.const 132)))`,
});

/** Answers with a variable of its environment. */
const SERVER = `
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
int main(void) {
  static char answer[8192], request[65536];
  int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(8080), .sin_addr = {INADDR_ANY}};
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 64)) return 1;
  for (;;) {
    int peer = accept(listener, 0, 0);
    const char *token = getenv("TOKEN");
    if (read(peer, request, sizeof request) > 0)
      write(peer, answer, sprintf(answer, "HTTP/1.1 200 OK\\r\\nconnection: close\\r\\n\\r\\n%s", token ? token : "none"));
    close(peer);
  }
}
`;
const DOCKERFILE = 'FROM scratch\nCOPY server /server\nEXPOSE 8080\nUSER 1000\nENTRYPOINT ["/server"]\n';
/** Frozen as soon as it has answered. */
const BOX_CONFIG = 'compatibility_date = "2026-11-01"\n[nebula.scaling]\nidle_ms = 1\n';
const BOX = `box-${process.pid}`;

let project: TempProject;
let cli: CliProcess;
/** A node keeps its images for its next start, and so does a builder: these have none. */
let removeImages: (() => Promise<void>) | undefined;

beforeEach(async () => {
  project = await createTempProject({});
});

afterEach(async () => {
  const family = familyOf(cli.pid);
  cli.child.kill("SIGTERM");
  await cli.exit;
  await untilGone(family);
  await removeImages?.();
  await project.remove();
});

const put = (name: string, value: string) =>
  runProcess(["secret", "put", "TOKEN", "--name", name], { cwd: project.dir, stdin: value });

const get = async (url: string) => await (await fetch(url)).text();

describe("a WASI program", () => {
  test("has secrets in its environment, and the new value when one changes", async () => {
    await project.write("functions/prints/wrangler.toml", 'main = "main.wasm"\n[vars]\nWORD = "open"\n');
    await writeFile(join(project.dir, "functions/prints/main.wasm"), PRINTS_ENVIRONMENT);
    cli = startCli(["serve"], { cwd: project.dir });
    const { dataUrl } = await cli.ready();
    // Behind what every request brings.
    const readVars = async () => (await get(`${dataUrl}/fn/prints/`)).replace(/^.*QUERY_STRING=\0/s, "");
    expect(await readVars()).toBe("WORD=open\0");
    expect(await put("prints", "first")).toMatchObject({ code: 0 });
    expect(await readVars()).toBe("WORD=open\0TOKEN=first\0");
    expect(await put("prints", "second")).toMatchObject({ code: 0 });
    expect(await readVars()).toBe("WORD=open\0TOKEN=second\0");
    expect(await runProcess(["secret", "delete", "TOKEN", "--name", "prints"], { cwd: project.dir })).toMatchObject({
      code: 0,
    });
    expect(await readVars()).toBe("WORD=open\0");
  });
});

await withDocker("secrets in containers", () => {
  describe("a container", () => {
    const list = async (...what: string[]) =>
      (await docker(...what, "--quiet", "--filter", `label=nebula.function=${BOX}`)).split("\n").filter(Boolean);
    const listBoxes = () => list("ps", "--all");

    test("has secrets in its environment, and none that rests has the value of before", async () => {
      removeImages = async () => {
        const images = await list("images");
        if (images.length > 0) await docker("rmi", "--force", ...new Set(images));
      };
      await project.write(`functions/${BOX}/Dockerfile`, DOCKERFILE);
      await project.write(`functions/${BOX}/wrangler.toml`, BOX_CONFIG);
      await project.write("server.c", SERVER);
      const binary = `functions/${BOX}/server`;
      await promisify(execFile)("cc", ["-static", "-O1", "-w", "-o", binary, "server.c"], { cwd: project.dir });
      cli = startCli(["serve"], { cwd: project.dir });
      const { dataUrl } = await cli.ready();
      const url = `${dataUrl}/fn/${BOX}/`;
      expect(await get(url)).toBe("none");
      for (const value of ["first-value", "second-value"]) {
        expect(await put(BOX, value)).toMatchObject({ code: 0 });
        expect(await get(url)).toBe(value);
      }
      let environments = "";
      await until(
        async () => {
          const ids = await listBoxes();
          environments = ids.length === 0 ? "" : await docker("inspect", "--format", "{{.Config.Env}}", ...ids);
          return environments.includes("second-value") && !environments.includes("first-value");
        },
        () => environments,
      );
      expect(await runProcess(["list"], { cwd: project.dir })).toMatchObject({ code: 0 });
      cli.child.kill("SIGTERM");
      await cli.exit;
      expect(await listBoxes()).toEqual([]);
    }, 120_000);
  });
});
