import { describe, expect, test } from "vitest";
import { LoopWatch } from "../../../src/telemetry/loop-watch.ts";
import { createFakeClock } from "../../support/fake-clock.ts";

describe("look()", () => {
  test("tells by how much the loop was late between two looks, and nothing at the first", () => {
    const clock = createFakeClock();
    // A loop that is held up for 30 ms at each turn.
    const held = { ...clock, after: (ms: number, callback: () => void) => clock.after(ms + 30, callback) };
    using watch = new LoopWatch(held);
    expect(watch.look()).toBeUndefined();
    clock.pass(500);
    expect(watch.look()).toBeUndefined();
    clock.pass(500);
    expect(watch.look()?.p50Ms).toBeCloseTo(30, 0);
    expect(watch.look()?.p99Ms).toBeCloseTo(30, 0);
  });

  test("keeps no timer when nobody looks any more, and begins anew when somebody does", () => {
    const clock = createFakeClock();
    using watch = new LoopWatch(clock);
    expect(clock.waiting).toBe(0);
    watch.look();
    clock.pass(1_000);
    expect(watch.look()).toEqual({ p50Ms: 0, p99Ms: 0 });
    clock.pass(6_000);
    expect(clock.waiting).toBe(0);
    expect(watch.look()).toBeUndefined();
    expect(clock.waiting).toBe(1);
  });

  test("keeps no timer after dispose", () => {
    const clock = createFakeClock();
    const watch = new LoopWatch(clock);
    watch.look();
    watch[Symbol.dispose]();
    expect(clock.waiting).toBe(0);
  });
});
