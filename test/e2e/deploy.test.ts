/**
 * Story 2 on a whole node: a deployment takes over, or leaves everything as it was.
 */

import { readdir, utimes } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DeployTarget } from "../../src/deploy.ts";
import type { Digest } from "../../src/model/artifact.ts";
import type { DeploymentInput } from "../../src/model/deployment.ts";
import { rejectionOf, until } from "../support/capabilities.ts";
import { openTestNode, type TestNode } from "../support/node.ts";
import { openRaw } from "../support/raw-http.ts";

const saying = (word: string) => `export default { fetch: () => new Response("${word}") };`;

/** Streams its word until told to stop, and answers anything else at once. */
const streaming = (word: string) => `
let stop = () => {};
export default {
  fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/stop") return stop(), new Response("stopped");
    if (pathname !== "/stream") return new Response("${word}");
    return new Response(new ReadableStream({
      start(controller) {
        const bytes = new TextEncoder().encode("${word}.");
        controller.enqueue(bytes);
        const timer = setInterval(() => controller.enqueue(bytes), 20);
        stop = () => { clearInterval(timer); controller.close(); };
        setTimeout(stop, 400);
      },
    }));
  },
};`;

describe("a deployment", () => {
  let node: TestNode;
  beforeAll(async () => {
    node = await openTestNode();
  });
  afterAll(() => node.close());
  const askFor = async (name: string, path = "/", init: RequestInit = {}) => {
    const response = await fetch(`${node.dataUrl}/fn/${name}${path}`, init);
    return { status: response.status, body: await response.text() };
  };

  test("serves when it has answered, and says what it did", async () => {
    const answer = await node.deploy("first", saying("one"), { routes: ["first.test/*"] });
    expect(answer).toMatchObject({ isNew: true, deployment: { state: "active", id: expect.stringMatching(/^d_/) } });
    expect(answer.steps.map(({ step }) => step)).toEqual(["insert", "prepare", "activate"]);
    expect(await askFor("first")).toEqual({ status: 200, body: "one" });
    expect(await node.client.getFunction("first")).toMatchObject({
      function: {
        name: "first",
        engine: "isolate",
        deployment: { id: answer.deployment.id },
        routes: ["first.test/*"],
      },
      deployments: [{ id: answer.deployment.id, state: "active" }],
    });
  });

  test("that is the active one already moves nothing and is not new", async () => {
    const one = await node.deploy("same", saying("same"));
    const two = await node.deploy("same", saying("same"));
    expect(two).toMatchObject({ isNew: false, deployment: { id: one.deployment.id }, steps: [] });
    const back = [await node.deploy("same", saying("other")), await node.deploy("same", saying("same"))];
    expect(back.map(({ isNew }) => isNew)).toEqual([true, true]);
    expect(back[1]?.deployment.id).toBe(one.deployment.id);
    expect(await askFor("same")).toMatchObject({ body: "same" });
  });

  test("takes over while requests run, and not one of them fails", async () => {
    await node.deploy("busy", streaming("v0"));
    const answers: { status: number; body: string }[] = [];
    const state = { isDone: false };
    const client = async () => {
      while (!state.isDone) answers.push(await askFor("busy", "/", { method: "POST", body: "x" }));
    };
    const clients = [client(), client(), client(), client()];
    for (const version of ["v1", "v2", "v3"]) {
      await node.deploy("busy", streaming(version));
      await until(version, () => answers.at(-1)?.body === version);
    }
    state.isDone = true;
    await Promise.all(clients);
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect([...new Set(answers.map(({ body }) => body))]).toEqual(
      ["v0", "v1", "v2", "v3"].filter((word) => answers.some(({ body }) => body === word)),
    );
  });

  test("lets the one before it finish the answer that it streams", async () => {
    await node.deploy("stream", streaming("old"));
    const response = await fetch(`${node.dataUrl}/fn/stream/stream`);
    await node.deploy("stream", streaming("new"));
    expect(await askFor("stream")).toMatchObject({ body: "new" });
    expect(await response.text()).toMatch(/^(?:old\.){5,}$/);
  });

  test("takes requests over whose bodies were still on their way", async () => {
    await node.deploy(
      "upload",
      `export default { fetch: async (request) => new Response("old " + await request.text()) };`,
    );
    await using connection = await openRaw(node.dataUrl);
    connection.send("POST /fn/upload/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhel");
    await askFor("upload");
    await node.deploy(
      "upload",
      `export default { fetch: async (request) => new Response("new " + await request.text()) };`,
    );
    await until("old one gone", async () => {
      const { deployments } = await node.client.getFunction("upload");
      return deployments[1]?.state === "retired";
    });
    connection.send("lo");
    expect(await connection.next()).toMatchObject({ status: 200, body: "new hello" });
  });

  test("that is broken leaves the one before it serving, and its failure is on record", async () => {
    await node.deploy("careful", saying("good"));
    const broken = await rejectionOf(node.deploy("careful", `throw new Error("not today"); export default {};`));
    expect(broken).toMatchObject({ code: "NEBULA_PREPARE_FAILED" });
    expect(broken.message).toContain("not today");
    expect(await rejectionOf(node.deploy("careful", "export default {"))).toMatchObject({
      code: "NEBULA_BUILD_FAILED",
    });
    expect(await askFor("careful")).toEqual({ status: 200, body: "good" });
    const { deployments } = await node.client.getFunction("careful");
    expect(deployments.map(({ state, failure }) => [state, failure?.code])).toEqual([
      ["failed", "NEBULA_PREPARE_FAILED"],
      ["active", undefined],
    ]);
  });

  test("cannot take another function's route, also when both come at once", async () => {
    await node.deploy("owner", saying("owner"), { routes: ["taken.test/*"] });
    const refused = await rejectionOf(node.deploy("thief", saying("thief"), { routes: ["taken.test/*"] }));
    expect(refused).toMatchObject({ code: "NEBULA_CONFIG_INVALID" });
    expect(refused.message).toContain("owner");
    const both = await Promise.allSettled(
      ["left", "right"].map((name) => node.deploy(name, saying(name), { routes: ["both.test/*"] })),
    );
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const names = (await node.client.listFunctions()).map(({ name }) => name);
    expect(names.filter((name) => ["left", "right", "thief"].includes(name))).toHaveLength(1);
  });

  test("waits for the one of the same function that came before", async () => {
    const words = ["a", "b", "c", "d"];
    const answers = await Promise.all(words.map((word) => node.deploy("turns", saying(word))));
    const { function: live, deployments } = await node.client.getFunction("turns");
    expect(new Set(answers.map(({ deployment }) => deployment.id)).size).toBe(4);
    expect(deployments.filter(({ state }) => state === "active")).toMatchObject([{ id: live.deployment.id }]);
    const at = answers.findIndex(({ deployment }) => deployment.id === live.deployment.id);
    expect(await askFor("turns")).toMatchObject({ body: words[at] });
  });

  test("uploads each blob once", async () => {
    const put: Digest[] = [];
    const target: DeployTarget = {
      missing: (digests) => node.client.missing(digests),
      put: async (digest, source) => {
        put.push(digest);
        await node.client.put(digest, source);
      },
      deploy: (input) => node.client.deploy(input),
    };
    const assets = { "a.txt": "same", "b.txt": "same", "c.txt": "other" };
    await node.deploy("blobs", { files: {}, assets }, { target });
    expect(put).toHaveLength(2);
    expect(new Set(put).size).toBe(2);
    await node.deploy("blobs", { files: {}, assets: { ...assets, "d.txt": "new" } }, { target });
    expect(put).toHaveLength(3);
    await node.deploy("blobs-too", { files: {}, assets }, { target });
    expect(put).toHaveLength(3);
  });

  test("is gone when its function is removed, and may come again", async () => {
    await node.deploy("gone", saying("here"));
    await node.client.removeFunction("gone");
    expect(await askFor("gone")).toMatchObject({ status: 404 });
    expect(await rejectionOf(node.client.removeFunction("gone"))).toMatchObject({ code: "NEBULA_FUNCTION_NOT_FOUND" });
    expect(await rejectionOf(node.client.getFunction("gone"))).toMatchObject({ code: "NEBULA_FUNCTION_NOT_FOUND" });
    expect(await node.deploy("gone", saying("here"))).toMatchObject({ isNew: true });
    expect(await askFor("gone")).toMatchObject({ body: "here" });
  });

  test("comes back when the node is started again, while blobs that nothing names are swept", async () => {
    const own = await openTestNode();
    try {
      await own.deploy("kept", { files: { "index.ts": saying("kept") }, assets: { "a.txt": "asset" } });
      await own.deploy("dropped", saying("dropped"));
      await own.client.removeFunction("dropped");
      const blobs = async () =>
        (await readdir(join(own.stateDir, "artifacts"), { recursive: true })).filter((name) =>
          /^..\/[0-9a-f]{62}$/.test(name),
        );
      const before = await blobs();
      const yesterday = Date.now() / 1_000 - 86_400;
      for (const name of before) await utimes(join(own.stateDir, "artifacts", name), yesterday, yesterday);
      await own.restart();
      expect((await own.client.listFunctions()).map(({ name }) => name)).toEqual(["kept"]);
      for (const [path, body] of [
        ["/", "kept"],
        ["/a.txt", "asset"],
      ]) {
        const response = await fetch(`${own.dataUrl}/fn/kept${path}`);
        expect(await response.text()).toBe(body);
      }
      const after = await blobs();
      expect(after.length).toBeLessThan(before.length);
      expect(after.length).toBeGreaterThan(1);
    } finally {
      await own.close();
    }
  });

  test("of a node that is stopping is refused, and what was in flight is finished", async () => {
    const own = await openTestNode();
    try {
      await own.deploy("last", streaming("word"));
      const response = await fetch(`${own.dataUrl}/fn/last/stream`);
      const reading = response.text();
      const { dataUrl } = own;
      await own.restart();
      expect(await reading).toMatch(/^(?:word\.)+$/);
      await expect(fetch(dataUrl)).rejects.toThrow();
    } finally {
      await own.close();
    }
  });

  test("asked for with the same input by hand gives the same digest", async () => {
    const inputs: DeploymentInput[] = [];
    const target: DeployTarget = {
      missing: (digests) => node.client.missing(digests),
      put: (digest, source) => node.client.put(digest, source),
      deploy: async (input) => {
        inputs.push(input);
        return await node.client.deploy(input);
      },
    };
    const answer = await node.deploy("hand", saying("hand"), { target });
    const [input] = inputs;
    if (input === undefined) throw new Error("nothing was deployed");
    const { spec, ...rest } = input;
    const turned = { ...rest, spec: Object.fromEntries(Object.entries(spec).reverse()) };
    const response = await fetch(`${node.controlUrl}/v1/deployments`, {
      method: "POST",
      headers: { authorization: `Bearer ${node.token}` },
      body: JSON.stringify(turned),
    });
    expect(await response.json()).toMatchObject({ isNew: false, deployment: { digest: answer.deployment.digest } });
  });
});
