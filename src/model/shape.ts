/**
 * Checks of unknown data: small predicates that are put together to the shape of what comes over a border.
 *
 *     const isBlob = hasShape({ digest: isDigest, bytes: isCount });
 *
 * A field that no shape names is let through, so that a newer author can talk to an older node.
 */

/** Whether a value is as it should be. */
export type Check = (value: unknown) => boolean;

/** Any text. */
export const isText: Check = (value) => typeof value === "string";
/** A number that is finite. */
export const isNumber: Check = (value) => typeof value === "number" && Number.isFinite(value);
/** `true` or `false`. */
export const isBoolean: Check = (value) => typeof value === "boolean";
/** A whole number that is not negative. */
export const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;

/** An object that is no list. */
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

/** A list of at most `limit`, each item as `check` wants it. */
export function listOf(check: Check, limit = Number.POSITIVE_INFINITY): Check {
  return (value) => Array.isArray(value) && value.length <= limit && value.every((item) => check(item));
}

/** An object whose values are all as `check` wants them. */
export function recordOf(check: Check): Check {
  return (value) => isRecord(value) && Object.values(value).every((item) => check(item));
}

/** What `check` wants, or nothing. */
export function optional(check: Check): Check {
  return (value) => value === undefined || check(value);
}

/** One of these very values. */
export function oneOf(...words: readonly unknown[]): Check {
  return (value) => words.includes(value);
}

/** A text that the pattern matches. */
export function matches(pattern: RegExp): Check {
  return (value) => typeof value === "string" && pattern.test(value);
}

/** A number within both bounds. */
export function between(least: number, most: number): Check {
  return (value) => typeof value === "number" && value >= least && value <= most;
}

/** What one of the checks wants. */
export function either(...checks: readonly Check[]): Check {
  return (value) => checks.some((check) => check(value));
}
