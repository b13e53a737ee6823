import { describe, expect, it } from "vitest";
import type { Nursery } from "../../../../src/engine/guest/nursery.ts";
import { Watchdog } from "../../../../src/engine/guest/watchdog.ts";
import { createIsolateEngine } from "../../../../src/engine/isolate/isolate-engine.ts";
import { createNurseries } from "../../../../src/engine/isolate/nurseries.ts";
import type { Runnable } from "../../../../src/model/deployment.ts";
import { NebulaError } from "../../../../src/model/errors.ts";
import { systemClock } from "../../../../src/model/ports.ts";
import { noCapabilities, rejectionOf } from "../../../support/capabilities.ts";
import { toSpec } from "../../../support/guest-source.ts";

/** Stands for a nursery, and counts how often it is disposed of. */
function createFake() {
  const fake = {
    disposed: 0,
    [Symbol.asyncDispose]: async () => {
      fake.disposed += 1;
    },
  };
  return { fake, nursery: fake as unknown as Nursery };
}

const missing = () =>
  new NebulaError("NEBULA_START_FAILED", 'Cannot start a guest process on Deno: the package "deno" is not installed', {
    hint: "npm install deno",
  });

describe("the nurseries of a node", () => {
  it("open that of Deno for the first function that asks, once", async () => {
    const [node, deno] = [createFake(), createFake()];
    let opened = 0;
    const nurseries = createNurseries(node.nursery, async () => {
      opened += 1;
      return deno.nursery;
    });
    expect(await nurseries.get("node")).toBe(node.nursery);
    expect(opened).toBe(0);
    expect(await Promise.all([nurseries.get("deno"), nurseries.get("deno")])).toEqual([deno.nursery, deno.nursery]);
    expect(opened).toBe(1);
    await nurseries[Symbol.asyncDispose]();
    expect([node.fake.disposed, deno.fake.disposed]).toEqual([1, 1]);
  });

  it("look again for Deno after it was missing, and have nothing of it to dispose of then", async () => {
    const [node, deno] = [createFake(), createFake()];
    let isInstalled = false;
    const nurseries = createNurseries(node.nursery, async () => {
      if (!isInstalled) throw missing();
      return deno.nursery;
    });
    expect((await rejectionOf(nurseries.get("deno"))).code).toBe("NEBULA_START_FAILED");
    isInstalled = true;
    expect(await nurseries.get("deno")).toBe(deno.nursery);
    const others = createNurseries(node.nursery, () => Promise.reject(missing()));
    await rejectionOf(others.get("deno"));
    await others[Symbol.asyncDispose]();
    expect(node.fake.disposed).toBe(1);
  });

  it("make a deployment fail that wants Deno where it is missing, with what to install", async () => {
    const engine = createIsolateEngine({
      nurseries: createNurseries(createFake().nursery, () => Promise.reject(missing())),
      watchdog: new Watchdog(systemClock),
      blobs: { read: async () => new Uint8Array(), stream: () => new ReadableStream() },
      clock: systemClock,
      onBackgroundLog: () => () => {},
    });
    const digest = `sha256:${"0".repeat(64)}` as const;
    const deployment: Runnable = {
      ...{ id: "d_1", digest, createdAtMs: 0, state: "ready" },
      spec: { ...toSpec({ files: {} }), runtime: "deno" },
      artifact: {
        kind: "js",
        style: "module",
        main: { name: "./index.js", kind: "js", digest, bytes: 0 },
        modules: [],
      },
    };
    const { signal } = new AbortController();
    const error = await rejectionOf(
      engine.prepare(deployment, { signal, capabilities: noCapabilities, isProven: false }),
    );
    expect(error).toMatchObject({ code: "NEBULA_PREPARE_FAILED", hint: "npm install deno" });
    expect(error.message).toContain('the package "deno" is not installed');
    await engine[Symbol.asyncDispose]();
  });
});
