/**
 * Ceilings and scaling: wrangler's `[limits]`, Nebula's `[nebula.limits]` and `[nebula.scaling]`, and the defaults.
 *
 * Ranges stand in the table of keys; here only what two values have to do with each other.
 */

import { DEFAULT_LIMITS, DEFAULT_SCALING, type Limits, type Scaling } from "../model/function.ts";
import type { Findings } from "./findings.ts";
import { findNebula, findSetting, type Settings } from "./settings.ts";
import { findChild, findNumber, findSize } from "./value.ts";

/** The ceilings that count. */
export function readLimits(settings: Settings): Limits {
  const limits = findSetting(settings, "limits");
  const findMs = (key: string) => findNumber(findNebula(settings, "limits", key));
  const findBytes = (key: string) => findSize(findNebula(settings, "limits", key));
  return {
    wallMs: findMs("wall_ms") ?? DEFAULT_LIMITS.wallMs,
    cpuMs: findNumber(findChild(limits, "cpu_ms")) ?? DEFAULT_LIMITS.cpuMs,
    memoryBytes: findBytes("memory") ?? DEFAULT_LIMITS.memoryBytes,
    requestBodyBytes: findBytes("request_body") ?? DEFAULT_LIMITS.requestBodyBytes,
    responseBodyBytes: findBytes("response_body") ?? DEFAULT_LIMITS.responseBodyBytes,
    headerBytes: findBytes("headers") ?? DEFAULT_LIMITS.headerBytes,
    subrequests: findNumber(findChild(limits, "subrequests")) ?? DEFAULT_LIMITS.subrequests,
    logBytes: findBytes("log") ?? DEFAULT_LIMITS.logBytes,
    waitUntilMs: findMs("wait_until_ms") ?? DEFAULT_LIMITS.waitUntilMs,
    startMs: findMs("start_ms") ?? DEFAULT_LIMITS.startMs,
  };
}

/** The scaling that counts. Notes a minimum above the maximum. */
export function readScaling(settings: Settings, findings: Findings): Scaling {
  const find = (key: string) => findNebula(settings, "scaling", key);
  const scaling = {
    minInstances: findNumber(find("min_instances")) ?? DEFAULT_SCALING.minInstances,
    maxInstances: findNumber(find("max_instances")) ?? DEFAULT_SCALING.maxInstances,
    concurrency: findNumber(find("concurrency")) ?? DEFAULT_SCALING.concurrency,
    queueDepth: findNumber(find("queue_depth")) ?? DEFAULT_SCALING.queueDepth,
    queueMs: findNumber(find("queue_ms")) ?? DEFAULT_SCALING.queueMs,
    idleMs: findNumber(find("idle_ms")) ?? DEFAULT_SCALING.idleMs,
  };
  const { minInstances, maxInstances } = scaling;
  const place = find("min_instances") ?? find("max_instances");
  if (place && minInstances > maxInstances) {
    const given = find("max_instances") ? "" : ", which it is unless given";
    findings.onValue(
      place.path,
      `asks for ${minInstances} instances at least, and "max_instances" is ${maxInstances}${given}`,
    );
  }
  return scaling;
}
