import { describe, expect, it } from "vitest";
import { CallSlots } from "../../../src/engine/wasi/call-slots.guest.ts";

/** Takes as many places as asked for, and keeps what gives them back, in the order in which they came. */
function takeMany(slots: CallSlots, program: string, count: number, signal?: AbortSignal) {
  const taken: (() => void)[] = [];
  const failed: unknown[] = [];
  for (let i = 0; i < count; i++) {
    slots.take(program, signal).then(
      (release) => taken.push(release),
      (reason: unknown) => failed.push(reason),
    );
  }
  return { taken, failed };
}
const settle = () => new Promise(setImmediate);

describe("places for calls", () => {
  it("go to one program up to the half of them, and to others beside it", async () => {
    const slots = new CallSlots();
    const greedy = takeMany(slots, "greedy", 1_000);
    const modest = takeMany(slots, "modest", 10);
    await settle();
    expect([greedy.taken.length, modest.taken.length]).toEqual([100, 10]);
    greedy.taken[0]?.();
    await settle();
    expect(greedy.taken.length).toBe(101);
  });

  it("that become free go to who has fewest", async () => {
    const slots = new CallSlots();
    const [one, two] = [takeMany(slots, "one", 150), takeMany(slots, "two", 150)];
    await settle();
    const late = takeMany(slots, "late", 1);
    await settle();
    expect([one.taken.length, two.taken.length, late.taken.length]).toEqual([100, 100, 0]);
    one.taken[0]?.();
    await settle();
    expect([one.taken.length, two.taken.length, late.taken.length]).toEqual([100, 100, 1]);
    two.taken[0]?.();
    one.taken[1]?.();
    await settle();
    expect(one.taken.length + two.taken.length).toBe(202);
  });

  it("are not waited for when the signal aborts, and are all there again in the end", async () => {
    const slots = new CallSlots();
    const abort = new AbortController();
    const reason = new Error("over");
    const { taken, failed } = takeMany(slots, "a", 150, abort.signal);
    await settle();
    abort.abort(reason);
    await settle();
    expect([taken.length, failed]).toEqual([100, Array.from({ length: 50 }, () => reason)]);
    await expect(slots.take("a", abort.signal)).rejects.toBe(reason);
    for (const release of taken) release();
    const again = [takeMany(slots, "a", 101), takeMany(slots, "b", 101)];
    await settle();
    expect(again.map((each) => each.taken.length)).toEqual([100, 100]);
  });
});
