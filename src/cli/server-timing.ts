/**
 * The phases of an invocation, as the node tells them in `Server-Timing`.
 *
 *     route;dur=0.02, queue;dur=0, start;dur=2.1;desc="cold", run;dur=0.8
 *
 * @see https://www.w3.org/TR/server-timing/#the-server-timing-header-field
 */

import { formatMs } from "../model/units.ts";

/** One phase of an invocation. */
export interface Phase {
  readonly name: string;
  readonly ms?: number;
  readonly desc?: string;
}

/** Reads the header; no header has no phases. Parameters that are not known are left out. */
export function parseServerTiming(header: string | undefined): readonly Phase[] {
  const metrics = header?.match(/(?:[^,"]|"(?:\\.|[^"\\])*")+/g) ?? [];
  return metrics.flatMap((metric) => {
    const [name, ...parameters] = (metric.match(/(?:[^;"]|"(?:\\.|[^"\\])*")+/g) ?? []).map((part) => part.trim());
    return name ? [{ name, ...toDuration(parameters), ...toDescription(parameters) }] : [];
  });
}

/** `["route 0.02 ms", "queue 0 ms", "start 2.1 ms (cold)", "run 0.8 ms"]` */
export function formatPhases(phases: readonly Phase[]): string[] {
  return phases.map(({ name, ms, desc }) => {
    const time = ms === undefined ? "" : ` ${formatMs(ms)}`;
    return `${name}${time}${desc === undefined ? "" : ` (${desc})`}`;
  });
}

function toDuration(parameters: readonly string[]): { ms?: number } {
  const ms = Number(findParameter(parameters, "dur") ?? Number.NaN);
  return Number.isFinite(ms) ? { ms } : {};
}

function toDescription(parameters: readonly string[]): { desc?: string } {
  const desc = findParameter(parameters, "desc");
  return desc === undefined ? {} : { desc };
}

function findParameter(parameters: readonly string[], name: string): string | undefined {
  const found = parameters.find((parameter) => parameter.startsWith(`${name}=`))?.slice(name.length + 1);
  return found?.startsWith('"') ? found.slice(1, -1).replace(/\\(.)/g, "$1") : found;
}
