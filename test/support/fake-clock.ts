/**
 * Time that passes when a test says so.
 */

import type { Clock } from "../../src/model/ports.ts";

export interface FakeClock extends Clock {
  /** Lets time pass; timers that are due call back in their order, also those that they set. */
  pass(ms: number): void;
  /** Timers that are set. */
  readonly waiting: number;
}

export function createFakeClock(): FakeClock {
  let nowMs = 0;
  const timers = new Set<{ atMs: number; callback: () => void }>();
  const findNext = (untilMs: number) =>
    [...timers].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
  return {
    nowMs: () => nowMs,
    dateMs: () => nowMs,
    after: (ms, callback) => {
      const timer = { atMs: nowMs + ms, callback };
      timers.add(timer);
      return { [Symbol.dispose]: () => void timers.delete(timer) };
    },
    pass: (ms) => {
      const untilMs = nowMs + ms;
      for (let next = findNext(untilMs); next !== undefined; next = findNext(untilMs)) {
        timers.delete(next);
        nowMs = next.atMs;
        next.callback();
      }
      nowMs = untilMs;
    },
    get waiting() {
      return timers.size;
    },
  };
}
