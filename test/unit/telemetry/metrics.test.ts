import { describe, expect, test } from "vitest";
import { createTrace, type Trace } from "../../../src/model/trace.ts";
import { Metrics } from "../../../src/telemetry/metrics.ts";

function toTrace(change: Partial<Trace> = {}): Trace {
  return Object.assign(createTrace("r", "GET"), { function: "hello", engine: "isolate", startKind: "warm", ...change });
}

function openMetrics(serving: readonly string[] = ["hello"]) {
  const names = new Set(serving);
  const metrics = new Metrics({ serves: (name) => names.has(name) });
  const observe = (change: Partial<Trace> = {}, nowMs = 0) => metrics.observe(toTrace(change), nowMs);
  return { metrics, names, observe };
}

describe("observe()", () => {
  test("counts requests, bytes, starts by their kind and errors by who must act", () => {
    const { metrics, observe } = openMetrics();
    observe({ bytesIn: 3, bytesOut: 5_000_000_000 });
    observe({ startKind: "cold", bytesOut: 1 });
    observe({ startKind: "thaw", code: "NEBULA_GUEST_THREW" });
    observe({ startKind: "none", code: "NEBULA_OVERLOADED" });
    observe({ code: "NEBULA_CLIENT_GONE" });
    observe({ code: "NEBULA_CPU_LIMIT" });
    expect(metrics.read("hello", "isolate", 0)).toMatchObject({
      count: 6,
      errors: { caller: 1, owner: 2, host: 1 },
      starts: { cold: 1, warm: 3, thaw: 1 },
      bytesIn: 3,
      bytesOut: 5_000_000_001,
    });
  });

  test("measures a phase of those requests alone that had it", () => {
    const { metrics, observe } = openMetrics();
    observe({ routeMs: 1, queueMs: 2, startKind: "cold", startMs: 16, runMs: 4 });
    observe({ routeMs: 1, runMs: 4 });
    observe({ routeMs: 1, startKind: "none", code: "NEBULA_OVERLOADED" });
    const { phases } = metrics.read("hello", "isolate", 0);
    expect(Object.entries(phases).map(([name, { count }]) => [name, count])).toEqual([
      ["route", 3],
      ["queue", 2],
      ["start", 1],
      ["run", 2],
    ]);
    expect(phases.start?.p99Ms).toBeCloseTo(16, 0);
    expect(phases.queue?.p50Ms).toBe(0);
    expect(phases.queue?.p99Ms).toBeCloseTo(2, 1);
  });

  test("measures static files without an instance", () => {
    const { metrics, observe } = openMetrics();
    observe({ engine: "assets", startKind: "none", runMs: 8 });
    const { starts, phases } = metrics.read("hello", "assets", 0);
    expect(starts).toEqual({ cold: 0, warm: 0, thaw: 0 });
    expect(Object.keys(phases)).toEqual(["route", "run"]);
  });

  test("keeps functions and engines apart, and tells how many there were per second", () => {
    const { metrics, observe } = openMetrics(["hello", "other"]);
    for (let nowMs = 0; nowMs < 10_000; nowMs += 100) observe({}, nowMs);
    observe({ engine: "wasi" }, 9_990);
    observe({ function: "other" }, 9_990);
    expect(metrics.read("hello", "isolate", 10_000)).toMatchObject({
      count: 100,
      perSecond: { last1s: 10, last10s: 10, last60s: 100 / 60 },
    });
    expect(metrics.read("hello", "wasi", 10_000)).toMatchObject({ count: 1, perSecond: { last1s: 1, last10s: 0.1 } });
    expect(metrics.read("other", "isolate", 10_000).count).toBe(1);
    expect(metrics.read("other", "wasi", 10_000)).toMatchObject({ count: 0, phases: {} });
  });
});

describe("remove()", () => {
  test("forgets a function, also when its last request ends after it", () => {
    const { metrics, names, observe } = openMetrics();
    observe();
    names.delete("hello");
    metrics.remove("hello");
    observe();
    names.add("hello");
    expect(metrics.read("hello", "isolate", 0).count).toBe(0);
  });
});

test("a function that was called in every way holds less than 100 KB", () => {
  const { metrics, observe } = openMetrics();
  const before = process.memoryUsage().arrayBuffers;
  for (let ms = 0.001; ms < 3_600_000; ms *= 1.01)
    observe({ startKind: "cold", routeMs: ms, queueMs: ms, startMs: ms, runMs: ms });
  expect(metrics.read("hello", "isolate", 0).count).toBeGreaterThan(1_000);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000);
});
