/**
 * The breaker with a clock and a chance that are the test's.
 */

import { describe, expect, test } from "vitest";
import { Breaker } from "../../../../src/engine/chain/breaker.ts";
import { createFakeClock } from "../../../support/fake-clock.ts";

function open({ random = (): number => 0 } = {}) {
  const clock = createFakeClock();
  const breaker = new Breaker({ clock, random });
  const ask = (...outcomes: (boolean | undefined)[]) => {
    for (const isWell of outcomes) breaker.settle(breaker.admit(), isWell);
  };
  return { clock, breaker, ask };
}

const fails = (count: number) => Array<boolean>(count).fill(false);
const goesWell = (count: number) => Array<boolean>(count).fill(true);

describe("closed", () => {
  test("opens after five failures in a row, and not after four", () => {
    const { breaker, ask } = open();
    ask(...fails(4));
    expect(breaker.state).toBe("closed");
    ask(...fails(1));
    expect(breaker).toMatchObject({ state: "open", wouldAdmit: false, opensInMs: 1_000 });
  });

  test("counts in a row anew after a success", () => {
    const { breaker, ask } = open();
    for (let i = 0; i < 3; i += 1) ask(...fails(3), ...goesWell(4));
    expect(breaker.state).toBe("closed");
  });

  test("opens when half of the last twenty have failed", () => {
    const { breaker, ask } = open();
    ask(...goesWell(11), ...fails(4), true, ...fails(4));
    expect(breaker.state).toBe("closed");
    ask(true, false);
    expect(breaker.state).toBe("closed");
    ask(false);
    expect(breaker.state).toBe("open");
  });

  test("does not judge by less than twenty", () => {
    const { breaker, ask } = open();
    for (let i = 0; i < 9; i += 1) ask(false, true);
    expect(breaker.state).toBe("closed");
    ask(false);
    expect(breaker.state).toBe("closed");
    ask(true);
    expect(breaker.state).toBe("open");
  });

  test("forgets what is longer ago than twenty", () => {
    const { breaker, ask } = open();
    for (let i = 0; i < 9; i += 1) ask(false, true);
    ask(...goesWell(20), ...fails(4), true, ...fails(4), true);
    expect(breaker.state).toBe("closed");
  });

  test("takes no note of what says nothing of it", () => {
    const { breaker, ask } = open();
    ask(...fails(4), ...Array<undefined>(50).fill(undefined));
    expect(breaker.state).toBe("closed");
    ask(false);
    expect(breaker.state).toBe("open");
  });
});

describe("open", () => {
  test("lets nobody through before its time is up", () => {
    const { breaker, clock, ask } = open();
    ask(...fails(5));
    clock.pass(999);
    expect(breaker).toMatchObject({ state: "open", wouldAdmit: false });
    clock.pass(1);
    expect(breaker).toMatchObject({ state: "half-open", wouldAdmit: true, opensInMs: 0 });
  });

  test("stays open twice as long each time, up to thirty seconds", () => {
    const { breaker, clock, ask } = open();
    ask(...fails(5));
    const pauses: number[] = [];
    for (let i = 0; i < 8; i += 1) {
      pauses.push(breaker.opensInMs);
      clock.pass(breaker.opensInMs);
      ask(false);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  test("is up to a fifth shorter by chance", () => {
    for (const [chance, ms] of [
      [0, 1_000],
      [0.5, 900],
      [1, 800],
    ] as const) {
      const { breaker, ask } = open({ random: () => chance });
      ask(...fails(5));
      expect(breaker.opensInMs).toBeCloseTo(ms);
    }
  });

  test("is not moved by requests that were let through before it opened", () => {
    const { breaker, clock } = open();
    const passes = Array.from({ length: 8 }, () => breaker.admit());
    for (const pass of passes.slice(0, 5)) breaker.settle(pass, false);
    expect(breaker.state).toBe("open");
    for (const pass of passes.slice(5)) breaker.settle(pass, true);
    expect(breaker.state).toBe("open");
    clock.pass(1_000);
    breaker.settle(passes[7] ?? 0, false);
    expect(breaker.state).toBe("half-open");
  });

  test("closes when one that went through as the last hope went well, and does not mind when it did not", () => {
    const { breaker, ask } = open();
    ask(...fails(5));
    ask(false, false);
    expect(breaker).toMatchObject({ state: "open", opensInMs: 1_000 });
    ask(true);
    expect(breaker.state).toBe("closed");
  });
});

describe("half-open", () => {
  function openHalf() {
    const made = open();
    made.ask(...fails(5));
    made.clock.pass(1_000);
    return made;
  }

  test("lets one of two through that come together", () => {
    const { breaker } = openHalf();
    const first = breaker.admit();
    expect(breaker.wouldAdmit).toBe(false);
    breaker.settle(first, true);
    expect(breaker).toMatchObject({ state: "closed", wouldAdmit: true });
  });

  test("closes with a success: failures count from the beginning", () => {
    const { breaker, ask } = openHalf();
    ask(true, ...fails(4));
    expect(breaker.state).toBe("closed");
    ask(false);
    expect(breaker).toMatchObject({ state: "open", opensInMs: 1_000 });
  });

  test("opens with a failure, for longer", () => {
    const { breaker, ask } = openHalf();
    ask(false);
    expect(breaker).toMatchObject({ state: "open", opensInMs: 2_000 });
  });

  test("lets another one through when the first has told nothing", () => {
    const { breaker, ask } = openHalf();
    ask(undefined);
    expect(breaker).toMatchObject({ state: "half-open", wouldAdmit: true });
    ask(true);
    expect(breaker.state).toBe("closed");
  });

  test("is not moved by what the probe before it comes to in the end", () => {
    const { breaker, clock } = openHalf();
    const first = breaker.admit();
    breaker.settle(first, false);
    clock.pass(2_000);
    const second = breaker.admit();
    breaker.settle(first, true);
    expect(breaker.state).toBe("half-open");
    expect(breaker.wouldAdmit).toBe(false);
    breaker.settle(second, true);
    expect(breaker.state).toBe("closed");
  });

  test("asking whether it would admit takes no probe", () => {
    const { breaker } = openHalf();
    expect([breaker.wouldAdmit, breaker.wouldAdmit]).toEqual([true, true]);
  });
});
