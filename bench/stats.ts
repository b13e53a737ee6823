/**
 * Numbers from samples. Quantiles are nearest-rank: each is a value that was measured.
 */

export interface Summary {
  readonly count: number;
  readonly min: number;
  readonly median: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** The value below or at which the given share (0–1) of the samples lies. NaN of no samples. */
export function findQuantile(sorted: ArrayLike<number>, share: number): number {
  const rank = Math.min(sorted.length, Math.max(1, Math.ceil(share * sorted.length)));
  return sorted[rank - 1] ?? Number.NaN;
}

export function summarize(samples: Iterable<number>): Summary {
  const sorted = Float64Array.from(samples).sort();
  const at = (share: number) => round(findQuantile(sorted, share));
  return { count: sorted.length, min: at(0), median: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

/** The middle of a few values, such as the rounds of one measurement. */
export function toMedian(values: readonly number[]): number {
  return findQuantile(Float64Array.from(values).sort(), 0.5);
}

/** Growth of `y` for one more of `x`: the line with the least squares. */
export function toSlope(points: readonly { readonly x: number; readonly y: number }[]): number {
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / points.length;
  const rise = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0);
  const run = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  return rise / run;
}

/** Four significant digits beyond the point: no machine measures better. */
export function round(value: number): number {
  return Number(value.toPrecision(Math.max(4, Math.trunc(Math.abs(value)).toString().length)));
}

const RESAMPLES = 10_000;

/**
 * How many times one median is the other, with its 95 % confidence interval by the percentile bootstrap (Efron and
 * Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13). Seeded: the same samples give the same interval.
 */
export function findRatio(
  above: readonly number[],
  below: readonly number[],
): { ratio: number; low: number; high: number } {
  const random = seeded(1);
  const resample = (values: readonly number[]) =>
    toMedian(values.map(() => values[Math.floor(random() * values.length)] ?? Number.NaN));
  const ratios = Float64Array.from({ length: RESAMPLES }, () => resample(above) / resample(below)).sort();
  return {
    ratio: toMedian(above) / toMedian(below),
    low: findQuantile(ratios, 0.025),
    high: findQuantile(ratios, 0.975),
  };
}

/** Numbers from 0 to 1 that are the same each time (Marsaglia, Xorshift RNGs, J. Statistical Software 8:14, 2003). */
export function seeded(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
