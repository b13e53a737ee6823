import { expect, it } from "vitest";
import { Slots } from "../../../../src/engine/container/slots.ts";
import { createFakeClock } from "../../../support/fake-clock.ts";

const { signal } = new AbortController();

it("gives as many places as there are, and the next in the order of asking", async () => {
  const clock = createFakeClock();
  const slots = new Slots(1, clock);
  const order: string[] = [];
  const take = async (name: string) => {
    const slot = await slots.take({ signal, limitMs: 1_000 });
    order.push(name);
    return slot;
  };
  const first = await take("first");
  const [second, third] = [take("second"), take("third")];
  if (typeof first === "string") throw new Error(first);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  const slot = await second;
  expect(order).toEqual(["first", "second"]);
  if (typeof slot === "string") throw new Error(slot);
  slot[Symbol.dispose]();
  await third;
  expect(order).toEqual(["first", "second", "third"]);
  expect(clock.waiting).toBe(0);
});

it("does not wait longer than it may, nor for whoever has left, and loses no place by it", async () => {
  const clock = createFakeClock();
  const slots = new Slots(1, clock);
  const first = await slots.take({ signal, limitMs: 10 });
  const late = slots.take({ signal, limitMs: 10 });
  const client = new AbortController();
  const gone = slots.take({ signal: client.signal, limitMs: 100 });
  const next = slots.take({ signal, limitMs: 100 });
  clock.pass(10);
  client.abort();
  if (typeof first === "string") throw new Error(first);
  first[Symbol.dispose]();
  expect([await late, await gone, typeof (await next)]).toEqual(["late", "gone", "object"]);
});
