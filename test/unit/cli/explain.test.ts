import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ExplainedForm, Explanation } from "../../../src/model/control.ts";
import { createFolder, run } from "./support.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

const WASI: ExplainedForm = {
  engine: "wasi",
  isolation: "strong",
  state: "ready",
  artifact: { kind: "wasi-p1", digest: DIGEST, bytes: 81_920 },
  breaker: { state: "open", opensInMs: 1_500 },
  instances: { starting: 0, idle: 1, busy: 0, frozen: 0, stopped: 0 },
  estimates: { runMs: 0.4, coldMs: 12 },
  expectedMs: 0.25,
};
const CONTAINER: ExplainedForm = {
  engine: "container",
  isolation: "strong",
  state: "failed",
  failure: { code: "NEBULA_PREPARE_FAILED", message: "Docker does not answer" },
  breaker: { state: "closed", opensInMs: 0 },
  instances: { starting: 0, idle: 0, busy: 0, frozen: 0, stopped: 0 },
  estimates: {},
};
const ISOLATE: ExplainedForm = {
  ...CONTAINER,
  engine: "isolate",
  isolation: "weaker",
  state: "weaker",
};

/** A control port that explains, and a folder with its state. */
async function openFakeNode(change: Partial<Explanation> = {}) {
  const folder = await createFolder();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    const query = new URL(request.url ?? "", "http://node").searchParams;
    const explanation: Explanation = {
      name: "fib",
      deployment: "d_1",
      strategy: "ordered",
      request: { method: query.get("method") ?? "", path: query.get("path") ?? "" },
      answers: { engine: "wasi", why: "it comes first in the list" },
      next: { engine: "container", why: "if that one fails" },
      forms: [WASI, CONTAINER, { ...ISOLATE, failure: undefined } as unknown as ExplainedForm],
      ...change,
    };
    response.end(JSON.stringify(explanation));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const controlUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const stateDir = join(folder.dir, ".nebula");
  await mkdir(stateDir);
  await writeFile(join(stateDir, "node.json"), JSON.stringify({ dataUrl: controlUrl, controlUrl, pid: process.pid }));
  await writeFile(join(stateDir, "token"), "t");
  return {
    dir: folder.dir,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await folder[Symbol.asyncDispose]();
    },
  };
}

describe("nebula explain", () => {
  test("tells who answers and why, who comes after, and how each form is", async () => {
    await using node = await openFakeNode();
    const { code, stdout } = await run(["explain", "fib", "/?n=40"], { cwd: node.dir });
    expect(code).toBe(0);
    expect(stdout).toMatchInlineSnapshot(`
      "GET /?n=40  →  wasi  it comes first in the list
      then  container  if that one fails

      strategy ordered
      engine     isolation  state        breaker         instances  request  run     cold   thaw  artifact
      wasi       strong     ready        open for 1.5 s  0/1/0/0/0  0.25 ms  0.4 ms  12 ms  -     wasi-p1 80 KiB sha256:aaaaaaaaaaaa
      container  strong     failed       closed          0/0/0/0/0  -        -       -      -     -
      isolate    weaker     not allowed  closed          0/0/0/0/0  -        -       -      -     -
      container: Docker does not answer
      "
    `);
    expect(node.asked).toEqual(["/v1/functions/fib/explain?method=GET&path=%2F%3Fn%3D40"]);
  });

  test("says when nothing can answer", async () => {
    await using node = await openFakeNode({ answers: undefined, next: undefined } as unknown as Partial<Explanation>);
    const { stdout } = await run(["explain", "fib", "-X", "post"], { cwd: node.dir });
    expect(stdout).toMatch(/^POST \/ {2}→ {2}nothing can answer\n/);
  });

  test("takes what steers a terminal out of what a form has failed with", async () => {
    const message = "it printed \u001b[2J\u001b]0;mine\u0007";
    const failure = { code: "NEBULA_START_FAILED", message } as const;
    await using node = await openFakeNode({
      answers: { engine: "wasi", why: message },
      forms: [WASI, { ...CONTAINER, failure }],
    });
    const { stdout } = await run(["explain", "fib"], { cwd: node.dir });
    expect(stdout).not.toContain("\u001b");
    expect(stdout).toContain("container: it printed \n");
  });

  test("has nothing to show of forms where there are static files alone", async () => {
    await using node = await openFakeNode({
      forms: [],
      answers: { engine: "assets", why: "it has static files alone" },
    });
    const { stdout } = await run(["explain", "site"], { cwd: node.dir });
    expect(stdout.split("\n")[0]).toBe("GET /  →  assets  it has static files alone");
    expect(stdout).not.toContain("strategy");
  });

  test("gives the node's answer as it is with --json", async () => {
    await using node = await openFakeNode();
    const { stdout } = await run(["explain", "fib", "--json"], { cwd: node.dir });
    expect(JSON.parse(stdout)).toMatchObject({
      name: "fib",
      answers: { engine: "wasi" },
      forms: [{ expectedMs: 0.25 }, {}, {}],
    });
  });

  test("refuses what is no path before it asks", async () => {
    const { code, stderr } = await run(["explain", "fib", "n=40"]);
    expect(code).toBe(2);
    expect(stderr).toContain("a path begins with a slash");
  });

  test("takes nothing for an answer that is none", async () => {
    await using node = await openFakeNode({ forms: [{}] as unknown as Explanation["forms"] });
    const { code, stderr } = await run(["explain", "fib"], { cwd: node.dir });
    expect(code).toBe(70);
    expect(stderr).toContain("NEBULA_NODE_UNREACHABLE");
  });
});
