import { describe, expect, test } from "vitest";
import { formatPhases, parseServerTiming } from "../../../src/cli/server-timing.ts";

describe("parseServerTiming()", () => {
  test.each([
    { header: undefined, phases: [] },
    { header: "", phases: [] },
    { header: "a", phases: [{ name: "a" }] },
    { header: "a;dur=1.5", phases: [{ name: "a", ms: 1.5 }] },
    { header: 'a;desc="cold";dur=2', phases: [{ name: "a", ms: 2, desc: "cold" }] },
    {
      header: "a;desc=warm , b;dur=0",
      phases: [
        { name: "a", desc: "warm" },
        { name: "b", ms: 0 },
      ],
    },
    { header: 'a;desc="x, y; z \\" w"', phases: [{ name: "a", desc: 'x, y; z " w' }] },
    { header: "a;dur=soon;else=1", phases: [{ name: "a" }] },
  ])("reads $header", ({ header, phases }) => {
    expect(parseServerTiming(header)).toEqual(phases);
  });
});

test("formatPhases() writes times with their unit and what the start was", () => {
  const header = 'route;dur=0.02, queue;dur=0, start;dur=2.1;desc="cold", run;dur=0.8';
  expect(formatPhases(parseServerTiming(header)).join(" · ")).toBe(
    "route 0.02 ms · queue 0 ms · start 2.1 ms (cold) · run 0.8 ms",
  );
});
