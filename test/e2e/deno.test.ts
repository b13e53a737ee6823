/**
 * Functions on Deno as the runtime of their guests, through the whole path of a node.
 */

import { readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { RUNTIME_NAMES } from "../../src/model/function.ts";
import { until } from "../support/capabilities.ts";
import { withDeno } from "../support/deno.ts";
import { openTestNode } from "../support/node.ts";
import { childrenOf, isAlive } from "../support/processes.ts";

const HELLO_DENO = readFileSync(join(import.meta.dirname, "../../functions/hello-deno/main.ts"), "utf8");

/** Guest processes on Deno. */
function listDenos(): number[] {
  return childrenOf().filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/exe`).endsWith("/deno");
    } catch {
      return false; // because it ended meanwhile
    }
  });
}

await withDeno("functions on Deno", async () => {
  const node = await openTestNode();
  afterAll(() => node.close());
  const get = async (path: string, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${node.dataUrl}/fn/${path}`, { headers });
    return { status: answer.status, type: answer.headers.get("content-type"), body: await answer.text() };
  };

  describe("functions on Deno", () => {
    it("have no process before one of them asks, then spare ones, and none when the node is gone", async () => {
      const other = await openTestNode();
      const text = "export default { fetch: () => new Response('ok') };";
      await other.deploy("on-node", text);
      expect(await (await fetch(`${other.dataUrl}/fn/on-node/`)).text()).toBe("ok");
      expect(listDenos()).toEqual([]);
      await other.deploy("on-deno", text, { runtime: "deno" });
      expect(await (await fetch(`${other.dataUrl}/fn/on-deno/`)).text()).toBe("ok");
      await until("two are spare and one answers", () => listDenos().length === 3);
      const started = listDenos();
      await other.close();
      expect(started.filter(isAlive)).toEqual([]);
    });

    it("answer as on Node: Deno.serve, Deno.env and time zones", async () => {
      const bindings = [{ type: "var" as const, name: "GREETING", value: "Good" }];
      for (const runtime of RUNTIME_NAMES) await node.deploy(`hello-${runtime}`, HELLO_DENO, { runtime, bindings });
      for (const [query, headers] of [
        ["?name=Ada&zone=Europe/Berlin", {}],
        ["?name=<Ada>", { accept: "text/html" }],
        ["?zone=Nowhere", {}],
      ] as const) {
        const onNode = await get(`hello-node/${query}`, headers);
        expect(onNode.body).toMatch(/Good \w+|zone must be/);
        expect(await get(`hello-deno/${query}`, headers)).toEqual(onNode);
      }
    });

    it("are refused where their code does not start, with their own words", async () => {
      const broken = node.deploy("broken", "throw new Error('broken on purpose');\nexport default {};", {
        runtime: "deno",
      });
      await expect(broken).rejects.toMatchObject({ code: "NEBULA_PREPARE_FAILED" });
      await expect(broken).rejects.toThrow("broken on purpose");
    });

    it("go on after a restart of the node", async () => {
      await node.deploy("kept", "export default { fetch: () => new Response('kept') };", { runtime: "deno" });
      await node.restart();
      expect((await get("kept/")).body).toBe("kept");
    });
  });
});
