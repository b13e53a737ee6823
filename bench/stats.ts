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
