/**
 * A load of light and heavy requests on engines whose speed is known: a chain that chooses is about as good as the
 * best single engine for each of the two. Time is the test's, and chance has a seed.
 */

import { describe, expect, test } from "vitest";
import type { Prepared } from "../../../../src/engine/engine.ts";
import type { EngineName, Strategy } from "../../../../src/model/function.ts";
import { createFakeEngine, openTestChain, toAsk } from "../../../support/fake-chain.ts";
import { createFakeClock, type FakeClock } from "../../../support/fake-clock.ts";
import { createFakePrepared } from "../../../support/fake-pool.ts";
import { createRandom } from "../../../support/random.ts";

/** Milliseconds: of a start, of a request with nothing to do, and of each unit of work. */
interface Speed {
  readonly startMs: number;
  readonly overheadMs: number;
  readonly unitMs: number;
}

const REQUESTS = 4_000;
const LIGHT = { paths: ["/", "/about", "/list?page=1", "/list?page=2", "/search?q=a", "/search?q=b"], units: 1 };
const HEAVY = { paths: ["/fib?n=40", "/fib?n=41", "/fib?n=42", "/draw?size=2000"], units: 1_000 };
const HEAVY_RATIO = 0.1;

/** A form whose requests take what they should, a fifth more or less, and one of a hundred three times that. */
function createForm({ startMs, overheadMs, unitMs }: Speed, clock: FakeClock, random: () => number) {
  const inner = createFakePrepared({
    startsAtOnce: true,
    fetch: async ({ head: { url } }) => {
      const units = HEAVY.paths.some((path) => url.endsWith(path)) ? HEAVY.units : LIGHT.units;
      const noise = (0.8 + 0.4 * random()) * (random() < 0.01 ? 3 : 1);
      clock.pass((overheadMs + units * unitMs) * noise);
      return { head: { status: 200, headers: [] }, body: null };
    },
  });
  const starts = { count: 0 };
  const prepared: Prepared = {
    start: async (options) => {
      starts.count += 1;
      const { promise, resolve } = Promise.withResolvers<void>();
      clock.after(startMs, resolve);
      await promise;
      return await inner.start(options);
    },
    [Symbol.asyncDispose]: async () => {},
  };
  return { prepared, starts };
}

/** Lets everything that is ready happen. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

async function run(
  speeds: Partial<Record<EngineName, Speed>>,
  { strategy, seed }: { strategy: Strategy; seed: number },
) {
  const clock = createFakeClock();
  const [random, noise] = [createRandom(seed), createRandom(seed + 99)];
  const names = Object.keys(speeds) as EngineName[];
  const forms = names.map((name) => [name, createForm(speeds[name] as Speed, clock, noise)] as const);
  const engines = Object.fromEntries(forms.map(([name, { prepared }]) => [name, createFakeEngine(prepared)]));
  await using chain = await openTestChain({ engines, clock, random: noise, settings: { strategy } });
  const tookMs: number[] = [];
  let compared = 0;
  let waitedForStart = 0;
  for (let i = 0; i < REQUESTS; i += 1) {
    const { paths } = random() < HEAVY_RATIO ? HEAVY : LIGHT;
    const ask = toAsk({ path: paths[Math.floor(random() * paths.length)] ?? "/" });
    const sinceMs = clock.nowMs();
    const answer = chain.fetch(ask);
    // Whoever waits for a start waits until time passes.
    for (let isDone = false; !isDone; ) {
      await settle();
      isDone = await Promise.race([answer.then(() => true), settle().then(() => false)]);
      if (!isDone) clock.pass(1);
    }
    tookMs.push(clock.nowMs() - sinceMs);
    if (ask.trace.fallback?.includes("being compared")) compared += 1;
    if (ask.trace.startMs > 0) waitedForStart += 1;
  }
  tookMs.sort((a, b) => a - b);
  const at = (ratio: number) => tookMs[Math.floor(ratio * REQUESTS)] ?? Number.NaN;
  const starts = Object.fromEntries(forms.map(([name, form]) => [name, form.starts.count]));
  return { p50: at(0.5), p99: at(0.99), compared, waitedForStart, starts };
}

/** The best of what single engines reach, each figure for itself. */
async function findBest(speeds: Partial<Record<EngineName, Speed>>, seed: number) {
  const names = Object.keys(speeds) as EngineName[];
  const all = await Promise.all(names.map((name) => run({ [name]: speeds[name] }, { strategy: "ordered", seed })));
  return { p50: Math.min(...all.map(({ p50 }) => p50)), p99: Math.min(...all.map(({ p99 }) => p99)) };
}

/** Wasm starts in no time and is slow at work; the container is the other way round. */
const USUAL = {
  wasi: { startMs: 1, overheadMs: 0.15, unitMs: 0.06 },
  container: { startMs: 500, overheadMs: 1.5, unitMs: 0.02 },
};
/** An interpreter in Wasm, a compiler in the isolate, a container between them. */
const THREE = {
  wasi: { startMs: 1, overheadMs: 0.2, unitMs: 0.5 },
  container: { startMs: 800, overheadMs: 1.2, unitMs: 0.05 },
  isolate: { startMs: 4, overheadMs: 0.1, unitMs: 0.02 },
};
/** The first of the list is the best at everything. */
const NO_CONTEST = {
  wasi: { startMs: 1, overheadMs: 0.1, unitMs: 0.01 },
  container: { startMs: 500, overheadMs: 1.5, unitMs: 0.02 },
};

/** The container is the best at everything, once it is up. */
const LATE = {
  wasi: { startMs: 1, overheadMs: 0.5, unitMs: 0.06 },
  container: { startMs: 500, overheadMs: 0.3, unitMs: 0.02 },
};

describe.each(["cold-race", "fastest"] as const)("%s", (strategy) => {
  test.each([
    ["wasm and a container", USUAL],
    ["the container first", { container: USUAL.container, wasi: USUAL.wasi }],
    ["a first that is best", NO_CONTEST],
    ["a container that is best", LATE],
  ])("is at most a tenth slower than the best single engine: %s", async (_title, speeds) => {
    for (const seed of [1, 2, 3]) {
      const [best, reached] = await Promise.all([findBest(speeds, seed), run(speeds, { strategy, seed })]);
      expect(reached.p50 / best.p50).toBeLessThan(1.1);
      expect(reached.p99 / best.p99).toBeLessThan(1.1);
      expect(reached.starts.container).toBe(1);
    }
  });
});

describe("fastest", () => {
  test("finds the best of three, whatever their order", async () => {
    const { wasi, container, isolate } = THREE;
    for (const speeds of [THREE, { isolate, wasi, container }, { container, isolate, wasi }]) {
      const [best, reached] = await Promise.all([findBest(speeds, 7), run(speeds, { strategy: "fastest", seed: 7 })]);
      expect(reached.p50 / best.p50).toBeLessThan(1.1);
      expect(reached.p99 / best.p99).toBeLessThan(1.1);
    }
  });

  test("compares with few requests, and lets none of them wait for a start", async () => {
    const reached = await run(THREE, { strategy: "fastest", seed: 5 });
    expect(reached.compared).toBeLessThanOrEqual(8 + REQUESTS / 256);
    expect(reached.compared).toBeGreaterThan(2);
    expect(reached.waitedForStart).toBe(1);
  });
});
