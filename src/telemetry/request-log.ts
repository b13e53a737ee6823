/**
 * One log line per request, fixed keys in fixed order. Never a path, a query or a header's value.
 */

import type { NebulaError } from "../model/errors.ts";
import type { Log, LogLevel } from "../model/ports.ts";
import type { Trace } from "../model/trace.ts";

/** Writes the line of a request that is over. `error` is what it ended with, `trace` what is known of its way. */
export function logRequest(
  trace: Trace,
  { status, totalMs, error, log }: { status: number; totalMs: number; error: NebulaError | undefined; log: Log },
): void {
  const {
    requestId,
    method,
    callers,
    rootId,
    function: name,
    deployment,
    engine,
    fallback,
    code,
    startKind,
    queueMs,
    startMs,
    startPhases,
    runMs,
    bytesIn,
    bytesOut,
  } = trace;
  const outcome = error === undefined && code === undefined ? "ok" : "error";
  log.write(levelOf(error), "request", {
    requestId,
    ...(callers !== undefined && { rootId, caller: callers.at(-1), callers: callers.join(" > ") }),
    method,
    function: name,
    deployment,
    engine,
    ...(fallback !== undefined && { fallback }),
    outcome,
    status,
    code,
    startKind,
    queueMs: round(queueMs),
    startMs: round(startMs),
    ...(startPhases !== undefined && toFields(startPhases)),
    runMs: round(runMs),
    totalMs: round(totalMs),
    bytesIn,
    bytesOut,
    ...(error !== undefined && error.fault !== "caller" && { error: error.message, stack: stackOf(error) }),
  });
}

function levelOf(error: NebulaError | undefined): LogLevel {
  if (error === undefined || error.fault === "owner") return "info";
  return error.fault === "caller" ? "debug" : "error";
}

/** The guest's own stack for the owner; ours, with what caused it, when we are wrong. */
function stackOf({ cause, code, stack }: NebulaError): string | undefined {
  if (cause instanceof Error) return cause.stack;
  return code === "NEBULA_INTERNAL" ? stack : undefined;
}

/** `{ create: 80 }` → `{ startCreateMs: 80 }` */
function toFields(phases: Readonly<Record<string, number>>): Record<string, number> {
  const toKey = (name: string) => `start${name.slice(0, 1).toUpperCase()}${name.slice(1)}Ms`;
  return Object.fromEntries(Object.entries(phases).map(([name, ms]) => [toKey(name), round(ms)]));
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
