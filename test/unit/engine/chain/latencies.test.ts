import { describe, expect, test } from "vitest";
import { Latencies, type Topic, toTopic } from "../../../../src/engine/chain/latencies.ts";
import type { Body } from "../../../../src/model/exchange.ts";
import { createFakeClock } from "../../../support/fake-clock.ts";

const topicOf = (path: string, { method = "GET", body = null as Body, headers = [] as string[] } = {}): Topic =>
  toTopic({ head: { method, url: `http://guest.localhost${path}`, headers }, body });

function create() {
  const clock = createFakeClock();
  return { clock, latencies: new Latencies(clock) };
}

describe("toTopic()", () => {
  test("tells requests apart by method, path, query and size of the body to a power of two", () => {
    const bytes = (count: number) => ({ method: "POST", body: new Uint8Array(count) });
    const all = [
      topicOf("/"),
      topicOf("/", { method: "HEAD" }),
      topicOf("/fib"),
      topicOf("/fib?"),
      topicOf("/fib?n=1"),
      topicOf("/fib?n=2"),
      ...[0, 1, 2, 4, 1024].map((count) => topicOf("/", bytes(count))),
    ];
    expect(new Set(all.map(({ request }) => request)).size).toBe(all.length);
    expect(topicOf("/", bytes(1024))).toEqual(topicOf("/", bytes(2047)));
    expect(topicOf("/", bytes(1024))).not.toEqual(topicOf("/", bytes(2048)));
  });

  test("a streamed body counts as large as its head says", () => {
    const streamed = topicOf("/", { method: "POST", body: new ReadableStream(), headers: ["content-length", "1024"] });
    expect(streamed).toEqual(topicOf("/", { method: "POST", body: new Uint8Array(1024) }));
  });

  test("requests of one path have it in common, whatever host they came by", () => {
    expect(topicOf("/fib?n=1").path).toBe(topicOf("/fib?n=2").path);
    expect(topicOf("/fib").path).not.toBe(topicOf("/fact").path);
    const other = toTopic({ head: { method: "GET", url: "http://other.test/fib?n=1", headers: [] }, body: null });
    expect(other).toEqual(topicOf("/fib?n=1"));
  });
});

describe("find()", () => {
  test("knows nothing at first", () => {
    expect(create().latencies.find(0, topicOf("/"))).toBeUndefined();
  });

  test("falls back from the request to its path, and to the function", () => {
    const { latencies } = create();
    latencies.record(0, topicOf("/fib?n=1"), 8);
    expect(latencies.find(0, topicOf("/fib?n=1"))).toEqual({ ms: 8, level: "request" });
    expect(latencies.find(0, topicOf("/fib?n=2"))).toEqual({ ms: 8, level: "path" });
    expect(latencies.find(0, topicOf("/"))).toEqual({ ms: 8, level: "function" });
    expect(latencies.find(1, topicOf("/fib?n=1"))).toBeUndefined();
  });

  test("infers what a request takes from what those take on both that take as long elsewhere", () => {
    const { latencies } = create();
    latencies.record(0, topicOf("/?n=1"), 100);
    latencies.record(1, topicOf("/?n=1"), 20);
    latencies.record(0, topicOf("/?n=2"), 110);
    latencies.record(0, topicOf("/?n=3"), 0.1);
    expect(latencies.find(1, topicOf("/?n=2"))).toEqual({ ms: 22, level: "request" });
    expect(latencies.find(1, topicOf("/?n=3"))).toEqual({ ms: 20, level: "path" });
    latencies.record(1, topicOf("/?n=2"), 30);
    expect(latencies.find(1, topicOf("/?n=2"))).toEqual({ ms: 30, level: "request" });
  });

  test("counts one that is far from the others little", () => {
    const { latencies } = create();
    for (let i = 0; i < 20; i += 1) latencies.record(0, topicOf("/"), 10);
    latencies.record(0, topicOf("/"), 10_000);
    expect(latencies.find(0, topicOf("/"))?.ms).toBeLessThan(14);
  });

  test("follows what has changed for good", () => {
    const { latencies } = create();
    for (let i = 0; i < 20; i += 1) latencies.record(0, topicOf("/"), 10);
    for (let i = 0; i < 100; i += 1) latencies.record(0, topicOf("/"), 1_000);
    expect(latencies.find(0, topicOf("/"))?.ms).toBeGreaterThan(900);
  });

  test("believes the newest after a while without any, and nothing after a long one", () => {
    const { latencies, clock } = create();
    for (let i = 0; i < 20; i += 1) latencies.record(0, topicOf("/"), 10);
    clock.pass(300_000);
    latencies.record(0, topicOf("/"), 20);
    expect(latencies.find(0, topicOf("/"))?.ms).toBeGreaterThan(19);
    clock.pass(600_001);
    expect(latencies.find(0, topicOf("/"))).toBeUndefined();
    latencies.record(0, topicOf("/"), 3);
    expect(latencies.find(0, topicOf("/"))?.ms).toBe(3);
  });

  test("forgets the requests that were measured longest ago, and never the function", () => {
    const { latencies } = create();
    latencies.record(0, topicOf("/first"), 1);
    for (let i = 0; i < 1_024; i += 1) latencies.record(0, topicOf(`/?${i}`), 5);
    expect(latencies.find(0, topicOf("/first"))?.level).toBe("function");
    expect(latencies.find(0, topicOf("/?1023"))?.level).toBe("request");
  });
});

test("findLeastMs() is about the least that was measured", () => {
  const { latencies } = create();
  expect(latencies.findLeastMs(0)).toBeUndefined();
  for (const ms of [9, 2, 30, 7]) latencies.record(0, topicOf("/"), ms);
  expect(latencies.findLeastMs(0)).toBeCloseTo(2, 1);
});
