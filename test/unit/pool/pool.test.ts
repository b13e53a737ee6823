/**
 * The pool before an engine and a clock that are the test's.
 */

import { describe, expect, test } from "vitest";
import { type Lease, Pool } from "../../../src/engine/pool.ts";
import { NebulaError } from "../../../src/model/errors.ts";
import { DEFAULT_SCALING, type Scaling } from "../../../src/model/function.ts";
import { type Log, silentLog } from "../../../src/model/ports.ts";
import { rejectionOf } from "../../support/capabilities.ts";
import { createFakeClock } from "../../support/fake-clock.ts";
import { createFakePrepared } from "../../support/fake-pool.ts";

const SCALING: Scaling = { ...DEFAULT_SCALING, maxInstances: 2, concurrency: 2, queueDepth: 10, idleMs: 1_000 };

function openPool(scaling: Partial<Scaling> = {}, { isConcurrent = true } = {}) {
  const clock = createFakeClock();
  const prepared = createFakePrepared();
  const warnings: string[] = [];
  const log: Log = { write: (_level, msg) => void warnings.push(msg) };
  const spec = { name: "guest", scaling: { ...SCALING, ...scaling } };
  const pool = new Pool({ prepared, spec, isConcurrent, clock, log });
  const { signal } = new AbortController();
  return {
    pool,
    clock,
    prepared,
    warnings,
    acquire: async (options = { signal }): Promise<Lease> => await pool.acquire(options),
  };
}

/** Lets everything that is ready happen. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("warm()", () => {
  test("starts one instance beside all requests, unless one is up or on its way", async () => {
    const { pool, prepared } = openPool();
    expect(pool.isWarm).toBe(false);
    pool.warm();
    pool.warm();
    await settle();
    expect(prepared.starts).toHaveLength(1);
    expect(pool.isWarm).toBe(false);
    prepared.starts[0]?.succeed();
    await settle();
    expect(pool.isWarm).toBe(true);
    pool.warm();
    await settle();
    expect(prepared.starts).toHaveLength(1);
  });

  test("is quiet once the pool has ended", async () => {
    const { pool, prepared } = openPool();
    await pool[Symbol.asyncDispose]();
    pool.warm();
    await settle();
    expect(prepared.starts).toEqual([]);
  });
});

describe("a start", () => {
  test("tells its parts to the request that waited for it, and how long it took to whoever wants to know", async () => {
    const clock = createFakeClock();
    const prepared = createFakePrepared();
    const started: [string, number][] = [];
    const onStarted = (kind: string, ms: number) => void started.push([kind, ms]);
    const spec = { name: "guest", scaling: SCALING };
    const pool = new Pool({ prepared, spec, isConcurrent: true, clock, log: silentLog, onStarted });
    const { signal } = new AbortController();
    const waiting = pool.acquire({ signal });
    await settle();
    clock.pass(9);
    Object.assign(prepared.starts[0]?.instance ?? {}, { started: { kind: "thaw", phases: { thaw: 4, ready: 5 } } });
    prepared.starts[0]?.succeed();
    expect(await waiting).toMatchObject({ startKind: "thaw", startMs: 9, startPhases: { thaw: 4, ready: 5 } });
    expect(await pool.acquire({ signal })).toMatchObject({ startKind: "warm", startMs: 0, startPhases: undefined });
    expect(started).toEqual([["thaw", 9]]);
  });
});

describe("status and findUsage()", () => {
  test("tell of instances, of their requests, of those that rest, and what they use that can say so", async () => {
    const { pool, acquire, prepared } = openPool();
    Object.assign(prepared, { resting: { frozen: 3, stopped: 1 } });
    expect(await pool.findUsage()).toBeUndefined();
    const waiting = [acquire(), acquire(), acquire()];
    await settle();
    expect(pool.status).toMatchObject({ starting: 2, inFlight: 0, waiting: 3 });
    const usages = [{ cpuMs: 5, memoryBytes: 100 }, { cpuMs: 7, memoryBytes: 200 }, undefined];
    for (const [i, { instance, succeed }] of prepared.starts.entries()) {
      Object.assign(instance, { findUsage: async () => usages[i] });
      succeed();
    }
    await Promise.all(waiting);
    expect(pool.status).toEqual({ starting: 0, idle: 0, busy: 2, frozen: 3, stopped: 1, inFlight: 3, waiting: 0 });
    expect(await pool.findUsage()).toEqual({ cpuMs: 12, memoryBytes: 300 });
  });
});

describe("acquire()", () => {
  test("tells a thaw from a cold start", async () => {
    const { acquire, prepared } = openPool();
    const waiting = acquire();
    await settle();
    const [start] = prepared.starts;
    Object.assign(start?.instance ?? {}, { started: { kind: "thaw", phases: {} } });
    start?.succeed();
    expect((await waiting).startKind).toBe("thaw");
  });

  test("starts one instance for requests that arrive together", async () => {
    const { acquire, prepared, clock } = openPool();
    const waiting = [acquire(), acquire()];
    await settle();
    expect(prepared.starts).toHaveLength(1);
    clock.pass(7);
    prepared.starts[0]?.succeed();
    const leases = await Promise.all(waiting);
    expect(leases.map(({ instance }) => instance)).toEqual(Array(2).fill(prepared.starts[0]?.instance));
    expect(leases.map(({ startKind, startMs, queueMs }) => [startKind, startMs, queueMs])).toEqual(
      Array(2).fill(["cold", 7, 0]),
    );
  });

  test("gives a warm instance at once, without a promise", async () => {
    const { pool, acquire, prepared } = openPool();
    const first = acquire();
    await settle();
    prepared.starts[0]?.succeed();
    await first;
    const second = pool.acquire({ signal: new AbortController().signal });
    expect(second).not.toBeInstanceOf(Promise);
    expect(second).toMatchObject({ startKind: "warm", startMs: 0, queueMs: 0 });
  });

  test("starts as many as those that wait can fill, up to the maximum", async () => {
    const { acquire, prepared, pool } = openPool({ maxInstances: 3, concurrency: 2 });
    const waiting = Array.from({ length: 9 }, () => acquire());
    await settle();
    expect(prepared.starts).toHaveLength(3);
    for (const start of prepared.starts) start.succeed();
    const served = await Promise.all(waiting.slice(0, 6));
    expect(new Set(served.map(({ instance }) => instance)).size).toBe(3);
    expect(pool.status).toMatchObject({ starting: 0, idle: 0, busy: 3, waiting: 3 });
    for (const lease of served) lease.release();
    await Promise.all(waiting);
  });

  test("gives one request at a time to an instance whose engine can do no more", async () => {
    const { acquire, prepared } = openPool({ concurrency: 100 }, { isConcurrent: false });
    const waiting = [acquire(), acquire()];
    await settle();
    expect(prepared.starts).toHaveLength(2);
    for (const start of prepared.starts) start.succeed();
    const [a, b] = await Promise.all(waiting);
    expect(a?.instance).not.toBe(b?.instance);
  });

  test("takes the instance with the fewest in flight", async () => {
    const { acquire, prepared } = openPool({ concurrency: 2 });
    const waiting = [acquire(), acquire(), acquire()];
    await settle();
    for (const start of prepared.starts) start.succeed();
    await Promise.all(waiting);
    expect((await acquire()).instance).toBe(prepared.starts[1]?.instance);
  });

  test("serves those that wait in the order in which they came", async () => {
    const { acquire, prepared, clock } = openPool({ maxInstances: 1, concurrency: 1 });
    const order: number[] = [];
    const waiting = [1, 2, 3].map(async (id) => {
      const lease = await acquire();
      order.push(id);
      return lease;
    });
    await settle();
    prepared.starts[0]?.succeed();
    for (const [i, each] of waiting.entries()) {
      const lease = await each;
      expect(order).toHaveLength(i + 1);
      expect(lease.queueMs).toBe(i * 5);
      clock.pass(5);
      lease.release();
      lease.release();
    }
    expect(order).toEqual([1, 2, 3]);
  });

  test("refuses when the queue is full, and says when to come again", async () => {
    const { acquire } = openPool({ queueDepth: 2, maxInstances: 1, concurrency: 2 });
    // Two that the instance on its way will serve, and two in the queue behind them.
    for (let i = 0; i < 4; i += 1) void acquire();
    const error = await rejectionOf(acquire());
    expect(error).toMatchObject({ code: "NEBULA_OVERLOADED", status: 503, details: { retryAfterSeconds: 1 } });
  });

  test("serves what a start can take when no queue is wanted", async () => {
    const { acquire, prepared } = openPool({ queueDepth: 0, maxInstances: 1, concurrency: 2 });
    const both = [acquire(), acquire()];
    expect(await rejectionOf(acquire())).toMatchObject({ code: "NEBULA_OVERLOADED" });
    await settle();
    prepared.starts[0]?.succeed();
    expect(await Promise.all(both)).toHaveLength(2);
  });

  test("refuses who has waited too long, and nobody else", async () => {
    const { acquire, clock, prepared } = openPool({ queueMs: 100, maxInstances: 1 });
    const first = rejectionOf(acquire());
    await settle();
    clock.pass(60);
    const second = acquire();
    clock.pass(60);
    expect(await first).toMatchObject({ code: "NEBULA_OVERLOADED" });
    prepared.starts[0]?.succeed();
    expect((await second).queueMs).toBe(0);
  });

  test("lets go of who has left, also before it came", async () => {
    const { acquire, pool } = openPool();
    const abort = new AbortController();
    const left = rejectionOf(acquire({ signal: abort.signal }));
    expect(pool.status.waiting).toBe(1);
    abort.abort();
    expect(await left).toMatchObject({ code: "NEBULA_CLIENT_GONE" });
    expect(pool.status.waiting).toBe(0);
    expect(await rejectionOf(acquire({ signal: abort.signal }))).toMatchObject({ code: "NEBULA_CLIENT_GONE" });
    expect(pool.status.waiting).toBe(0);
  });
});

describe("a start that fails", () => {
  test("is told to all that wait for it, and the next ones are tried after growing pauses", async () => {
    const { acquire, prepared, clock, warnings } = openPool();
    const broken = new NebulaError("NEBULA_START_FAILED", "broken");
    const pauses: number[] = [];
    for (let round = 1; round <= 10; round += 1) {
      const both = [rejectionOf(acquire()), rejectionOf(acquire())];
      await settle();
      let pausedMs = 0;
      while (prepared.starts.length < round) {
        clock.pass(10);
        pausedMs += 10;
        await settle();
      }
      pauses.push(pausedMs);
      prepared.starts[round - 1]?.fail(broken);
      expect(await Promise.all(both)).toEqual([broken, broken]);
    }
    expect(pauses).toEqual([0, 0, 50, 100, 200, 400, 800, 1_600, 3_200, 5_000]);
    expect(warnings).toEqual(Array(10).fill("start failed"));
  });

  test("does not harm those that another instance will serve", async () => {
    const { acquire, prepared } = openPool({ concurrency: 1 });
    const waiting = [acquire(), acquire()];
    await settle();
    prepared.starts[0]?.fail(new Error("broken"));
    await settle();
    prepared.starts[1]?.succeed();
    (await Promise.race(waiting)).release();
    await Promise.all(waiting);
  });

  test("is forgotten after a request that went well", async () => {
    const { acquire, prepared, clock } = openPool({ idleMs: 10 });
    for (const round of [0, 1]) {
      const lost = rejectionOf(acquire());
      await settle();
      prepared.starts[round]?.fail(new NebulaError("NEBULA_START_FAILED", "broken"));
      await lost;
    }
    const found = acquire();
    clock.pass(50);
    await settle();
    prepared.starts[2]?.succeed();
    (await found).release();
    clock.pass(20);
    void acquire();
    await settle();
    expect(prepared.starts).toHaveLength(4);
  });
});

describe("instances", () => {
  test("are stopped when they have been idle for long enough, down to none", async () => {
    const { acquire, prepared, clock, pool } = openPool({ idleMs: 1_000 });
    const waiting = acquire();
    await settle();
    prepared.starts[0]?.succeed();
    const lease = await waiting;
    clock.pass(5_000);
    expect(pool.status.busy).toBe(1);
    lease.release();
    clock.pass(999);
    expect(pool.status.idle).toBe(1);
    clock.pass(1);
    expect(pool.status).toMatchObject({ starting: 0, idle: 0, busy: 0, waiting: 0 });
    expect(prepared.starts[0]?.instance.isDisposed).toBe(true);
    expect(clock.waiting).toBe(0);
    void acquire();
    await settle();
    expect(prepared.starts).toHaveLength(2);
  });

  test("are as many as the minimum from the beginning, and stay so", async () => {
    const { prepared, clock, pool } = openPool({ minInstances: 2, maxInstances: 3, idleMs: 10 });
    await settle();
    expect(prepared.starts).toHaveLength(2);
    for (const start of prepared.starts) start.succeed();
    await settle();
    clock.pass(10_000);
    expect(pool.status.idle).toBe(2);
    prepared.starts[0]?.instance.die(new NebulaError("NEBULA_GUEST_EXITED", "died"));
    await settle();
    expect(prepared.starts).toHaveLength(3);
    prepared.starts[2]?.fail(new NebulaError("NEBULA_START_FAILED", "broken"));
    await settle();
    clock.pass(50);
    await settle();
    expect(prepared.starts).toHaveLength(4);
  });

  test("that die are replaced for those that wait", async () => {
    const { acquire, prepared, warnings } = openPool({ maxInstances: 1, concurrency: 1 });
    const first = acquire();
    await settle();
    prepared.starts[0]?.succeed();
    const lease = await first;
    const second = acquire();
    prepared.starts[0]?.instance.die(new NebulaError("NEBULA_MEMORY_LIMIT", "too much"));
    await settle();
    lease.release();
    prepared.starts[1]?.succeed();
    expect((await second).instance).toBe(prepared.starts[1]?.instance);
    expect(warnings).toEqual(["instance ended"]);
  });
});

describe("drain()", () => {
  test("serves those that wait, then ends every instance", async () => {
    const { acquire, prepared, pool } = openPool({ maxInstances: 1, concurrency: 1 });
    const first = acquire();
    const second = acquire();
    await settle();
    const drained = pool.drain();
    prepared.starts[0]?.succeed();
    (await first).release();
    const last = await second;
    expect(prepared.starts[0]?.instance.isDisposed).toBe(false);
    last.release();
    await drained;
    expect(prepared.starts[0]?.instance.isDisposed).toBe(true);
    expect(prepared.disposals).toBe(1);
    expect(await rejectionOf(acquire())).toMatchObject({ code: "NEBULA_DRAINING" });
  });

  test("ends also when what is in flight is ended by force", async () => {
    const { acquire, prepared, pool } = openPool();
    const first = acquire();
    await settle();
    prepared.starts[0]?.succeed();
    const lease = await first;
    const drained = pool.drain();
    await pool[Symbol.asyncDispose]();
    await drained;
    lease.release();
  });
});

describe("dispose", () => {
  test("refuses those that wait, stops what is starting, and is quiet when repeated", async () => {
    const { acquire, prepared, pool, clock } = openPool();
    const waiting = rejectionOf(acquire());
    await settle();
    const disposed = pool[Symbol.asyncDispose]();
    expect(await waiting).toMatchObject({ code: "NEBULA_DRAINING" });
    prepared.starts[0]?.succeed();
    await disposed;
    await pool[Symbol.asyncDispose]();
    expect(prepared.starts[0]?.instance.isDisposed).toBe(true);
    expect(clock.waiting).toBe(0);
    expect(pool.status).toMatchObject({ starting: 0, idle: 0, busy: 0, waiting: 0 });
  });

  test("ends a pause between starts", async () => {
    const { acquire, prepared, pool } = openPool();
    for (const round of [0, 1]) {
      const lost = rejectionOf(acquire());
      await settle();
      prepared.starts[round]?.fail(new NebulaError("NEBULA_START_FAILED", "broken"));
      await lost;
    }
    const waiting = rejectionOf(acquire());
    await settle();
    await pool[Symbol.asyncDispose]();
    expect(await waiting).toMatchObject({ code: "NEBULA_DRAINING" });
    expect(prepared.starts).toHaveLength(2);
  });
});
