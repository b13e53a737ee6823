import { describe, expect, it } from "vitest";
import { LOOK_MS, Watchdog } from "../../../src/engine/guest/watchdog.ts";
import { createFakeClock } from "../../support/fake-clock.ts";

function createWatched(isBusy: boolean) {
  const watched = { isBusy, looks: 0, look: () => void watched.looks++ };
  return watched;
}

describe("Watchdog", () => {
  it("looks at busy processes every time and at idle ones now and then", () => {
    const clock = createFakeClock();
    const watchdog = new Watchdog(clock);
    const [busy, idle] = [createWatched(true), createWatched(false)];
    watchdog.watch(busy);
    watchdog.watch(idle);
    clock.pass(100 * LOOK_MS);
    expect([busy.looks, idle.looks]).toEqual([100, 5]);
  });

  it("follows a process that becomes busy", () => {
    const clock = createFakeClock();
    const watchdog = new Watchdog(clock);
    const watched = createWatched(false);
    watchdog.watch(watched);
    clock.pass(10 * LOOK_MS);
    watched.isBusy = true;
    clock.pass(5 * LOOK_MS);
    expect(watched.looks).toBe(5);
  });

  it("sets no timer while there is nothing to watch", () => {
    const clock = createFakeClock();
    const watchdog = new Watchdog(clock);
    expect(clock.waiting).toBe(0);
    const watch = watchdog.watch(createWatched(true));
    expect(clock.waiting).toBe(1);
    watch[Symbol.dispose]();
    clock.pass(LOOK_MS);
    expect(clock.waiting).toBe(0);
  });

  it("looks no more after it is disposed, nor at what is no longer watched", () => {
    const clock = createFakeClock();
    const watchdog = new Watchdog(clock);
    const [first, second] = [createWatched(true), createWatched(true)];
    watchdog.watch(first)[Symbol.dispose]();
    watchdog.watch(second);
    clock.pass(LOOK_MS);
    watchdog[Symbol.dispose]();
    clock.pass(10 * LOOK_MS);
    expect([first.looks, second.looks]).toEqual([0, 1]);
    expect(clock.waiting).toBe(0);
  });
});
