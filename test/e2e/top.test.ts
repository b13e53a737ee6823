/**
 * `nebula top` on a node that works: its figures, its one table, and the screen of a real terminal.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FormTop, Top } from "../../src/model/top.ts";
import { openTestNode, type TestNode } from "../support/node.ts";
import { runProcess, until } from "./cli-process.ts";

const BIN = fileURLToPath(new URL("../../bin/nebula", import.meta.url));
const LEAVE = "\u001b[?25h\u001b[?1049l";
const BUSY = `export default { fetch: (request) => {
  if (request.url.includes("throw")) throw new Error("no");
  for (const end = Date.now() + 5; Date.now() < end; );
  return new Response("done");
} };`;

let node: TestNode;

beforeAll(async () => {
  node = await openTestNode();
  await node.deploy("busy", BUSY);
  await node.deploy("idle", BUSY);
  await node.deploy("site", { files: { "index.ts": BUSY }, assets: { "a.txt": "a" } });
});

afterAll(async () => {
  await node.close();
});

const ask = async (path: string) => await (await fetch(node.dataUrl + path)).text();
const options = () => ({
  cwd: node.stateDir,
  env: { NEBULA_CONTROL_URL: node.controlUrl, NEBULA_TOKEN: node.token, TERM: "xterm" },
});
const formsOf = ({ functions }: Top, name: string): readonly FormTop[] =>
  functions.find((each) => each.name === name)?.forms ?? [];

describe("GET /v1/top", () => {
  test("tells what every function has done and has, and what the node itself uses", async () => {
    for (let i = 0; i < 20; i++) await ask("/fn/busy/?x");
    await ask("/fn/busy/throw");
    await ask("/fn/nobody/");
    await ask("/fn/site/a.txt");
    const top = await node.client.getTop();
    expect(top.functions.map(({ name }) => name)).toEqual(["busy", "idle", "site"]);
    const [busy] = formsOf(top, "busy");
    expect(busy).toMatchObject({
      engine: "isolate",
      instances: { starting: 0, idle: 1, busy: 0, frozen: 0, stopped: 0, inFlight: 0, waiting: 0 },
      requests: {
        count: 21,
        errors: { caller: 0, owner: 1, host: 0 },
        starts: { cold: 1, warm: 20, thaw: 0 },
        bytesOut: 20 * 4,
      },
    });
    expect(busy?.requests.phases.run).toMatchObject({ count: 21 });
    expect(busy?.requests.phases.run?.p50Ms).toBeGreaterThan(4);
    expect(busy?.requests.phases.start?.p50Ms).toBeGreaterThan(0.1);
    expect(busy?.requests.perSecond.last60s).toBeCloseTo(21 / 60, 1);
    expect(busy?.usage?.cpuMs).toBeGreaterThanOrEqual(90);
    expect(busy?.usage?.memoryBytes).toBeGreaterThan(1_000_000);
    expect(formsOf(top, "idle")).toMatchObject([{ requests: { count: 0, phases: {} } }]);
    expect(formsOf(top, "site").map(({ engine, requests }) => [engine, requests.count])).toEqual([
      ["isolate", 0],
      ["assets", 1],
    ]);
    expect(top.node.uptimeMs).toBeGreaterThan(0);
    expect(top.node.cpuMs).toBeGreaterThan(0);
    expect(top.node.pssBytes ?? 1).toBeLessThanOrEqual(top.node.memoryBytes);
  });

  test("needs the token", async () => {
    expect((await fetch(`${node.controlUrl}/v1/top`)).status).toBe(401);
  });

  test("forgets a function that is removed", async () => {
    await node.deploy("short", BUSY);
    await ask("/fn/short/");
    expect(formsOf(await node.client.getTop(), "short")[0]?.requests.count).toBe(1);
    await node.client.removeFunction("short");
    expect(formsOf(await node.client.getTop(), "short")).toEqual([]);
    await node.deploy("short", BUSY);
    expect(formsOf(await node.client.getTop(), "short")[0]?.requests.count).toBe(0);
    await node.client.removeFunction("short");
  });
});

describe("nebula top", () => {
  test("prints one table where there is no terminal", async () => {
    const { code, stdout, stderr } = await runProcess(["top"], options());
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^nebula \S+ {3}up .* {3}cpu [\d.]+ % {3}memory /);
    expect(stdout).toMatch(/^busy +isolate +[\d.]+ +[\d.]+ +[\d.]+ MiB +0 +1 /m);
    expect(stdout).not.toContain("\u001b");
  });

  test("prints one object with --json, with the processor time between two looks", async () => {
    const { code, stdout } = await runProcess(["top", "--json"], options());
    expect(code).toBe(0);
    const top: Top = JSON.parse(stdout);
    expect(formsOf(top, "busy")[0]?.usage?.cpuRatio).toBeGreaterThanOrEqual(0);
    expect(top.node.cpuRatio).toBeGreaterThan(0);
  });

  test("draws on the screen of a terminal, and leaves that as it was at q and at SIGTERM", async () => {
    const first = startAtTerminal();
    await until(
      () => count(first.out.text, "1–4 of 4") >= 2,
      () => first.out.text,
    );
    const frame = stripVTControlCharacters(first.out.text.split("\u001b[H").at(-1) ?? "");
    expect(frame.split("\r\n")).toHaveLength(20);
    expect(frame).toMatch(/^function +engine +req\/s▾ +cpu % +memory/m);
    first.child.stdin?.write("q");
    await once(first.child, "close");
    expect(first.out.text.endsWith(`${LEAVE}code 0 echo\r\n`)).toBe(true);

    const second = startAtTerminal();
    await until(
      () => second.out.text.includes("1–4 of 4"),
      () => second.out.text,
    );
    const pid = Number(/pid (\d+)/.exec(second.out.text)?.[1]);
    process.kill(pid, "SIGTERM");
    await once(second.child, "close");
    expect(second.out.text.endsWith(`${LEAVE}code 130 echo\r\n`)).toBe(true);
  });
});

/** In a pseudo-terminal of 100 × 20; says the process's id first, and last its exit code and whether the terminal echoes. */
function startAtTerminal(): { child: ChildProcess; out: { text: string } } {
  const { PATH = "" } = process.env;
  const command = `stty cols 100 rows 20; sh -c 'echo pid $$; exec sh ${BIN} top'; echo code $? $(stty -a | grep -o '[^-]\\becho\\b')`;
  const child = spawn("script", ["-qec", command, "/dev/null"], {
    cwd: node.stateDir,
    env: { PATH, ...options().env },
  });
  const out = { text: "" };
  child.stdout.setEncoding("utf8").on("data", (text) => {
    out.text += text;
  });
  return { child, out };
}

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}
