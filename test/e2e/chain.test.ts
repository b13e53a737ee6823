/**
 * One function in two engines on a whole node: what answers, what takes over, and what is said of it.
 */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rejectionOf, until } from "../support/capabilities.ts";
import { deployForms } from "../support/deploy-forms.ts";
import { openTestNode, type TestNode } from "../support/node.ts";
import { childrenWith } from "../support/processes.ts";
import { saying, toProgram } from "../support/wasi-programs.ts";

const saidByIsolate = 'export default { fetch: () => new Response("isolate") };';
const WASI = { engine: "wasi", wasm: saying("wasi") } as const;
const ISOLATE = { engine: "isolate", text: saidByIsolate } as const;
const ALLOWED = { weaker: ["isolate"] } as const;

describe("a function in two engines", () => {
  let node: TestNode;
  beforeAll(async () => {
    node = await openTestNode();
  });
  afterAll(() => node.close());

  const ask = async (name: string, init: RequestInit & { path?: string } = {}) => {
    const response = await fetch(`${node.dataUrl}/fn/${name}${init.path ?? "/"}`, init);
    const body = await response.text();
    return { status: response.status, engine: response.headers.get("x-nebula-engine"), body };
  };
  const findLines = (name: string) =>
    node.lines.filter(({ msg, fields }) => msg === "request" && fields.function === name).map(({ fields }) => fields);

  test("answers with the first of the list", async () => {
    const { warnings } = await deployForms(node.client, { name: "both", forms: [WASI, ISOLATE], chain: ALLOWED });
    expect(warnings).toBeUndefined();
    expect(await ask("both")).toEqual({ status: 200, engine: "wasi", body: "wasi" });
    await until("its line is there", () => findLines("both").length === 1);
    expect(findLines("both")[0]).toMatchObject({ engine: "wasi" });
    expect(findLines("both")[0]).not.toHaveProperty("fallback");
    const { function: status } = await node.client.getFunction("both");
    expect(status).toMatchObject({
      engine: "wasi",
      forms: [
        { engine: "wasi", state: "ready" },
        { engine: "isolate", state: "ready" },
      ],
    });
  });

  test("is left by no repeatable request when the processes of its first engine are killed under load", async () => {
    await deployForms(node.client, { name: "killed", forms: [WASI, ISOLATE], chain: ALLOWED });
    let isOver = false;
    const load = Array.from({ length: 8 }, async () => {
      const answers = [];
      while (!isOver) answers.push(await ask("killed"));
      return answers;
    });
    try {
      await until(
        "a request has fallen back",
        () => {
          for (const pid of findLanes()) process.kill(pid, "SIGKILL");
          return findLines("killed").some(({ fallback }) => fallback !== undefined);
        },
        20_000,
      );
    } finally {
      isOver = true;
    }
    const answers = (await Promise.all(load)).flat();
    expect(answers.filter(({ status, engine, body }) => status !== 200 || engine !== body)).toEqual([]);
    const fallen = findLines("killed").filter(({ engine }) => engine === "isolate");
    expect(fallen.length).toBeGreaterThan(0);
    for (const { fallback } of fallen)
      expect(fallback).toMatch(/^wasi: (?:NEBULA_(?:GUEST_EXITED|START_FAILED)|breaker open)$/);
    await until("the first engine is back", async () => (await ask("killed")).engine === "wasi", 10_000);
  });

  test("answers with the next when the first was not built or does not start, and says so when it is deployed", async () => {
    const broken = toProgram({ start: "", imports: '(import "env" "now" (func))' });
    const { warnings } = await deployForms(node.client, {
      name: "broken",
      forms: [{ engine: "wasi", wasm: broken }, ISOLATE],
      chain: ALLOWED,
    });
    expect(warnings).toEqual([expect.stringMatching(/^"wasi" is left out: .*env/)]);
    expect(await ask("broken")).toEqual({ status: 200, engine: "isolate", body: "isolate" });
    await until("its line is there", () => findLines("broken").length === 1);
    expect(findLines("broken")[0]).toMatchObject({ engine: "isolate", fallback: "wasi: NEBULA_PREPARE_FAILED" });

    await deployForms(node.client, {
      name: "unbuilt",
      forms: [{ engine: "wasi", failure: "Cannot componentize" }, ISOLATE],
      chain: ALLOWED,
    });
    expect(await ask("unbuilt", { method: "POST", body: "x" })).toMatchObject({ engine: "isolate" });
    expect(await node.client.explain("unbuilt", { method: "GET", path: "/" })).toMatchObject({
      answers: { engine: "isolate", why: '"wasi" is left out: Cannot componentize' },
      forms: [{ engine: "wasi", state: "failed", failure: { code: "NEBULA_BUILD_FAILED" } }, { state: "ready" }],
    });
  });

  test("does not get weaker isolation unless it is allowed by name", async () => {
    const forms = [{ engine: "wasi", failure: "Cannot componentize" }, ISOLATE] as const;
    const refused = await rejectionOf(deployForms(node.client, { name: "careful", forms }));
    expect(refused).toMatchObject({ code: "NEBULA_PREPARE_FAILED", hint: expect.stringContaining("allow_weaker") });
    const { warnings } = await deployForms(node.client, { name: "careful", forms: [WASI, ISOLATE] });
    expect(warnings).toEqual([expect.stringContaining("allow_weaker")]);
    const { function: status } = await node.client.getFunction("careful");
    expect(status.forms.map(({ engine, state }) => [engine, state])).toEqual([
      ["wasi", "ready"],
      ["isolate", "weaker"],
    ]);
  });

  test("is as it was after the node has been started again", async () => {
    await node.restart();
    await until("its first engine has joined", async () => (await ask("both")).engine === "wasi");
    expect(await ask("broken")).toMatchObject({ engine: "isolate", body: "isolate" });
    expect(await ask("careful")).toMatchObject({ engine: "wasi" });
    expect((await node.client.getFunction("careful")).function.forms[1]).toMatchObject({ state: "weaker" });
  });

  test("is explained before anybody has asked it, and differently afterwards", async () => {
    await deployForms(node.client, {
      name: "quick",
      forms: [WASI, ISOLATE],
      chain: { ...ALLOWED, strategy: "fastest" },
    });
    const before = await node.client.explain("quick", { method: "GET", path: "/?a=b" });
    expect(before).toMatchObject({
      strategy: "fastest",
      request: { method: "GET", path: "/?a=b" },
      answers: { engine: "wasi" },
      next: { engine: "isolate" },
      forms: [
        {
          engine: "wasi",
          isolation: "strong",
          artifact: { kind: "wasi-p1" },
          breaker: { state: "closed" },
          estimates: {},
        },
        { engine: "isolate", isolation: "weaker", artifact: { kind: "js", bytes: saidByIsolate.length } },
      ],
    });
    await until("both were asked", async () => {
      await ask("quick");
      const { forms } = await node.client.explain("quick", { method: "GET", path: "/" });
      return forms.every(({ expectedMs, estimates }) => expectedMs !== undefined && estimates.runMs !== undefined);
    });
    await until("its lines are there", () =>
      findLines("quick").some(({ fallback }) => fallback === "wasi: being compared"),
    );
  });

  test.each([
    ["an unknown function", "nobody/explain", 404, "NEBULA_FUNCTION_NOT_FOUND"],
    ["a path without a slash", "both/explain?path=n", 400, "NEBULA_REQUEST_INVALID"],
    ["a path with white space", "both/explain?path=/a%20b", 400, "NEBULA_REQUEST_INVALID"],
    ["a long path", `both/explain?path=/${"a".repeat(5_000)}`, 400, "NEBULA_REQUEST_INVALID"],
    ["no method", "both/explain?method=get", 400, "NEBULA_REQUEST_INVALID"],
  ])("is not explained for %s", async (_what, path, status, code) => {
    const headers = { authorization: `Bearer ${node.token}` };
    const response = await fetch(`${node.controlUrl}/v1/functions/${path}`, { headers });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
  });
});

describe("a function in one engine", () => {
  let node: TestNode;
  beforeAll(async () => {
    node = await openTestNode();
  });
  afterAll(() => node.close());

  /** Works without end, and lets others in between; answers at once where nobody has asked for that. */
  const BURNING = `
let isBurning = false;
export default {
  async fetch(request) {
    if (!request.url.endsWith("/burn")) return isBurning ? await new Promise(() => {}) : new Response("ok");
    for (isBurning = true; ; ) {
      const end = Date.now() + 20;
      while (Date.now() < end);
      await new Promise((resolve) => setTimeout(resolve));
    }
  },
};`;

  test("gives a request that may be repeated another instance when its own ended because of another request", async () => {
    await deployForms(node.client, {
      name: "burning",
      forms: [{ engine: "isolate", text: BURNING }],
      limits: { cpuMs: 800, wallMs: 30_000 },
    });
    const url = `${node.dataUrl}/fn/burning`;
    const burning = fetch(`${url}/burn`);
    await until("it has worked for a while", async () => {
      const { functions } = await node.client.getTop();
      return (functions[0]?.forms[0]?.usage?.cpuMs ?? 0) > 300;
    });
    const [waiting, posted] = await Promise.all([fetch(`${url}/wait`), fetch(`${url}/wait`, { method: "POST" })]);
    expect((await burning).status).toBe(503);
    expect([waiting.status, await waiting.text()]).toEqual([200, "ok"]);
    expect(await posted.json()).toMatchObject({ status: 500, code: "NEBULA_GUEST_EXITED" });
    await until("the lines are there", () => node.lines.filter(({ msg }) => msg === "request").length === 3);
    const reasons = node.lines.flatMap(({ fields }) => fields.fallback ?? []);
    expect(reasons).toEqual(["isolate: NEBULA_GUEST_EXITED"]);
  });
});

/** Guest processes that run Wasm: their heap begins larger than that of others. */
function findLanes(): number[] {
  return childrenWith("--initial-old-space-size=");
}
