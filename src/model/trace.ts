/**
 * What is known of one request on its way: filled in by the flow, shown as Server-Timing, written as one log line.
 */

import type { ErrorCode } from "./errors.ts";
import type { EngineName } from "./function.ts";
import type { StartKind } from "./top.ts";

/** One request, as far as it is known by now. */
export interface Trace {
  readonly requestId: string;
  readonly method: string;
  /** The functions through which it came, the first first, and the id of the request that the first had from outside. */
  readonly callers?: readonly string[] | undefined;
  readonly rootId?: string | undefined;
  function?: string;
  deployment?: string;
  engine?: EngineName | "assets";
  /** `none`: no instance was needed. */
  startKind: StartKind | "none";
  routeMs: number;
  queueMs: number;
  startMs: number;
  /** The parts of the start by the engine's own words, in their order. */
  startPhases?: Readonly<Record<string, number>> | undefined;
  /** From the hand-over to the instance until its response head. */
  runMs: number;
  /** Why the engines have not answered that were wanted more: `wasi: NEBULA_GUEST_EXITED, container: starting`. */
  fallback?: string | undefined;
  code?: ErrorCode;
  bytesIn: number;
  bytesOut: number;
}

/** A trace of a request of which nothing else is known yet. `from` tells of one that a function makes. */
export function createTrace(requestId: string, method: string, from: Pick<Trace, "callers" | "rootId"> = {}): Trace {
  return {
    requestId,
    method,
    ...from,
    startKind: "none",
    routeMs: 0,
    queueMs: 0,
    startMs: 0,
    runMs: 0,
    bytesIn: 0,
    bytesOut: 0,
  };
}

/**
 * The Server-Timing header of a response.
 * @see https://www.w3.org/TR/server-timing/
 */
export function toServerTiming({ routeMs, queueMs, startKind, startMs, startPhases, runMs }: Trace): string {
  const ms = (value: number) => Math.round(value * 1000) / 1000;
  const whole = `route;dur=${ms(routeMs)}, queue;dur=${ms(queueMs)}, start;desc="${startKind}";dur=${ms(startMs)}, run;dur=${ms(runMs)}`;
  if (startPhases === undefined) return whole;
  return [whole, ...Object.entries(startPhases).map(([name, value]) => `${name};dur=${ms(value)}`)].join(", ");
}
