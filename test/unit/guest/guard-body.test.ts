import { describe, expect, it } from "vitest";
import { guardBody } from "../../../src/engine/guest/guard-body.ts";
import { bytesOf, createFeed } from "../../support/capabilities.ts";
import { createFakeClock } from "../../support/fake-clock.ts";
import { turns } from "../../support/peer-pair.ts";

const TOO_LARGE = new Error("too large");
const IDLE = new Error("idle");
const FAILED = new Error("failed");

function createGuard(limitBytes = 10) {
  const feed = createFeed();
  const clock = createFakeClock();
  const breaks: Error[] = [];
  const body = guardBody(feed.stream, {
    limitBytes,
    idleMs: 100,
    after: clock.after,
    onTooLarge: () => TOO_LARGE,
    onIdle: () => IDLE,
    onFailure: async () => FAILED,
    onBreak: (error) => void breaks.push(error),
  });
  return { feed, clock, breaks, body };
}

describe("guardBody()", () => {
  it("passes bytes on up to the limit", async () => {
    const { feed, clock, breaks, body } = createGuard();
    feed.push("12345");
    feed.push("67890");
    feed.end();
    expect((await bytesOf(body)).toString()).toBe("1234567890");
    expect([breaks, clock.waiting]).toEqual([[], 0]);
  });

  it("breaks at the first byte too many, and cancels the source", async () => {
    const { feed, clock, breaks, body } = createGuard();
    feed.push("1234567890");
    feed.push("1");
    const reader = body.getReader();
    expect((await reader.read()).value).toHaveLength(10);
    await expect(reader.read()).rejects.toBe(TOO_LARGE);
    expect(await feed.cancelled).toBe(TOO_LARGE);
    expect([breaks, clock.waiting]).toEqual([[TOO_LARGE], 0]);
  });

  it("breaks when nothing comes for too long, counted from when it was asked for", async () => {
    const { feed, clock, breaks, body } = createGuard();
    const reader = body.getReader();
    clock.pass(1_000);
    const first = reader.read();
    await turns();
    clock.pass(99);
    feed.push("a");
    expect((await first).done).toBe(false);
    const second = reader.read();
    await turns();
    clock.pass(100);
    await expect(second).rejects.toBe(IDLE);
    expect(await feed.cancelled).toBe(IDLE);
    expect(breaks).toEqual([IDLE]);
  });

  it("explains the source's failure, which is no break", async () => {
    const { feed, clock, breaks, body } = createGuard();
    feed.fail(new Error("raw"));
    await expect(bytesOf(body)).rejects.toBe(FAILED);
    expect([breaks, clock.waiting]).toEqual([[], 0]);
  });

  it("hands a cancel on to the source", async () => {
    const { feed, breaks, body } = createGuard();
    await body.cancel("enough");
    expect(await feed.cancelled).toBe("enough");
    expect(breaks).toEqual([]);
  });
});
