/**
 * Numbers as they stand below each other: three digits, and units of the same width.
 *
 *     toDuration(0.0421)  →  "42.1 µs"        toCount(12_345)  →  "12.3k"        toMemory(12_345_678)  →  "11.8 MiB"
 */

/** A time in milliseconds. */
export function toDuration(ms: number): string {
  if (ms <= 0) return "0";
  if (ms < 0.9995) return `${toThree(ms * 1000)} µs`;
  if (ms < 999.5) return `${toThree(ms)} ms`;
  return `${toThree(ms / 1000)}  s`;
}

/** A whole number: exact up to four digits. */
export function toCount(count: number): string {
  if (count < 10_000) return String(count);
  if (count < 999_500) return `${toThree(count / 1000)}k`;
  if (count < 999_500_000) return `${toThree(count / 1_000_000)}M`;
  return `${toThree(count / 1_000_000_000)}G`;
}

/** So many per second. */
export function toRate(perSecond: number): string {
  if (perSecond < 0.005) return "0";
  return perSecond < 1000 ? toThree(perSecond) : toCount(Math.round(perSecond));
}

/** Bytes as mebibytes, from a gibibyte on as those. */
export function toMemory(bytes: number): string {
  const mib = bytes / 2 ** 20;
  if (bytes === 0) return "0";
  return mib < 1023.5 ? `${toThree(mib)} MiB` : `${toThree(mib / 1024)} GiB`;
}

/** A part of one core, in percent. */
export function toPercent(ratio: number): string {
  return ratio < 0.0005 ? "0" : (ratio * 100).toFixed(1);
}

/** How long something has been so: `3 d 4 h`, `2 h 13 min`, `42 s`. */
export function toAge(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (minutes === 0) return `${seconds} s`;
  if (hours === 0) return `${minutes} min ${seconds % 60} s`;
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

function toThree(value: number): string {
  if (value < 9.995) return value.toFixed(2);
  return value < 99.95 ? value.toFixed(1) : value.toFixed(0);
}
