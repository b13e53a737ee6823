import { expect, it } from "vitest";
import { systemClock } from "../../../src/model/ports.ts";
import { createLog } from "../../../src/telemetry/log.ts";

it.each(["json", "pretty"] as const)("a %s log writes one line for one event, whatever a function prints", (format) => {
  const written: string[] = [];
  const stream = { write: (text: string) => void written.push(text) };
  const log = createLog({ stream, format, level: "info", clock: systemClock });
  log.write("info", "guest", { text: "a\nb\r\u001b[31m\u0000" });
  log[Symbol.dispose]();
  expect(written.join("")).toMatch(/^[\x20-\x7e]+\n$/);
  expect(written.join("")).toContain("a\\nb\\r\\u001b[31m\\u0000");
});

it("a pretty log shows a terminal no control character of any kind, and other characters as they are", () => {
  const written: string[] = [];
  const stream = { write: (text: string) => void written.push(text) };
  const log = createLog({ stream, format: "pretty", level: "info", clock: systemClock });
  log.write("info", "guest", { text: "é 👩‍🔬 \u009b2J\u007f\u2028\u202e" });
  log[Symbol.dispose]();
  expect(written.join("")).toContain("é 👩‍🔬 \\u009b2J\\u007f\\u2028\\u202e");
});
