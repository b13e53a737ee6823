/**
 * The states of containers, and what is left of them: nothing.
 */

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Instance } from "../../src/engine/engine.ts";
import { Pool } from "../../src/engine/pool.ts";
import { silentLog, systemClock } from "../../src/model/ports.ts";
import { ask, askText, bytesOf, noCapabilities, rejectionOf, until } from "../support/capabilities.ts";
import { openContainerLab } from "../support/container-lab.ts";
import { docker, withDocker } from "../support/docker.ts";

const COUNTER = "let n = 0; require('http').createServer((q, r) => r.end(String(++n))).listen(8080);";
const args = ["node", "-e", COUNTER];
const { signal } = new AbortController();

/** Wakes some two hundred times a second, as long as it has a processor. */
const TICKER = `setInterval(() => require('fs').writeFileSync('/tmp/now', String(Date.now())), 5);${COUNTER}`;

await withDocker("the life of containers", async () => {
  const lab = await openContainerLab();
  afterAll(() => lab[Symbol.asyncDispose]());

  describe("a container that is given back", () => {
    it("is frozen, and thawed as it was", async () => {
      await using prepared = await lab.prepare(lab.deploy({ container: { args } }), { isProven: true });
      const first = await prepared.start({ signal });
      expect(Object.keys(first.started?.phases ?? {})).toEqual(["create", "start", "ready"]);
      expect([await askOnce(first), first.started?.kind]).toEqual(["1", "cold"]);
      await first[Symbol.asyncDispose]();
      expect(prepared.resting).toEqual({ frozen: 1, stopped: 0 });
      const second = await prepared.start({ signal });
      expect([await askOnce(second), second.started?.kind]).toEqual(["2", "thaw"]);
      expect(Object.keys(second.started?.phases ?? {})).toEqual(["thaw"]);
      await second[Symbol.asyncDispose]();
      expect(await lab.list("{{.ID}}")).toHaveLength(1);
    });

    it("has no processor while it is frozen", async () => {
      const container = { args: ["node", "-e", TICKER] };
      await using prepared = await lab.prepare(lab.deploy({ container }), { isProven: true });
      const instance = await prepared.start({ signal });
      const [id = ""] = await lab.list("{{.ID}}");
      await using running = await prepared.start({ signal });
      const [other = ""] = (await lab.list("{{.ID}}")).filter((each) => each !== id);
      await Promise.all([askOnce(instance), askOnce(running)]);
      await instance[Symbol.asyncDispose]();
      const before = await countWakings(id);
      const otherBefore = await countWakings(other);
      await until("the other has woken often", async () => (await countWakings(other)) > otherBefore + 50);
      expect(await countWakings(id)).toBe(before);
    });

    it("is stopped after its time, started again for the next request, and removed after another", async () => {
      const container = { args, stopMs: 50, removeMs: 60_000 };
      await using prepared = await lab.prepare(lab.deploy({ container }), { isProven: true });
      const first = await prepared.start({ signal });
      await askOnce(first);
      const [id] = await lab.list("{{.ID}}");
      await first[Symbol.asyncDispose]();
      await until("it is stopped", () => prepared.resting?.stopped === 1, 15_000);
      expect(await lab.list("{{.ID}} {{.State}}")).toEqual([`${id} exited`]);
      const second = await prepared.start({ signal });
      expect(Object.keys(second.started?.phases ?? {})).toEqual(["start", "ready"]);
      expect([await askOnce(second), await lab.list("{{.ID}}")]).toEqual(["1", [id]]);
      await second[Symbol.asyncDispose]();
    });

    it("is made anew when somebody has removed it while it rested", async () => {
      await using prepared = await lab.prepare(lab.deploy({ container: { args } }), { isProven: true });
      const first = await prepared.start({ signal });
      await first[Symbol.asyncDispose]();
      const second = await prepared.start({ signal });
      await second[Symbol.asyncDispose]();
      const [id = ""] = await lab.list("{{.ID}}");
      // On cgroup v1 a frozen process dies when it thaws.
      await docker("kill", id).catch(() => {});
      const third = await prepared.start({ signal });
      expect(await askText(third)).toBe("1");
      await third[Symbol.asyncDispose]();
    });
  });

  describe("starts", () => {
    it("that are asked for together are one, for as many requests as one container takes", async () => {
      const deployment = lab.deploy({ container: { args } });
      const prepared = await lab.prepare(deployment, { isProven: true });
      const pool = new Pool({
        prepared,
        spec: deployment.spec,
        isConcurrent: true,
        clock: systemClock,
        log: silentLog,
      });
      const leases = await Promise.all(Array.from({ length: 50 }, async () => await pool.acquire({ signal })));
      expect(await lab.list("{{.ID}}")).toHaveLength(1);
      for (const lease of leases) lease.release();
      await pool[Symbol.asyncDispose]();
      expect(await lab.list("{{.ID}}")).toEqual([]);
    });

    it("that are cancelled leave nothing behind", async () => {
      await using prepared = await lab.prepare(lab.deploy({ container: { args } }), { isProven: true });
      for (const ms of [0, 20, 200]) {
        const error = await rejectionOf(prepared.start({ signal: AbortSignal.timeout(ms) }));
        expect(error.code).toBe("NEBULA_START_FAILED");
      }
      await until("nothing is left", async () => (await lab.list("{{.ID}}")).length === 0);
    });

    it("find an image again that somebody has removed from a network that somebody has removed", async () => {
      await using prepared = await lab.prepare(lab.deploy({ container: { args } }), { isProven: true });
      await (await prepared.start({ signal }))[Symbol.asyncDispose]();
      const ids = await lab.list("{{.ID}}");
      await (await prepared.start({ signal }))[Symbol.asyncDispose]();
      await docker("rm", "--force", ...ids).catch(() => {});
      await docker("network", "rm", `nebula-${await lab.nodeId()}-inside`).catch(() => {});
      await using instance = await prepared.start({ signal });
      expect(await askText(instance)).toBe("1");
    });
  });

  describe("an engine", () => {
    it("that is disposed leaves no container and no network, also of a state directory used again", async () => {
      const other = await openContainerLab();
      const prepared = await other.prepare(other.deploy({ container: { args } }), { isProven: true });
      const [left, used] = await Promise.all([prepared.start({ signal }), prepared.start({ signal })]);
      await left[Symbol.asyncDispose]();
      expect(await askText(used)).toBe("1");
      const node = await other.nodeId();
      await other[Symbol.asyncDispose]();
      expect(await docker("ps", "--all", "--quiet", "--filter", `label=nebula.node=${node}`)).toBe("");
      expect(await docker("network", "ls", "--quiet", "--filter", `label=nebula.node=${node}`)).toBe("");
      expect(await docker("images", "--quiet", `nebula-${node}/*`)).toBe("");
    });

    it("removes what a node of the same state directory has left, frozen or not, and nothing else", async () => {
      const stateDir = await mkdtemp(join(tmpdir(), "nebula-state-"));
      const before = await openContainerLab({ stateDir });
      const prepared = await before.prepare(before.deploy({ container: { args } }), { isProven: true });
      const [frozen, running] = await Promise.all([prepared.start({ signal }), prepared.start({ signal })]);
      await frozen[Symbol.asyncDispose]();
      const node = await before.nodeId();
      // What others have made: with our label, but without our name; with our name, but without our label.
      const labelled = await docker("create", "--label", `nebula.node=${node}`, "node:26-slim", "true");
      const named = await docker("create", "--name", `nebula-${node}-zzzzzz-1`, "node:26-slim", "true");
      const after = await openContainerLab({ stateDir });
      await until("the others are there alone", async () => (await after.list("{{.ID}}")).length === 1, 15_000);
      expect(await docker("ps", "--all", "--quiet", "--no-trunc", "--filter", `id=${labelled}`)).toBe(labelled);
      expect(await docker("ps", "--all", "--quiet", "--no-trunc", "--filter", `id=${named}`)).toBe(named);
      expect((await running.ended)?.code).toBe("NEBULA_GUEST_EXITED");
      await docker("rm", labelled, named);
      await before[Symbol.asyncDispose]();
      await after[Symbol.asyncDispose]();
      await rm(stateDir, { recursive: true, force: true });
    });

    it("without Docker says so, and what was proven comes back when Docker does", async () => {
      const lost = await openContainerLab({ dockerHost: "unix:///tmp/nebula-no-docker.sock" });
      const deployment = lost.deploy({ container: { args } });
      const error = await rejectionOf(lost.prepare(deployment));
      expect(error).toMatchObject({
        code: "NEBULA_PREPARE_FAILED",
        message:
          'Cannot prepare "guest": Docker cannot list containers: it is not there (no socket at /tmp/nebula-no-docker.sock)',
        hint: "install Docker and start its daemon",
      });
      const prepared = await lost.prepare(deployment, { isProven: true });
      expect((await rejectionOf(prepared.start({ signal }))).code).toBe("NEBULA_START_FAILED");
      await prepared[Symbol.asyncDispose]();
      await lost[Symbol.asyncDispose]();
    });
  });

  it("an artifact that is no image is refused", async () => {
    const deployment = {
      ...lab.deploy({}),
      artifact: { kind: "wasi-p1" as const, files: {}, savings: [], main: blob() },
    };
    const error = await rejectionOf(
      lab.engine.prepare(deployment, { signal, capabilities: noCapabilities, isProven: true }),
    );
    expect(error.message).toBe('Cannot prepare "guest": it has no image');
  });
});

/** Until nothing of the request goes on any more. */
async function askOnce(instance: Instance): Promise<string> {
  const { body, settled } = await ask(instance);
  const text = (await bytesOf(body)).toString();
  await settled;
  return text;
}

function blob() {
  return { digest: `sha256:${"0".repeat(64)}` as const, bytes: 0 };
}

/** How often the first process of a container has been given a processor after it had waited. */
async function countWakings(id: string): Promise<number> {
  const pid = await docker("inspect", "--format", "{{.State.Pid}}", id);
  const status = await readFile(`/proc/${pid}/status`, "latin1");
  return Number(/^voluntary_ctxt_switches:\t(\d+)$/m.exec(status)?.[1]);
}
