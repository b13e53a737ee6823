/**
 * What a component that handles HTTP keeps: as with a command, what was acknowledged is there, and nothing else.
 */

import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Instance } from "../../src/engine/engine.ts";
import { ask, askText, bytesOf, noCapabilities, rejectionOf } from "../support/capabilities.ts";
import { openWasiLab, type WasiLab } from "../support/wasi-lab.ts";

const signal = new AbortController().signal;
const httpLab = await readFile(new URL("../fixtures/wasm/http-lab.wasm", import.meta.url));

async function openLab(stateDir?: string): Promise<WasiLab> {
  const lab = await openWasiLab(stateDir === undefined ? {} : { stateDir });
  onTestFinished(() => lab[Symbol.asyncDispose]());
  return lab;
}

async function start(lab: WasiLab): Promise<Instance> {
  const deployment = lab.deploy({ wasm: httpLab, kind: "component", name: "keeper", wasi: { state: "/state" } });
  const prepared = await lab.engine.prepare(deployment, { signal, capabilities: noCapabilities, isProven: true });
  return await prepared.start({ signal });
}

describe("the state directory of a component", () => {
  it("has what was written before the answer ended, also for the next node", async () => {
    const stateDir = await mkdtemp(join(tmpdir(), "nebula-state-"));
    onTestFinished(() => rm(stateDir, { recursive: true, force: true }));
    {
      await using lab = await openWasiLab({ stateDir });
      const instance = await start(lab);
      expect(await askText(instance, { path: "/keep/one." })).toBe("one.");
      expect(await askText(instance, { path: "/keep/two." })).toBe("one.two.");
    }
    expect(await askText(await start(await openLab(stateDir)), { path: "/keep/three." })).toBe("one.two.three.");
  });

  it("has what is written after the last byte of the answer, which waits for that", async () => {
    const instance = await start(await openLab());
    expect(await askText(instance, { path: "/late/one." })).toBe("one.");
    expect(await askText(instance, { path: "/keep/two." })).toBe("one.one.two.");
  });

  it("has what an answer without a body has written", async () => {
    const instance = await start(await openLab());
    await ask(instance, { method: "HEAD", path: "/keep/one." });
    expect(await askText(instance, { path: "/keep/two." })).toBe("one.two.");
  });

  it("has nothing of a request that failed when its answer was written", async () => {
    const instance = await start(await openLab());
    await askText(instance, { path: "/keep/one." });
    expect((await rejectionOf(askText(instance, { path: "/lose/lost." }))).code).toBe("NEBULA_GUEST_TRAPPED");
    expect(await askText(instance, { path: "/keep/two." })).toBe("one.two.");
  });

  it("has nothing of a request whose changes could not be kept, and that request fails", async () => {
    const lab = await openLab();
    const instance = await start(lab);
    await askText(instance, { path: "/keep/one." });
    // In the way of the file.
    const path = join(lab.stateDir, "states", "keeper.state");
    await rm(path);
    await mkdir(join(path, "in-the-way"), { recursive: true });
    expect((await rejectionOf(askText(instance, { path: "/keep/lost." }))).message).toContain("state directory");
    await rm(path, { recursive: true });
    expect(await askText(instance, { path: "/keep/two." })).toBe("one.two.");
  });

  it("has one request at a time, in whatever process", async () => {
    const instance = await start(await openLab());
    const answers = Array.from({ length: 8 }, () => ask(instance, { path: "/late/x" }));
    for (const answer of answers) await bytesOf((await answer).body);
    expect(await askText(instance, { path: "/keep/." })).toBe(`${"x".repeat(16)}.`);
  });
});
