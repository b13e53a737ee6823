import { describe, expect, test } from "vitest";
import { Histogram } from "../../../src/telemetry/histogram.ts";

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

describe("findQuantile()", () => {
  test("tells every duration from a microsecond to an hour to within 0.8 %", () => {
    const wrong: number[] = [];
    for (let ms = 0.001; ms < 3_600_000; ms *= 1.003) {
      const told = histogramOf([ms]).findQuantile(0.5) ?? 0;
      if (Math.abs(told - ms) / ms > 0.008) wrong.push(ms);
    }
    expect(wrong).toEqual([]);
  });

  test("tells what the sorted values tell", () => {
    const values = Array.from({ length: 10_000 }, (_, i) => 0.1 * 1.001 ** i);
    const histogram = histogramOf(values.toReversed());
    for (const ratio of [0, 0.01, 0.5, 0.9, 0.99, 0.999, 1]) {
      const exact = values[Math.max(0, Math.ceil(ratio * values.length) - 1)] ?? 0;
      expect((histogram.findQuantile(ratio) ?? 0) / exact).toBeCloseTo(1, 1.8);
    }
  });

  test("has nothing to tell of nothing", () => {
    expect(histogramOf([]).findQuantile(0.5)).toBeUndefined();
  });

  test("counts what is too short, negative or no number as nothing, and what is too long as the longest", () => {
    expect(histogramOf([0, -1, Number.NaN, 0.0001]).findQuantile(1)).toBe(0);
    const longest = histogramOf([Number.POSITIVE_INFINITY, 1e12]);
    expect(longest.count).toBe(2);
    expect(longest.findQuantile(0.1)).toBeGreaterThan(3_600_000);
  });
});
