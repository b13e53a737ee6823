/**
 * Sizes and times as people write them, at the edge; inside, bytes and milliseconds only.
 *
 *     findBytes("128 MiB")   →  134217728        formatBytes(134217728)  →  "128 MiB"
 *     formatMs(0.42)         →  "0.42 ms"        formatMs(1500)          →  "1.5 s"
 */

/** A kibibyte, in bytes. */
export const KIB = 1024;
/** A mebibyte, in bytes. */
export const MIB = 1024 * KIB;
/** A gibibyte, in bytes. */
export const GIB = 1024 * MIB;

const BYTE_UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1000,
  mb: 1_000_000,
  gb: 1_000_000_000,
  kib: KIB,
  mib: MIB,
  gib: GIB,
};

/** Parses a size with its unit, or a bare number of bytes; `undefined` when it is neither. */
export function findBytes(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  if (match === null) return undefined;
  const unit = BYTE_UNITS[(match[2] || "b").toLowerCase()];
  return unit === undefined ? undefined : Math.round(Number(match[1]) * unit);
}

/** Writes bytes with the largest binary unit that leaves at least 1. */
export function formatBytes(bytes: number): string {
  for (const [name, size] of [
    ["GiB", GIB],
    ["MiB", MIB],
    ["KiB", KIB],
  ] as const) {
    if (bytes >= size) return `${trim(bytes / size)} ${name}`;
  }
  return `${bytes} B`;
}

/** Writes milliseconds as ms below a second and as s above. */
export function formatMs(ms: number): string {
  return ms >= 1000 ? `${trim(ms / 1000)} s` : `${trim(ms)} ms`;
}

function trim(value: number): string {
  return String(Number(value.toPrecision(3)));
}
