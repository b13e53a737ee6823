/** Resources of the host and of components: owned, lent, dropped, and what happens when a component does it wrong. */

import { describe, expect, test } from "vitest";
import { suspending } from "../../../src/engine/wasi/component/host-function.guest.ts";
import { ComponentTrap } from "../../../src/engine/wasi/component/trap.guest.ts";
import { open } from "./component-lab.ts";

class Thing {
  readonly value: number;
  isDisposed = false;

  constructor(value: number) {
    this.value = value;
  }

  [Symbol.dispose](): void {
    this.isDisposed = true;
  }
}

function openThings() {
  const made: Thing[] = [];
  const things = {
    "[constructor]thing": (value: number) => {
      const thing = new Thing(value);
      made.push(thing);
      return thing;
    },
    "[method]thing.value": (thing: Thing) => thing.value,
    consume: (thing: Thing) => thing.value,
  };
  const instance = open("resources", { "test:host/things": things });
  return { instance, made, call: (name: string, ...args: unknown[]) => instance.call("$root", name, args) };
}

describe("resources of the host", () => {
  test("are made, asked and dropped by a component", async () => {
    const { call, made } = openThings();
    expect(await call("round", 7)).toBe(7);
    expect(made).toMatchObject([{ value: 7, isDisposed: true }]);
  });

  test("are the component's while it has them, and the host's own object when they come back", async () => {
    const { call } = openThings();
    const thing = new Thing(5);
    await call("keep", thing);
    expect(await call("kept")).toBe(5);
    expect(await call("return")).toBe(thing);
    expect(thing.isDisposed).toBe(false);
    await expect(call("kept")).rejects.toThrow(ComponentTrap);
  });

  test("are not disposed of when they are given to a function of the host", async () => {
    const { call } = openThings();
    const thing = new Thing(5);
    await call("keep", thing);
    expect(await call("consume-kept")).toBe(5);
    expect(thing.isDisposed).toBe(false);
  });

  test("are lent for a call", async () => {
    const { call } = openThings();
    const thing = new Thing(3);
    expect(await call("look", thing)).toBe(3);
    expect(await call("look", thing)).toBe(3);
    expect(thing.isDisposed).toBe(false);
  });

  test("are disposed of with the instance", async () => {
    const { call, instance } = openThings();
    const thing = new Thing(3);
    await call("keep", thing);
    instance[Symbol.dispose]();
    instance[Symbol.dispose]();
    expect(thing.isDisposed).toBe(true);
    await expect(call("kept")).rejects.toThrow("closed");
  });

  test.each([
    ["keeps what it was lent", "forget-to-drop", new Thing(1), /kept a resource/],
    ["gives away what it was lent", "give-away-lent", new Thing(1), /is borrowed/],
    ["uses a number that is no handle", "use-any", 99, /no handle 99/],
    ["uses number 0", "use-any", 0, /no handle 0/],
    ["uses a negative number", "use-any", -1, /no handle 4294967295/],
    ["uses a handle of another resource", "wrong-type", 1, /of another resource/],
  ])("trap when a component %s", async (_what, name, argument, message) => {
    const { call } = openThings();
    await expect(call(name, argument)).rejects.toThrow(message);
    await expect(call("round", 1)).rejects.toThrow(ComponentTrap);
  });

  test("trap when a component drops one twice", async () => {
    const { call } = openThings();
    await call("keep", new Thing(1));
    await call("drop-kept");
    await expect(call("drop-kept")).rejects.toThrow(/no handle/);
  });

  test("cannot be dropped while they are lent", async () => {
    let release = (_value: number) => {};
    const lent = new Promise<number>((resolve) => {
      release = resolve;
    });
    const instance = open("resources", {
      "test:host/things": {
        "[constructor]thing": () => new Thing(1),
        "[method]thing.value": suspending(() => lent),
        consume: () => 0,
      },
    });
    await instance.call("$root", "keep", [new Thing(1)]);
    const asked = instance.call("$root", "kept", []);
    await expect(instance.call("$root", "drop-kept", [])).rejects.toThrow(/cannot be entered/);
    release(8);
    expect(await asked).toBe(8);
    await instance.call("$root", "drop-kept", []);
  });

  test("have to be objects", async () => {
    const { call } = openThings();
    await expect(call("keep", 5)).rejects.toThrow(TypeError);
  });
});

describe("resources of a component", () => {
  test("go out, are lent and come back", async () => {
    const { call } = openThings();
    const counter = await call("make-counter", 41);
    expect(await call("count", counter)).toBe(42);
    expect(await call("end-counter", counter)).toBe(41);
    expect(await call("destroyed")).toBe(41);
  });

  test("can be given back once", async () => {
    const { call } = openThings();
    const counter = await call("make-counter", 1);
    await call("end-counter", counter);
    await expect(call("end-counter", counter)).rejects.toThrow(/given away before/);
  });

  test("are destroyed when the host disposes of them, once", async () => {
    const { call } = openThings();
    const counter = await call("make-counter", 10);
    const dispose = async () => {
      await using held = counter as AsyncDisposable;
      void held;
    };
    await dispose();
    await dispose();
    expect(await call("destroyed")).toBe(10);
  });

  test("of one instance are none of another", async () => {
    const [a, b] = [openThings(), openThings()];
    await b.call("make-counter", 1);
    const counter = await a.call("make-counter", 5);
    await expect(b.call("count", counter)).rejects.toThrow(ComponentTrap);
  });

  test("are what the component gave, and nothing else", async () => {
    const { call } = openThings();
    await expect(call("count", {})).rejects.toThrow(TypeError);
  });
});

describe("components in a component", () => {
  test.each([false, true])("hand resources and strings to each other (the host waits: %s)", async (isWaiting) => {
    const wait = isWaiting ? suspending(async (x: number) => x) : (x: number) => x;
    const instance = open("nested", { $root: { wait } });
    expect(await instance.call("test:nested/one@0.2.9", "use", [42])).toBe(42);
    expect(await instance.call("test:nested/two@0.3.0", "use", [43])).toBe(43);
    expect(await instance.call("$root", "alive", [])).toBe(0);
    expect(await instance.call("test:nested/one", "echo", ["naïve 😀"])).toBe("naïve 😀");
  });

  test("are exported under their whole name where that is no release of 0.2", async () => {
    const instance = open("nested", { $root: { wait: (x: number) => x } });
    await expect(instance.call("test:nested/two", "use", [1])).rejects.toThrow(/exports no function/);
    await expect(instance.call("test:nested/one", "use-not", [1])).rejects.toThrow(/exports no function/);
  });
});
