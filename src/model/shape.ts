/**
 * Checks of unknown data: small predicates that are put together to the shape of what comes over a border.
 *
 *     const isBlob = hasShape({ digest: isDigest, bytes: isCount });
 *
 * A field that no shape names is let through, so that a newer author can talk to an older node.
 */

export type Check = (value: unknown) => boolean;

export const isText: Check = (value) => typeof value === "string";
export const isNumber: Check = (value) => typeof value === "number" && Number.isFinite(value);
export const isBoolean: Check = (value) => typeof value === "boolean";
/** A whole number that is not negative. */
export const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An object that has these fields; inherited ones do not count. */
export function hasShape(fields: Readonly<Record<string, Check>>): Check {
  const checks = Object.entries(fields);
  return (value) => {
    if (!isRecord(value)) return false;
    return checks.every(([name, check]) => check(Object.hasOwn(value, name) ? value[name] : undefined));
  };
}

export function listOf(check: Check, limit = Number.POSITIVE_INFINITY): Check {
  return (value) => Array.isArray(value) && value.length <= limit && value.every((item) => check(item));
}

export function recordOf(check: Check): Check {
  return (value) => isRecord(value) && Object.values(value).every((item) => check(item));
}

export function optional(check: Check): Check {
  return (value) => value === undefined || check(value);
}

export function oneOf(...words: readonly unknown[]): Check {
  return (value) => words.includes(value);
}

export function matches(pattern: RegExp): Check {
  return (value) => typeof value === "string" && pattern.test(value);
}

/** A number within both bounds. */
export function between(least: number, most: number): Check {
  return (value) => typeof value === "number" && value >= least && value <= most;
}

export function either(...checks: readonly Check[]): Check {
  return (value) => checks.some((check) => check(value));
}
