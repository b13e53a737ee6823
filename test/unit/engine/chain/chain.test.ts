/**
 * The chain before engines that are closures of the test.
 */

import { describe, expect, test } from "vitest";
import type { Ask } from "../../../../src/engine/chain/chain.ts";
import type { InstanceAnswer, Prepared } from "../../../../src/engine/engine.ts";
import type { Form } from "../../../../src/model/deployment.ts";
import { type ErrorCode, NebulaError } from "../../../../src/model/errors.ts";
import type { EngineName } from "../../../../src/model/function.ts";
import type { Log } from "../../../../src/model/ports.ts";
import { rejectionOf } from "../../../support/capabilities.ts";
import {
  ARTIFACTS,
  type AskChange,
  createFakeEngine,
  openTestChain,
  type TestChainOptions,
  toAsk,
} from "../../../support/fake-chain.ts";
import { createFakeClock } from "../../../support/fake-clock.ts";
import { createFakePrepared, type FakePrepared } from "../../../support/fake-pool.ts";

const error = (code: ErrorCode, details = {}) => new NebulaError(code, `broken by the test: ${code}`, { details });

/** Lets everything that is ready happen. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** What the instances of a form do: a code to fail with, or nothing. */
type Doing = { fails?: NebulaError; failsToStart?: NebulaError; asked: Ask["call"][] };

/** A form whose instances do what `doing` says at the time. */
function createForm(): Doing & { prepared: Prepared } {
  const asked: Ask["call"][] = [];
  const inner = createFakePrepared({
    startsAtOnce: true,
    fetch: async (call): Promise<Omit<InstanceAnswer, "settled">> => {
      asked.push(call);
      if (form.fails !== undefined) throw form.fails;
      return { head: { status: 200, headers: [] }, body: null };
    },
  });
  const prepared: Prepared = {
    start: async (options) => {
      if (form.failsToStart !== undefined) throw form.failsToStart;
      return await inner.start(options);
    },
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
  const form: Doing & { prepared: Prepared } = { asked, prepared };
  return form;
}

async function open(names: readonly EngineName[], options: Partial<TestChainOptions> = {}) {
  const clock = createFakeClock();
  const lines: string[] = [];
  const log: Log = { write: (_level, msg, fields = {}) => void lines.push(`${msg} ${fields.engine ?? ""}`.trim()) };
  const forms = Object.fromEntries(names.map((name) => [name, createForm()])) as Record<
    EngineName,
    Doing & { prepared: Prepared }
  >;
  const engines = Object.fromEntries(names.map((name) => [name, createFakeEngine(forms[name].prepared)]));
  const chain = await openTestChain({ engines, clock, log, ...options });
  const ask = async (change: AskChange = {}) => {
    const asked = toAsk(change);
    const failure = await chain.fetch(asked).then(
      () => undefined,
      (thrown: NebulaError) => thrown,
    );
    await settle();
    const { engine, fallback } = asked.trace;
    return { engine, fallback, code: failure?.code };
  };
  return { chain, forms, clock, lines, ask };
}

describe("a request", () => {
  test("is answered by the first of the list, and nothing is said of a fall-back", async () => {
    const { ask, forms } = await open(["wasi", "isolate"]);
    expect(await ask()).toEqual({ engine: "wasi", fallback: undefined, code: undefined });
    expect(forms.isolate.asked).toEqual([]);
  });

  test("is answered by the next when the first cannot start, whatever its method", async () => {
    const { ask, forms } = await open(["wasi", "isolate"]);
    forms.wasi.failsToStart = error("NEBULA_START_FAILED");
    const wanted = { engine: "isolate", fallback: "wasi: NEBULA_START_FAILED", code: undefined };
    expect(await ask({ method: "POST", body: new Uint8Array(3) })).toEqual(wanted);
    expect(await ask({ method: "POST", body: new ReadableStream() })).toEqual(wanted);
  });

  test("is answered by the next when the first dies, if it may be repeated", async () => {
    const { ask, forms } = await open(["wasi", "isolate"]);
    forms.wasi.fails = error("NEBULA_GUEST_EXITED");
    expect(await ask()).toEqual({ engine: "isolate", fallback: "wasi: NEBULA_GUEST_EXITED", code: undefined });
    const failed = { engine: "wasi", fallback: undefined, code: "NEBULA_GUEST_EXITED" };
    expect(await ask({ method: "POST", body: new Uint8Array(3) })).toEqual(failed);
    expect(await ask({ body: new ReadableStream() })).toEqual(failed);
  });

  test("with a body is repeated when its function says that it may be", async () => {
    const { ask, forms } = await open(["wasi", "isolate"], { settings: { isIdempotent: true } });
    forms.wasi.fails = error("NEBULA_PROTOCOL_BROKEN");
    const body = new Uint8Array([1, 2, 3]);
    expect(await ask({ method: "POST", body })).toMatchObject({ engine: "isolate", code: undefined });
    expect(forms.isolate.asked[0]?.body).toBe(body);
    expect(await ask({ method: "POST", body: new ReadableStream() })).toMatchObject({ code: "NEBULA_PROTOCOL_BROKEN" });
    expect(forms.isolate.asked).toHaveLength(1);
  });

  test.each<ErrorCode>(["NEBULA_WALL_LIMIT", "NEBULA_CPU_LIMIT", "NEBULA_MEMORY_LIMIT", "NEBULA_GUEST_THREW"])(
    "that ends with %s is not made elsewhere",
    async (code) => {
      const { ask, forms } = await open(["wasi", "isolate"]);
      forms.wasi.fails = error(code);
      expect(await ask()).toEqual({ engine: "wasi", fallback: undefined, code });
      expect(forms.isolate.asked).toEqual([]);
    },
  );

  test("goes through the whole list, and fails with what the last of it fails with", async () => {
    const { ask, forms } = await open(["container", "wasi", "isolate"]);
    forms.container.failsToStart = error("NEBULA_START_FAILED");
    forms.wasi.fails = error("NEBULA_GUEST_EXITED");
    forms.isolate.fails = error("NEBULA_PROTOCOL_BROKEN");
    expect(await ask()).toEqual({
      engine: "isolate",
      fallback: "container: NEBULA_START_FAILED, wasi: NEBULA_GUEST_EXITED",
      code: "NEBULA_PROTOCOL_BROKEN",
    });
  });

  test("whose client has left is not made again", async () => {
    const { chain, forms } = await open(["wasi", "isolate"]);
    const abort = new AbortController();
    forms.wasi.fails = error("NEBULA_GUEST_EXITED");
    const answer = chain.fetch(toAsk({ signal: abort.signal }));
    abort.abort();
    await rejectionOf(answer);
    expect(forms.isolate.asked).toEqual([]);
  });

  test("counts as waiting what it has lost elsewhere", async () => {
    const clock = createFakeClock();
    const slow = createFakePrepared({
      startsAtOnce: true,
      fetch: async () => {
        clock.pass(30);
        throw error("NEBULA_GUEST_EXITED");
      },
    });
    const good = createFakePrepared({
      startsAtOnce: true,
      fetch: async () => {
        clock.pass(5);
        return { head: { status: 200, headers: [] }, body: null };
      },
    });
    const engines = { wasi: createFakeEngine(slow), isolate: createFakeEngine(good) };
    const chain = await openTestChain({ engines, clock });
    const ask = toAsk();
    await chain.fetch(ask);
    expect(ask.trace).toMatchObject({ queueMs: 30, runMs: 5, engine: "isolate" });
  });

  test("to turn into another protocol goes where that can be", async () => {
    const forms = { wasi: createForm(), container: createForm() };
    const engines = {
      wasi: createFakeEngine(forms.wasi.prepared),
      container: createFakeEngine(forms.container.prepared, { mayUpgrade: true }),
    };
    const chain = await openTestChain({ engines });
    expect(chain.mayUpgrade).toBe(true);
    const ask = toAsk({ upgrade: "websocket" });
    await chain.fetch(ask);
    expect(ask.trace).toMatchObject({ engine: "container", fallback: "wasi: no upgrade" });
  });
});

describe("a form that keeps failing", () => {
  test("is left alone after five, and asked again with one request", async () => {
    const { ask, forms, clock } = await open(["wasi", "isolate"]);
    forms.wasi.fails = error("NEBULA_GUEST_EXITED");
    for (let i = 0; i < 5; i += 1) await ask();
    expect(await ask()).toEqual({ engine: "isolate", fallback: "wasi: breaker open", code: undefined });
    expect(forms.wasi.asked).toHaveLength(5);
    clock.pass(1_000);
    delete forms.wasi.fails;
    expect(await ask()).toMatchObject({ engine: "wasi", fallback: undefined });
    expect(await ask()).toMatchObject({ engine: "wasi" });
  });

  test("gets one of two requests that come together when its time is up", async () => {
    const { ask, forms, clock } = await open(["wasi", "isolate"]);
    forms.wasi.fails = error("NEBULA_GUEST_EXITED");
    for (let i = 0; i < 5; i += 1) await ask();
    clock.pass(1_000);
    const both = await Promise.all([ask(), ask()]);
    expect(forms.wasi.asked).toHaveLength(6);
    expect(both.map(({ fallback }) => fallback)).toEqual(["wasi: NEBULA_GUEST_EXITED", "wasi: breaker open"]);
  });

  test("is asked all the same when there is no other", async () => {
    const { ask, forms } = await open(["wasi", "isolate"]);
    for (const form of [forms.wasi, forms.isolate]) form.fails = error("NEBULA_GUEST_EXITED");
    for (let i = 0; i < 6; i += 1) expect(await ask()).toMatchObject({ code: "NEBULA_GUEST_EXITED" });
    delete forms.isolate.fails;
    expect(await ask()).toMatchObject({ engine: "isolate", code: undefined });
  });

  test("is never left alone when it is the only one", async () => {
    const { ask, forms } = await open(["wasi"]);
    forms.wasi.fails = error("NEBULA_GUEST_EXITED");
    for (let i = 0; i < 20; i += 1) await ask();
    expect(forms.wasi.asked).toHaveLength(20);
  });

  test("is not one whose code throws, or whose requests break limits", async () => {
    const { ask, forms } = await open(["wasi", "isolate"]);
    for (const code of ["NEBULA_GUEST_THREW", "NEBULA_CPU_LIMIT"] as const) {
      forms.wasi.fails = error(code);
      for (let i = 0; i < 20; i += 1) expect(await ask()).toMatchObject({ engine: "wasi", code });
    }
  });
});

describe("a request whose instance ended because of another", () => {
  const innocent = () => error("NEBULA_GUEST_EXITED", { isInnocent: true });

  test("gets another instance of the only form, once", async () => {
    const { ask, forms } = await open(["isolate"]);
    forms.isolate.fails = innocent();
    expect(await ask()).toEqual({
      engine: "isolate",
      fallback: "isolate: NEBULA_GUEST_EXITED",
      code: "NEBULA_GUEST_EXITED",
    });
    expect(forms.isolate.asked).toHaveLength(2);
  });

  test("is not made again when it may not be", async () => {
    const { ask, forms } = await open(["isolate"]);
    forms.isolate.fails = innocent();
    await ask({ method: "POST" });
    expect(forms.isolate.asked).toHaveLength(1);
  });

  test("goes to the next form where there is one", async () => {
    const { ask, forms } = await open(["isolate", "wasi"]);
    forms.isolate.fails = innocent();
    expect(await ask()).toMatchObject({ engine: "wasi", code: undefined });
    expect(forms.isolate.asked).toHaveLength(1);
  });

  test("whoever may have been to blame is not asked again where there is no other form", async () => {
    const { ask, forms } = await open(["isolate"]);
    forms.isolate.fails = error("NEBULA_GUEST_EXITED");
    await ask();
    expect(forms.isolate.asked).toHaveLength(1);
  });
});

describe("a form that cannot be prepared", () => {
  const broken = (failure: Error) => createFakeEngine(() => Promise.reject(failure));
  const missing = () =>
    new NebulaError("NEBULA_PREPARE_FAILED", "Cannot prepare: no Docker", {
      cause: Object.assign(new Error("connect ENOENT"), { code: "ENOENT" }),
    });

  test("is left out, and that is logged and told", async () => {
    const good = createForm();
    const engines = { wasi: broken(error("NEBULA_PREPARE_FAILED")), isolate: createFakeEngine(good.prepared) };
    const { ask, chain, lines } = await open([], { engines });
    expect(await ask()).toEqual({ engine: "isolate", fallback: "wasi: NEBULA_PREPARE_FAILED", code: undefined });
    expect(lines).toEqual(["form left out wasi"]);
    expect(chain.listLeftOut()).toEqual(['"wasi" is left out: broken by the test: NEBULA_PREPARE_FAILED']);
    expect(chain.engine).toBe("isolate");
  });

  test("that was not built is left out too", async () => {
    const forms: Form[] = [
      { engine: "wasi", failure: "Cannot componentize" },
      { engine: "isolate", artifact: ARTIFACTS.isolate },
    ];
    const good = createForm();
    const { ask, chain } = await open([], { engines: { isolate: createFakeEngine(good.prepared) }, forms });
    expect(await ask()).toMatchObject({ engine: "isolate", fallback: "wasi: NEBULA_BUILD_FAILED" });
    expect(chain.forms[0]?.failure?.message).toBe("Cannot componentize");
  });

  test("fails the deployment with what the first of the list fails with, when none can be prepared", async () => {
    const engines = { wasi: broken(error("NEBULA_PREPARE_FAILED")), container: broken(missing()) };
    const thrown = await rejectionOf(open([], { engines }));
    expect(thrown).toMatchObject({
      code: "NEBULA_PREPARE_FAILED",
      message: "broken by the test: NEBULA_PREPARE_FAILED",
    });
  });

  test("for an engine that the node does not have, says so", async () => {
    const forms: Form[] = [{ engine: "container", artifact: ARTIFACTS.container }];
    const thrown = await rejectionOf(open([], { engines: {}, forms }));
    expect(thrown.message).toBe('Cannot prepare "guest": this node has no engine "container"');
  });

  test("joins when what it lacked has come, after pauses that grow", async () => {
    const good = [createForm(), createForm()];
    let isThere = false;
    let attempts = 0;
    const container = createFakeEngine(async () => {
      attempts += 1;
      if (!isThere || good[0] === undefined) throw missing();
      return good[0].prepared;
    });
    const engines = { container, wasi: createFakeEngine(good[1]?.prepared ?? createFakePrepared()) };
    const { ask, clock, lines } = await open([], { engines, random: () => 0 });
    const attemptsAfter: number[] = [];
    for (const ms of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
      clock.pass(ms - 1);
      await settle();
      const before = attempts;
      clock.pass(1);
      await settle();
      attemptsAfter.push(attempts - before);
    }
    expect(attemptsAfter).toEqual(Array(8).fill(1));
    expect(await ask()).toMatchObject({ engine: "wasi", fallback: "container: NEBULA_PREPARE_FAILED" });
    isThere = true;
    clock.pass(60_000);
    await settle();
    expect(await ask()).toEqual({ engine: "container", fallback: undefined, code: undefined });
    expect(lines).toEqual(["form left out container", "form joins container"]);
    expect(clock.waiting).toBeLessThanOrEqual(2);
  });

  test("by its own fault is not tried again", async () => {
    const engines = { wasi: broken(error("NEBULA_PREPARE_FAILED")), isolate: createFakeEngine(createForm().prepared) };
    const { clock } = await open([], { engines });
    expect(clock.waiting).toBe(0);
  });

  test("keeps a function that was there before from nothing but answering", async () => {
    const good = createForm();
    let isThere = false;
    const container = createFakeEngine(async () => {
      if (!isThere) throw missing();
      return good.prepared;
    });
    const { ask, clock } = await open([], { engines: { container }, isProven: true, random: () => 0 });
    expect(await ask()).toMatchObject({ code: "NEBULA_START_FAILED" });
    isThere = true;
    clock.pass(1_000);
    await settle();
    expect(await ask()).toMatchObject({ engine: "container", code: undefined });
  });

  test("need not be waited for when the node starts: it joins when it is ready", async () => {
    const [slow, quick] = [createForm(), createForm()];
    const gate = Promise.withResolvers<void>();
    const container = createFakeEngine(async () => {
      await gate.promise;
      return slow.prepared;
    });
    const engines = { container, wasi: createFakeEngine(quick.prepared) };
    const { ask, chain } = await open([], { engines, isProven: true });
    expect(await ask()).toMatchObject({ engine: "wasi", fallback: "container: preparing" });
    expect(chain.forms[0]).toMatchObject({ pool: undefined, failure: undefined });
    gate.resolve();
    await settle();
    expect(await ask()).toMatchObject({ engine: "container", fallback: undefined });
  });

  test("late, after the function has ended, leaves nothing", async () => {
    const gate = Promise.withResolvers<void>();
    const late = createFakePrepared();
    const container = createFakeEngine(async () => {
      await gate.promise;
      return late;
    });
    const engines = { container, wasi: createFakeEngine(createForm().prepared) };
    const { chain } = await open([], { engines, isProven: true });
    const ending = chain[Symbol.asyncDispose]();
    gate.resolve();
    await ending;
    expect(late.disposals).toBe(1);
  });

  test("has to be tried again where several were deployed, because the one that failed is not known", async () => {
    const seen: boolean[] = [];
    const watch = (prepared: Prepared) => {
      const engine = createFakeEngine(prepared);
      return {
        ...engine,
        prepare: async (...[deployment, options]: Parameters<typeof engine.prepare>) => {
          seen.push(options.isProven);
          return await engine.prepare(deployment, options);
        },
      };
    };
    const two = { wasi: watch(createForm().prepared), container: watch(createForm().prepared) };
    await open([], { engines: two, isProven: true });
    await open([], { engines: { wasi: watch(createForm().prepared) }, isProven: true });
    expect(seen).toEqual([false, false, true]);
  });
});

describe("isolation", () => {
  test("an isolate does not take over from stronger engines, whatever becomes of them", async () => {
    const { ask, forms, chain } = await open(["wasi", "isolate"], { settings: { weaker: [] } });
    forms.wasi.fails = error("NEBULA_GUEST_EXITED");
    expect(await ask()).toMatchObject({ engine: "wasi", code: "NEBULA_GUEST_EXITED" });
    expect(chain.forms[1]).toMatchObject({ isBarred: true, pool: undefined });
    expect(chain.listLeftOut()[0]).toContain("allow_weaker");
  });

  test("nor when they could not be built or prepared: the failure names the key that would allow it", async () => {
    const forms: Form[] = [
      { engine: "wasi", failure: "Cannot componentize" },
      { engine: "isolate", artifact: ARTIFACTS.isolate },
    ];
    const engines = { isolate: createFakeEngine(createForm().prepared) };
    const thrown = await rejectionOf(open([], { engines, forms, settings: { weaker: [] } }));
    expect(thrown).toMatchObject({
      code: "NEBULA_PREPARE_FAILED",
      hint: expect.stringContaining('allow_weaker = ["isolate"]'),
    });
    expect(thrown.message).toBe('Cannot componentize; "isolate" may not take over, because it isolates less');
  });
});

describe("the end", () => {
  test("drain() waits for every form, and leaves nothing", async () => {
    const feeds = new Map<string, PromiseWithResolvers<void>>();
    const make = (name: string): FakePrepared => {
      const settled = Promise.withResolvers<void>();
      feeds.set(name, settled);
      const head = { status: 200, headers: [] };
      return createFakePrepared({
        startsAtOnce: true,
        fetch: async () => ({ head, body: null, settled: settled.promise }),
      });
    };
    const [wasi, container] = [make("wasi"), make("container")];
    const forms = { wasi: createFakeEngine(wasi), container: createFakeEngine(container, { mayUpgrade: true }) };
    const chain = await openTestChain({ engines: forms });
    await chain.fetch(toAsk());
    await chain.fetch(toAsk({ upgrade: "websocket" }));
    let isOver = false;
    const draining = chain.drain().then(() => {
      isOver = true;
    });
    feeds.get("wasi")?.resolve();
    await settle();
    expect(isOver).toBe(false);
    feeds.get("container")?.resolve();
    await draining;
    expect([wasi.disposals, container.disposals]).toEqual([1, 1]);
  });

  test("stops trying what has been left out", async () => {
    const clock = createFakeClock();
    const failing = createFakeEngine(() => Promise.reject(Object.assign(new Error("no"), { code: "ECONNREFUSED" })));
    const engines = { container: failing, wasi: createFakeEngine(createForm().prepared) };
    const chain = await openTestChain({ engines, clock });
    expect(clock.waiting).toBe(1);
    await chain[Symbol.asyncDispose]();
    expect(clock.waiting).toBe(0);
  });
});
