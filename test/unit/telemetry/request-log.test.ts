/**
 * What is told of a request afterwards: in its line of the log, and in Server-Timing.
 */

import { describe, expect, test } from "vitest";
import { parseServerTiming } from "../../../src/cli/server-timing.ts";
import { createTrace, type Trace, toServerTiming } from "../../../src/model/trace.ts";
import { logRequest } from "../../../src/telemetry/request-log.ts";

const THAWED: Partial<Trace> = {
  engine: "container",
  startKind: "thaw",
  startMs: 9,
  startPhases: { thaw: 4, ready: 5.00004 },
};

function lineOf(change: Partial<Trace>): Readonly<Record<string, unknown>> {
  const lines: Readonly<Record<string, unknown>>[] = [];
  const log = { write: (_level: string, _msg: string, fields = {}) => void lines.push(fields) };
  logRequest({ ...createTrace("r", "GET"), ...change }, { status: 200, totalMs: 12, error: undefined, log });
  return lines[0] ?? {};
}

describe("the line of a request", () => {
  test("has the parts of a start where the engine tells them", () => {
    expect(lineOf(THAWED)).toMatchObject({ startKind: "thaw", startMs: 9, startThawMs: 4, startReadyMs: 5 });
    expect(Object.keys(lineOf({})).filter((key) => key.startsWith("start"))).toEqual(["startKind", "startMs"]);
  });

  test("says why the engines have not answered that were wanted more, and nothing when none was", () => {
    expect(lineOf({ fallback: "wasi: breaker open" })).toMatchObject({ fallback: "wasi: breaker open" });
    expect(lineOf({})).not.toHaveProperty("fallback");
  });
});

describe("Server-Timing", () => {
  test("has the parts of a start behind the four phases", () => {
    expect(parseServerTiming(toServerTiming({ ...createTrace("r", "GET"), ...THAWED }))).toEqual([
      { name: "route", ms: 0 },
      { name: "queue", ms: 0 },
      { name: "start", ms: 9, desc: "thaw" },
      { name: "run", ms: 0 },
      { name: "thaw", ms: 4 },
      { name: "ready", ms: 5 },
    ]);
  });
});
