/**
 * All hostile guests at once on one node, through the whole path, beside a well-behaved function under load:
 * it loses not one request, the node answers afterwards, and no guest process is left.
 */

import { readFileSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { RuntimeName } from "../../src/model/function.ts";
import { withDeno } from "../support/deno.ts";
import { openTrap, readHostileGuests } from "../support/hostile-guests.ts";
import { openTestNode, type SpecChange } from "../support/node.ts";
import { childrenOf, isAlive } from "../support/processes.ts";

const CONNECTIONS = 8;
const LOAD_REQUESTS_MIN = 2_000;
const DEPLOYS_AT_ONCE = 4;

const trapDir = await mkdtemp(join(tmpdir(), "nebula-trap-"));
await chmod(trapDir, 0o777);
const trap = await openTrap(trapDir);
afterAll(async () => {
  await trap[Symbol.asyncDispose]();
  await rm(trapDir, { recursive: true, force: true });
});

/** What the guests import from beside their folders. */
const SHARED = ["kit.ts", "stolen-socket.ts"];
const shared = Object.fromEntries(
  SHARED.map((file) => [file, readFileSync(join(import.meta.dirname, "../guests", file), "utf8")]),
);
/** Where there is Deno, every other guest runs on it. */
const runtimes: RuntimeName[] = ["node"];
await withDeno("hostile functions on Deno beside those on Node", () => void runtimes.push("deno"));

/** Ends soon, whatever the guest's own limits would allow. */
const LIMITS = { wallMs: 1_000, cpuMs: 300, waitUntilMs: 300, startMs: 2_000 };

/** Runs the task for every item, a few at a time. */
async function forEachAtOnce<T>(items: readonly T[], count: number, task: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const runOne = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await task(item);
  };
  await Promise.all(Array.from({ length: count }, runOne));
}

describe("a node with hostile functions", () => {
  it("serves the others as if nothing had happened", { timeout: 120_000 }, async () => {
    const childrenBefore = new Set(childrenOf());
    const node = await openTestNode();
    try {
      await node.deploy("well-behaved", "export default { fetch: () => new Response('well') };");
      const failures: string[] = [];
      let served = 0;
      let isOver = false;
      const load = Array.from({ length: CONNECTIONS }, async () => {
        while (!isOver || served < LOAD_REQUESTS_MIN) {
          try {
            const answer = await fetch(`${node.dataUrl}/fn/well-behaved/`);
            const body = await answer.text();
            if (answer.status === 200 && body === "well") served += 1;
            else failures.push(`${answer.status} ${body}`);
          } catch (error) {
            failures.push(String(error));
          }
          // A bounded load: the hostile ones shall have their part of the processor.
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
      });

      const guests = readHostileGuests(...runtimes);
      const deployed: string[] = [];
      const refused: string[] = [];
      await forEachAtOnce(guests, DEPLOYS_AT_ONCE, async ({ name, dir, expected, runtime }) => {
        const index = readFileSync(join(dir, "index.ts"), "utf8").replaceAll('from "../', 'from "./');
        const vars = { TRAP: trap.port, TRAP_SOCKET: trap.socketPath };
        const change: SpecChange = {
          runtime,
          limits: { ...expected.limits, ...LIMITS },
          scaling: { queueMs: 30_000, idleMs: 500 },
          compatibility: { date: "2026-01-01", flags: expected.flags ?? [] },
          bindings: Object.entries(vars).map(([key, value]) => ({ type: "var", name: key, value })),
        };
        await node.deploy(name, { files: { "index.ts": index, ...shared } }, change).then(
          () => deployed.push(name),
          () => refused.push(name),
        );
      });
      const mayNotDeploy = guests.filter(({ expected }) => expected.code === "NEBULA_PREPARE_FAILED");
      expect(refused.sort()).toEqual(mayNotDeploy.map(({ name }) => name).sort());

      // All of them at once. Whether a body breaks off is their own business; that there is an answer is the node's.
      const statuses = await Promise.all(
        deployed.map(async (name) => {
          const answer = await fetch(`${node.dataUrl}/fn/${name}/`, { signal: AbortSignal.timeout(30_000) });
          await answer.arrayBuffer().catch(() => {});
          return answer.status;
        }),
      );
      isOver = true;
      await Promise.all(load);

      const ownFaults = node.lines.filter(({ level }) => level === "error").map((line) => JSON.stringify(line));
      expect(failures, ownFaults.join("\n")).toEqual([]);
      expect(served).toBeGreaterThanOrEqual(LOAD_REQUESTS_MIN);
      for (const status of statuses) expect([200, 500, 502, 503, 504]).toContain(status);
      expect(trap.caught).toBe(0);
      const answer = await fetch(`${node.dataUrl}/fn/well-behaved/`);
      expect(await answer.text()).toBe("well");
    } finally {
      const started = childrenOf().filter((pid) => !childrenBefore.has(pid));
      await node.close();
      expect(started.filter(isAlive)).toEqual([]);
    }
  });
});
