/** What functions print goes to whoever sent the request, and not without end. */

import { expect } from "vitest";
import { ask, askText, type LogLine } from "../../support/capabilities.ts";
import { answering, gather } from "../../support/guest-source.ts";
import type { ContractCase } from "../contract.ts";

/** What the functions of these cases do. */
const guest = gather({
  levels: `() => {
    console.debug("d");
    console.log("%s is %d", "six", 6, { a: [1, { b: 2 }] });
    console.info("i");
    console.warn("w");
    console.error("e\\nsecond line");
    console.assert(1 > 2, "no");
    console.table([{ a: 1 }]);
    return new Response();
  }`,
  paths: `async (request) => {
    const { pathname } = new URL(request.url);
    for (let i = 0; i < 5; i++) {
      console.log(pathname, i);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
    }
    queueMicrotask(() => console.log(pathname, "later"));
    return new Response(await Promise.resolve("ok"));
  }`,
  flood: '() => { for (let i = 0; i < 1000; i++) console.log("x".repeat(99)); return new Response("ok"); }',
  uncaught: `(request, env, ctx) => {
    if (request.url.endsWith("/ok")) return new Response("ok");
    ctx.waitUntil(new Promise((resolve) => setTimeout(resolve, 50)));
    Promise.reject(new Error("not caught"));
    setTimeout(() => { throw new Error("from a timer"); }, 5);
    return new Response("early");
  }`,
});

export const CONSOLE_CASES: readonly ContractCase[] = [
  {
    name: "console lines arrive with their level, formatted as Node does",
    run: async ({ start }) => {
      const instance = await start(guest("levels"));
      const lines: LogLine[] = [];
      await askText(instance, { onLog: (level, text) => lines.push({ level, text }) });
      expect(lines.slice(0, 6)).toEqual([
        { level: "debug", text: "d" },
        { level: "log", text: "six is 6 { a: [ 1, { b: 2 } ] }" },
        { level: "info", text: "i" },
        { level: "warn", text: "w" },
        { level: "error", text: "e\nsecond line" },
        { level: "error", text: "Assertion failed: no" },
      ]);
      expect(lines[6]?.text).toContain("(index)");
    },
  },
  {
    name: "console lines that come after the response end nothing, however many requests write some",
    run: async ({ start }) => {
      const fetch = '() => { setTimeout(() => console.log("x".repeat(900)), 0); return new Response("ok"); }';
      const instance = await start(answering(fetch, { limits: { logBytes: 1_024 } }));
      for (let i = 0; i < 150; i++) expect(await askText(instance)).toBe("ok");
    },
  },
  {
    name: "console lines of requests at the same time go to the right one",
    needs: "concurrency",
    run: async ({ start }) => {
      const instance = await start(guest("paths"));
      const logs = Array.from({ length: 10 }, (): string[] => []);
      await Promise.all(
        logs.map((lines, i) => askText(instance, { path: `/${i}`, onLog: (_, text) => lines.push(text) })),
      );
      for (const [i, lines] of logs.entries()) {
        expect(lines).toEqual([0, 1, 2, 3, 4, "later"].map((what) => `/${i} ${what}`));
      }
    },
  },
  {
    name: "console output beyond the limit is dropped, with one word about it",
    run: async ({ start }) => {
      const instance = await start(
        guest("flood", {
          limits: { logBytes: 1000 },
        }),
      );
      for (let round = 0; round < 2; round++) {
        const lines: string[] = [];
        expect(await askText(instance, { onLog: (_, text) => lines.push(text) })).toBe("ok");
        expect(lines).toHaveLength(10);
        expect(lines.join("").length).toBeLessThan(1_200);
        expect(lines.at(-1)).toContain("the log limit is 1000 bytes");
      }
    },
  },
  {
    name: "rejections and errors that nobody caught are told on the console, and the instance goes on",
    run: async ({ start }) => {
      const instance = await start(guest("uncaught"));
      const lines: string[] = [];
      const onLog = (_: string, text: string) => void lines.push(text);
      const { settled } = await ask(instance, { onLog });
      expect(await askText(instance, { path: "/ok" })).toBe("ok");
      await settled;
      expect(lines).toEqual([
        expect.stringContaining("Uncaught Error: not caught"),
        expect.stringContaining("Uncaught Error: from a timer"),
      ]);
      expect(await askText(instance, { path: "/ok" })).toBe("ok");
    },
  },
];
