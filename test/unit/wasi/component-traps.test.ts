/** What a component does wrong stops it, and only it. */

import { describe, expect, test } from "vitest";
import { type HostFunction, suspending } from "../../../src/engine/wasi/component/host-function.guest.ts";
import { ComponentTrap } from "../../../src/engine/wasi/component/trap.guest.ts";
import { compile, open, PLAIN, readFixture } from "./component-lab.ts";

const PAGE = 65_536;

function openTraps(functions: Readonly<Record<string, HostFunction>> = {}) {
  const instance = open("traps", { $root: { call: () => {}, give: () => "given", ...functions } });
  return (name: string, ...args: unknown[]) => instance.call("$root", name, args);
}

describe("a component traps when", () => {
  test.each([
    ["a string it passes is out of its memory", "pass", [PAGE - 1, 2], /out of the memory/],
    ["a string it passes is longer than any memory", "pass", [0, 0xffff_ffff], /out of the memory/],
    ["a string it passes is not UTF-8", "pass", [512, 2], /not UTF-8/],
    ["a long string it passes is not UTF-8", "pass", [500, 100], /not UTF-8/],
    ["it wants a result out of its memory", "give-to", [PAGE, 1024], /out of the memory/],
    ["it wants a result at an odd place", "give-to", [1, 1024], /multiple of 4/],
    ["its allocator gives room that is not there", "give-to", [0, PAGE - 1], /out of the memory/],
    ["its result is no character", "to-char", [0x11_0000], /no character/],
    ["its result is half a character", "to-char", [0xd800], /no character/],
    ["its result is no case of an enum", "to-enum", [2], /no case 2/],
    ["its result is out of its memory", "to-variant", [PAGE - 1], /out of the memory/],
    ["its result is no case of a variant", "to-variant", [512], /no case 255/],
    ["its result is at an odd place", "to-tuple", [4], /multiple of 8/],
    ["its list is at an odd place", "to-list", [2, 1], /multiple of 4/],
    ["its list is out of its memory", "to-list", [0, PAGE], /out of the memory/],
    ["its list is longer than any memory", "to-list", [0, 0xffff_ffff], /out of the memory/],
    ["its string is out of its memory", "to-string", [PAGE, 1], /out of the memory/],
    ["its string in UTF-16 is at an odd place", "to-utf16", [1, 1], /multiple of 2/],
    ["it calls out after its return", "calls-in-post-return", [1], /cannot call out/],
  ])("%s", async (_what, name, args, message) => {
    const call = openTraps();
    const failed = call(name, ...args);
    await expect(failed).rejects.toThrow(ComponentTrap);
    await expect(failed).rejects.toThrow(message);
  });

  test("its lists overlap so that they are larger than its memory by far", async () => {
    const instance = compile(readFixture("traps"), { $root: { call: () => {}, give: () => "" } }).instantiate(
      { $root: { call: () => {}, give: () => "" } },
      {
        instantiate: (module, number, imports) => {
          const made = PLAIN.instantiate(module, number, imports);
          const { memory } = made.exports;
          // Each entry of the outer list is the whole memory: 7000 lists of 16000 elements.
          if (memory instanceof WebAssembly.Memory && imports.libc === undefined) {
            const words = new Uint32Array(memory.buffer);
            for (let i = 256; i < words.length; i += 2) words.set([256, 16_000], i);
          }
          return made;
        },
      },
    );
    await expect(instance.call("$root", "to-lists", [1024, 7000])).rejects.toThrow(/more than 134217728 bytes/);
  });
});

describe("a component", () => {
  test("may have high bits in its small results", async () => {
    const call = openTraps();
    expect(await call("to-bool", 2)).toBe(true);
    expect(await call("to-s8", 0x1ff)).toBe(-1);
  });

  test("fails as V8 says when its code does", async () => {
    const call = openTraps();
    await expect(call("unreachable")).rejects.toThrow(WebAssembly.RuntimeError);
    await expect(call("to-bool", 1)).rejects.toThrow(WebAssembly.RuntimeError);
  });

  test.each([false, true])("fails with what a host function throws (later: %s)", async (isLater) => {
    const thrown = { reason: "exit" };
    const fail = () => {
      throw thrown;
    };
    const call = openTraps({ call: isLater ? suspending(async () => fail()) : fail });
    await expect(call("pass", 0, 0)).rejects.toBe(thrown);
    await expect(call("to-bool", 1)).rejects.toBe(thrown);
  });

  test("fails when a host function gives what is no value of its type", async () => {
    await expect(openTraps({ give: () => 5 })("give-to", 0, 1024)).rejects.toThrow(TypeError);
  });

  test("does one call at a time, and another instance of it does another meanwhile", async () => {
    const opened: (() => void)[] = [];
    const wait = suspending(() => new Promise<void>((resolve) => opened.push(resolve)));
    const [a, b] = [openTraps({ call: wait }), openTraps({ call: wait })];
    const first = a("pass", 0, 0);
    await expect(a("to-bool", 1)).rejects.toThrow(/cannot be entered/);
    const second = b("pass", 0, 0);
    opened[1]?.();
    await second;
    opened[0]?.();
    await first;
    expect(await a("to-bool", 1)).toBe(true);
  });

  test("that waits when its instance is closed never goes on", async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const host = { $root: { call: () => {}, give: suspending(() => promise) } };
    const memories: WebAssembly.Memory[] = [];
    const instance = compile(readFixture("traps"), host).instantiate(host, {
      instantiate: (...args) => {
        const made = PLAIN.instantiate(...args);
        if (made.exports.memory instanceof WebAssembly.Memory) memories.push(made.exports.memory);
        return made;
      },
    });
    const call = instance.call("$root", "give-to", [256, 1024]);
    instance[Symbol.dispose]();
    await expect(call).rejects.toThrow("The instance is closed");
    const before = memories.map(({ buffer }) => buffer.slice(0));
    resolve("given");
    await promise;
    await new Promise(setImmediate);
    expect(memories.map(({ buffer }) => buffer)).toEqual(before);
    await expect(instance.call("$root", "to-bool", [1])).rejects.toThrow("The instance is closed");
  });

  test("has its waits measured", async () => {
    const waits: Promise<unknown>[] = [];
    const host = { $root: { call: suspending(async () => {}), give: () => "" } };
    const instance = compile(readFixture("traps"), host).instantiate(host, {
      ...PLAIN,
      wait: (promise) => {
        waits.push(promise);
        return promise;
      },
    });
    await instance.call("$root", "pass", [0, 0]);
    expect(waits.length).toBe(1);
  });
});
