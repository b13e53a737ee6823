import { expect, test } from "vitest";
import { Rate } from "../../../src/telemetry/rate.ts";

/** Something that happens every `stepMs`. */
function rateOf({ fromMs, toMs, stepMs }: { fromMs: number; toMs: number; stepMs: number }): Rate {
  const rate = new Rate();
  for (let nowMs = fromMs; nowMs < toMs; nowMs += stepMs) rate.add(nowMs);
  return rate;
}

test.each([1, 10, 60])("a steady rate is told over the last %i s, at any moment of a second", (seconds) => {
  for (const endMs of [100_000, 100_250, 100_999]) {
    const rate = rateOf({ fromMs: 0, toMs: endMs, stepMs: 4 });
    expect(Math.abs(rate.findPerSecond(endMs, seconds) - 250)).toBeLessThan(2);
  }
});

test("what has stopped goes out of the window evenly", () => {
  const rate = rateOf({ fromMs: 0, toMs: 5_000, stepMs: 10 });
  expect(rate.findPerSecond(5_000, 1)).toBe(100);
  expect(rate.findPerSecond(5_500, 1)).toBe(50);
  expect(rate.findPerSecond(6_000, 1)).toBe(0);
  expect(rate.findPerSecond(10_000, 10)).toBe(50);
  expect(rate.findPerSecond(64_000, 60)).toBeCloseTo(100 / 60, 5);
  expect(rate.findPerSecond(66_000, 60)).toBe(0);
});

test.each([2_000, 63_000, 64_000, 65_000, 10_000_000])(
  "what was counted %i ms ago is no part of the last second",
  (agoMs) => {
    const rate = rateOf({ fromMs: 0, toMs: 60_000, stepMs: 10 });
    rate.add(60_000 + agoMs);
    expect(rate.findPerSecond(60_000 + agoMs, 1)).toBe(1);
  },
);
