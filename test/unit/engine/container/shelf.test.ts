import { describe, expect, it } from "vitest";
import { Shelf } from "../../../../src/engine/container/shelf.ts";
import { silentLog } from "../../../../src/model/ports.ts";
import { createFakeClock } from "../../../support/fake-clock.ts";

/** A container that writes down what is done to it. */
function createContainer(failing: readonly string[] = []) {
  const done: string[] = [];
  const exit = Promise.withResolvers<{ code: number; wasOutOfMemory: boolean; message: string }>();
  const does = (what: string) => async () => {
    done.push(what);
    if (failing.includes(what)) throw new Error(`cannot ${what}`);
  };
  return {
    container: { freeze: does("freeze"), stop: does("stop"), remove: does("remove") },
    run: { exit: exit.promise, isOver: false },
    done,
    die: () => exit.resolve({ code: 137, wasOutOfMemory: false, message: "" }),
  };
}

type Fake = ReturnType<typeof createContainer>;

function createShelf() {
  const clock = createFakeClock();
  const shelf = new Shelf<Fake["container"], Fake["run"]>({ stopMs: 100, removeMs: 1_000, clock, log: silentLog });
  return { clock, shelf };
}

/** Lets promises that are settled be told. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("Shelf", () => {
  it("freezes what it is given, stops it after its time, and removes it after another", async () => {
    const { clock, shelf } = createShelf();
    const { container, run, done } = createContainer();
    await shelf.put(container, run);
    expect([done, shelf.counts]).toEqual([["freeze"], { frozen: 1, stopped: 0 }]);
    clock.pass(99);
    expect(done).toEqual(["freeze"]);
    clock.pass(1);
    await settle();
    expect([done, shelf.counts]).toEqual([["freeze", "stop"], { frozen: 0, stopped: 1 }]);
    clock.pass(1_000);
    await settle();
    expect([done, shelf.counts]).toEqual([["freeze", "stop", "remove"], { frozen: 0, stopped: 0 }]);
    expect(clock.waiting).toBe(0);
  });

  it("gives frozen ones before stopped ones, the last first, each once", async () => {
    const { clock, shelf } = createShelf();
    const [stopped, first, second] = [createContainer(), createContainer(), createContainer()];
    await shelf.put(stopped.container, stopped.run);
    clock.pass(100);
    await settle();
    await shelf.put(first.container, first.run);
    await shelf.put(second.container, second.run);
    const taken = [shelf.take(), shelf.take(), shelf.take(), shelf.take()];
    expect(taken.map((each) => each?.container)).toEqual([
      second.container,
      first.container,
      stopped.container,
      undefined,
    ]);
    expect(taken[2]?.run).toBeUndefined();
    clock.pass(10_000);
    await settle();
    expect(first.done).toEqual(["freeze"]);
  });

  it("gives nobody a container that is just being stopped", async () => {
    const { clock, shelf } = createShelf();
    const { container, run } = createContainer();
    await shelf.put(container, run);
    clock.pass(100);
    expect(shelf.take()).toBeUndefined();
    await settle();
    expect(shelf.take()?.container).toBe(container);
  });

  it("removes one that dies while it rests", async () => {
    const { shelf } = createShelf();
    const { container, run, done, die } = createContainer();
    await shelf.put(container, run);
    die();
    await settle();
    expect([done, shelf.counts]).toEqual([["freeze", "remove"], { frozen: 0, stopped: 0 }]);
  });

  it("leaves one alone that dies after it was taken, or because it was stopped", async () => {
    const { clock, shelf } = createShelf();
    const [taken, stopped] = [createContainer(), createContainer()];
    await shelf.put(taken.container, taken.run);
    shelf.take();
    taken.die();
    await shelf.put(stopped.container, stopped.run);
    clock.pass(100);
    stopped.die();
    await settle();
    expect([taken.done, stopped.done]).toEqual([["freeze"], ["freeze", "stop"]]);
  });

  it("removes what cannot be frozen or stopped", async () => {
    const { clock, shelf } = createShelf();
    const [warm, heavy] = [createContainer(["freeze"]), createContainer(["stop"])];
    await shelf.put(warm.container, warm.run);
    await shelf.put(heavy.container, heavy.run);
    clock.pass(100);
    await settle();
    expect([warm.done, heavy.done]).toEqual([
      ["freeze", "remove"],
      ["freeze", "stop", "remove"],
    ]);
    expect(shelf.counts).toEqual({ frozen: 0, stopped: 0 });
  });

  it("dispose() removes all that it has, and what comes later at once", async () => {
    const { clock, shelf } = createShelf();
    const [before, after] = [createContainer(), createContainer()];
    await shelf.put(before.container, before.run);
    await shelf[Symbol.asyncDispose]();
    await shelf.put(after.container, after.run);
    expect([before.done, after.done]).toEqual([["freeze", "remove"], ["remove"]]);
    expect(clock.waiting).toBe(0);
  });
});
