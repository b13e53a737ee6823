/**
 * Limits and scaling as people read them: under the keys of the configuration, with their units.
 */

import { DEFAULT_LIMITS, DEFAULT_SCALING, type Limits, type Scaling } from "../model/function.ts";
import { formatBytes, formatMs } from "../model/units.ts";

/** The key of the configuration that sets a limit. */
const LIMIT_KEYS: Readonly<Record<keyof Limits, string>> = {
  wallMs: "nebula.limits.wall_ms",
  cpuMs: "limits.cpu_ms",
  memoryBytes: "nebula.limits.memory",
  requestBodyBytes: "nebula.limits.request_body",
  responseBodyBytes: "nebula.limits.response_body",
  headerBytes: "nebula.limits.headers",
  subrequests: "limits.subrequests",
  logBytes: "nebula.limits.log",
  waitUntilMs: "nebula.limits.wait_until_ms",
  startMs: "nebula.limits.start_ms",
};

const SCALING_KEYS: Readonly<Record<keyof Scaling, string>> = {
  minInstances: "nebula.scaling.min_instances",
  maxInstances: "nebula.scaling.max_instances",
  concurrency: "nebula.scaling.concurrency",
  queueDepth: "nebula.scaling.queue_depth",
  queueMs: "nebula.scaling.queue_ms",
  idleMs: "nebula.scaling.idle_ms",
};

const UNITS: Readonly<Record<string, string>> = {
  subrequests: "calls",
  minInstances: "instances",
  maxInstances: "instances",
  concurrency: "requests",
  queueDepth: "requests",
};

/**
 * Rows of key, value with unit, and where the value comes from.
 *
 *     ["limits.cpu_ms", "50 ms", "default 30 s"]      ["nebula.limits.memory", "128 MiB", "default"]
 */
export function toLimitRows({ limits, scaling }: { limits: Limits; scaling: Scaling }): string[][] {
  return [
    ...toRows(limits, { keys: LIMIT_KEYS, defaults: DEFAULT_LIMITS }),
    ...toRows(scaling, { keys: SCALING_KEYS, defaults: DEFAULT_SCALING }),
  ];
}

function toRows<Key extends string>(
  values: Readonly<Record<Key, number>>,
  { keys, defaults }: { keys: Readonly<Record<Key, string>>; defaults: Readonly<Record<Key, number>> },
): string[][] {
  return Object.entries<string>(keys).map(([name, key]) => {
    const [value, other] = [toNumber(values, name), toNumber(defaults, name)];
    return [key, formatValue(name, value), value === other ? "default" : `default ${formatValue(name, other)}`];
  });
}

function toNumber(values: Readonly<Record<string, number>>, name: string): number {
  return values[name] ?? Number.NaN;
}

/** The last word of a name is its unit. */
function formatValue(name: string, value: number): string {
  if (name.endsWith("Ms")) return formatMs(value);
  return name.endsWith("Bytes") ? formatBytes(value) : `${value} ${UNITS[name] ?? ""}`.trim();
}
