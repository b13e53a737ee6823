import { EventEmitter } from "node:events";
import { describe, expect, test } from "vitest";
import { listenForInterrupt } from "../../../src/cli/interrupt.ts";
import { type Clock, systemClock } from "../../../src/model/ports.ts";

function createFake() {
  const signals = new EventEmitter();
  const time = { nowMs: 0 };
  const clock: Clock = { ...systemClock, nowMs: () => time.nowMs };
  const interrupt = listenForInterrupt(signals, clock);
  const state = { isForced: false };
  void interrupt.forced.then(() => {
    state.isForced = true;
  });
  return { signals, time, interrupt, state };
}

describe("listenForInterrupt()", () => {
  test.each(["SIGINT", "SIGTERM", "SIGHUP"])("aborts at %s", (name) => {
    const { signals, interrupt } = createFake();
    expect(interrupt.signal.aborted).toBe(false);
    signals.emit(name);
    expect(interrupt.signal.aborted).toBe(true);
    expect(interrupt.crash).toBeUndefined();
  });

  test("takes two signals at once for one wish, and one a second later for insisting", async () => {
    const { signals, time, state } = createFake();
    signals.emit("SIGINT");
    time.nowMs = 999;
    signals.emit("SIGINT");
    await Promise.resolve();
    expect(state.isForced).toBe(false);
    time.nowMs = 1_000;
    signals.emit("SIGTERM");
    await Promise.resolve();
    expect(state.isForced).toBe(true);
  });

  test("aborts with an exception that nobody caught", () => {
    const { signals, interrupt } = createFake();
    const thrown = new TypeError("x");
    signals.emit("uncaughtException", thrown);
    expect(interrupt.crash).toMatchObject({ code: "NEBULA_INTERNAL", cause: thrown });
    expect(interrupt.signal.reason).toBe(interrupt.crash);
  });

  test("listens no longer once disposed", () => {
    const { signals, interrupt } = createFake();
    interrupt[Symbol.dispose]();
    expect(signals.eventNames()).toEqual([]);
  });
});
