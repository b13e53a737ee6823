import { describe, expect, it } from "vitest";
import { limitBroken, Meter } from "../../../src/engine/guest/meter.ts";

const MIB = 1024 * 1024;
const LIMITS = { cpuMs: 100, memoryBytes: 10 * MIB };
const BLANK = { cpuMs: 50, memoryBytes: 20 * MIB };

function createMeter() {
  const pings: PromiseWithResolvers<void>[] = [];
  const meter = new Meter({
    limits: LIMITS,
    blank: BLANK,
    ping: () => {
      const ping = Promise.withResolvers<void>();
      pings.push(ping);
      return ping.promise;
    },
  });
  /** A look after so many more milliseconds of processor time, with the last ping answered. */
  let cpuMs = BLANK.cpuMs;
  const spend = async (ms: number, { answers = true, memoryBytes = BLANK.memoryBytes } = {}) => {
    cpuMs += ms;
    const broken = meter.sample({ cpuMs, memoryBytes });
    if (answers) for (const ping of pings.splice(0)) ping.resolve();
    await Promise.resolve();
    await Promise.resolve();
    return broken?.limit;
  };
  return { meter, spend, pings };
}

/** Processor time seen at each look, how many requests are in flight, and at which look the limit is broken. */
const CASES: readonly { name: string; inFlight: number; spent: number[]; brokenAt: number }[] = [
  { name: "one request within its limit", inFlight: 1, spent: [10, 30, 30, 30, 10], brokenAt: -1 },
  { name: "one request beyond it", inFlight: 1, spent: [10, 40, 40, 40], brokenAt: 3 },
  { name: "exactly the limit", inFlight: 1, spent: [10, 50, 50], brokenAt: -1 },
  { name: "two requests share what is spent", inFlight: 2, spent: [10, 90, 90, 10], brokenAt: -1 },
  { name: "two requests that have both had too much", inFlight: 2, spent: [10, 90, 90, 30], brokenAt: 3 },
  { name: "the first look does not count: it holds the time before", inFlight: 1, spent: [99, 99], brokenAt: -1 },
  { name: "work without a request is counted in sum", inFlight: 0, spent: [40, 40, 40], brokenAt: 2 },
  { name: "no work at all", inFlight: 1, spent: [0, 0, 0, 0], brokenAt: -1 },
];

describe("Meter: processor time", () => {
  it.each(CASES)("$name", async ({ inFlight, spent, brokenAt }) => {
    const { meter, spend } = createMeter();
    for (let i = 0; i < inFlight; i++) meter.begin();
    const codes: (string | undefined)[] = [];
    for (const ms of spent) codes.push(await spend(ms));
    expect(codes.findIndex((code) => code !== undefined)).toBe(brokenAt);
    if (brokenAt >= 0) expect(codes[brokenAt]).toBe("cpuMs");
  });

  it("counts a stretch without a sign of life against everybody, however many there are", async () => {
    const { meter, spend } = createMeter();
    for (let i = 0; i < 50; i++) meter.begin();
    expect(await spend(10, { answers: false })).toBeUndefined();
    expect(await spend(60, { answers: false })).toBeUndefined();
    expect(await spend(60, { answers: false })).toBe("cpuMs");
  });

  it("suspects only those whose own limit is broken", async () => {
    const { meter, spend, pings } = createMeter();
    meter.begin(1_000);
    const small = meter.begin(20);
    await spend(10);
    expect(meter.sample({ cpuMs: 130, memoryBytes: 0 })?.suspects).toEqual([small]);
    expect(pings).toHaveLength(1);
  });

  it("suspects everybody when a stretch without a sign of life is too long for one", async () => {
    const { meter, spend } = createMeter();
    const [large, small] = [meter.begin(1_000), meter.begin(20)];
    await spend(10, { answers: false });
    expect(meter.sample({ cpuMs: 130, memoryBytes: 0 })?.suspects).toEqual([large, small]);
  });

  it("forgets the stretch when the sign of life comes", async () => {
    const { meter, spend, pings } = createMeter();
    for (let i = 0; i < 50; i++) meter.begin();
    await spend(10, { answers: false });
    await spend(90);
    expect(pings).toEqual([]);
    expect(await spend(90)).toBeUndefined();
  });

  it("asks for one sign of life at a time, and none of a process that does nothing", async () => {
    const { spend, pings } = createMeter();
    await spend(0, { answers: false });
    expect(pings).toHaveLength(0);
    await spend(5, { answers: false });
    await spend(5, { answers: false });
    expect(pings).toHaveLength(1);
  });

  it("lets a request that is over take its share with it", async () => {
    const { meter, spend } = createMeter();
    for (let i = 0; i < 20; i++) {
      const metered = meter.begin();
      expect(meter.inFlight).toBe(1);
      await spend(10);
      expect(await spend(60)).toBeUndefined();
      metered.stop();
      metered.stop();
      expect(meter.inFlight).toBe(0);
    }
  });
});

describe("Meter: memory", () => {
  it("is what the process holds beyond what it held while blank", async () => {
    const { meter, spend } = createMeter();
    meter.begin();
    expect(await spend(0, { memoryBytes: BLANK.memoryBytes + 10 * MIB })).toBeUndefined();
    expect(meter.memoryBytes).toBe(10 * MIB);
    expect(await spend(0, { memoryBytes: BLANK.memoryBytes + 10 * MIB + 1 })).toBe("memoryBytes");
    expect(await spend(0, { memoryBytes: MIB })).toBeUndefined();
    expect(meter.memoryBytes).toBe(0);
  });

  it("suspects everybody", () => {
    const { meter } = createMeter();
    const suspects = [meter.begin(), meter.begin()];
    expect(meter.sample({ cpuMs: 50, memoryBytes: 40 * MIB })).toEqual({ limit: "memoryBytes", suspects });
  });

  it("names limit, value and function", () => {
    const broken = limitBroken({ name: "fn", limits: LIMITS }, "memoryBytes");
    expect(broken.details).toEqual({ limit: "memoryBytes", value: 10 * MIB, function: "fn" });
    expect(broken.message).toBe('Cannot go on with "fn": it holds more than its memory limit of 10 MiB');
  });
});
