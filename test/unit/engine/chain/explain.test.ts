import { describe, expect, test } from "vitest";
import type { Chain } from "../../../../src/engine/chain/chain.ts";
import { explainChoice, explainForms } from "../../../../src/engine/chain/explain.ts";
import type { Prepared } from "../../../../src/engine/engine.ts";
import { NebulaError } from "../../../../src/model/errors.ts";
import { ARTIFACTS, createFakeEngine, openTestChain, toAsk } from "../../../support/fake-chain.ts";
import { createFakeClock } from "../../../support/fake-clock.ts";
import { createFakePrepared } from "../../../support/fake-pool.ts";

const { call } = toAsk({ path: "/fib?n=40" });
const explain = (chain: Chain) => explainChoice(chain, call);

const good = () => createFakeEngine(createFakePrepared({ startsAtOnce: true }));
const failing = (code: "NEBULA_GUEST_EXITED" | "NEBULA_PREPARE_FAILED") => new NebulaError(code, `broken: ${code}`);

describe("explainChoice()", () => {
  test("of one form has nothing to choose", async () => {
    const chain = await openTestChain({ engines: { isolate: good() } });
    expect(explain(chain)).toEqual({ answers: { engine: "isolate", why: "it is the only form" } });
  });

  test("in the order of the list", async () => {
    const chain = await openTestChain({ engines: { wasi: good(), isolate: good() } });
    expect(explain(chain)).toEqual({
      answers: { engine: "wasi", why: "it comes first in the list" },
      next: { engine: "isolate", why: 'if "wasi" fails before its first byte, and the request may be made again' },
    });
  });

  test("when the first has been left out", async () => {
    const broken = createFakeEngine(() => Promise.reject(failing("NEBULA_PREPARE_FAILED")));
    const chain = await openTestChain({ engines: { wasi: broken, isolate: good() } });
    expect(explain(chain)).toEqual({
      answers: { engine: "isolate", why: '"wasi" is left out: broken: NEBULA_PREPARE_FAILED' },
    });
  });

  test("when the first keeps failing", async () => {
    const fetch = () => Promise.reject(failing("NEBULA_GUEST_EXITED"));
    const bad = createFakeEngine(createFakePrepared({ startsAtOnce: true, fetch }));
    const chain = await openTestChain({ engines: { wasi: bad, isolate: good() }, clock: createFakeClock() });
    for (let i = 0; i < 5; i += 1) await chain.fetch(toAsk());
    expect(explain(chain).answers).toEqual({
      engine: "isolate",
      why: '"wasi" keeps failing and is left alone for 900 ms',
    });
  });

  test("when the container has to be started first, and by what was measured afterwards", async () => {
    const chain = await openTestChain({
      engines: { container: good(), wasi: good() },
      settings: { strategy: "cold-race" },
    });
    expect(explain(chain).answers).toEqual({
      engine: "wasi",
      why: '"container" has no instance up; one is started beside the request',
    });
    chain.latencies.record(0, { request: 1, path: 1 }, 2);
    chain.latencies.record(1, { request: 1, path: 1 }, 0.5);
    expect(explain(chain).answers).toEqual({
      engine: "wasi",
      why: '"container" is expected to take longer: 0.5 ms here, 2 ms there',
    });
  });

  test("starts nothing, and counts nothing", async () => {
    const [wasi, container] = [createFakePrepared(), createFakePrepared()];
    const engines = { wasi: createFakeEngine(wasi), container: createFakeEngine(container) };
    const chain = await openTestChain({ engines, settings: { strategy: "fastest" } });
    for (let i = 0; i < 20; i += 1) explain(chain);
    expect([wasi.starts, container.starts]).toEqual([[], []]);
    expect(chain.forms.every(({ breaker }) => breaker.state === "closed")).toBe(true);
  });

  test("when nothing can answer", async () => {
    const missing = Object.assign(new Error("no Docker"), { code: "ENOENT" });
    const container = createFakeEngine(() => Promise.reject(missing));
    await using chain = await openTestChain({ engines: { container }, isProven: true });
    expect(explain(chain)).toEqual({});
  });
});

describe("explainForms()", () => {
  test("tells what each runs, how it is, and what was measured", async () => {
    const clock = createFakeClock();
    const inner = createFakePrepared({
      startsAtOnce: true,
      fetch: async () => {
        clock.pass(4);
        return { head: { status: 200, headers: [] }, body: null };
      },
    });
    const slow: Prepared = {
      ...inner,
      resting: { frozen: 1, stopped: 2 },
      start: async (options) => {
        clock.pass(80);
        return await inner.start(options);
      },
    };
    const archived = { ...ARTIFACTS.container, archive: { digest: `sha256:${"1".repeat(64)}`, bytes: 5_000 } } as const;
    const chain = await openTestChain({
      engines: { container: createFakeEngine(slow), wasi: good(), isolate: good() },
      forms: [
        { engine: "container", artifact: archived },
        { engine: "wasi", failure: "Cannot componentize" },
        { engine: "isolate", artifact: ARTIFACTS.isolate },
      ],
      settings: { weaker: [], strategy: "fastest" },
      clock,
    });
    await chain.fetch(toAsk({ path: "/fib?n=40" }));
    await chain.fetch(toAsk({ path: "/fib?n=40" }));
    const [container, wasi, isolate] = explainForms(chain, call);
    expect(container).toEqual({
      engine: "container",
      isolation: "strong",
      state: "ready",
      artifact: { kind: "image", digest: `sha256:${"0".repeat(64)}`, bytes: 5_000 },
      breaker: { state: "closed", opensInMs: 0 },
      instances: { starting: 0, idle: 1, busy: 0, frozen: 1, stopped: 2 },
      estimates: { runMs: 4, coldMs: 80 },
      expectedMs: 4,
    });
    expect(wasi).toMatchObject({
      state: "failed",
      failure: { code: "NEBULA_BUILD_FAILED", message: "Cannot componentize" },
    });
    expect(isolate).toMatchObject({
      isolation: "weaker",
      state: "weaker",
      artifact: { kind: "js", bytes: 1 },
      estimates: {},
    });
  });
});
