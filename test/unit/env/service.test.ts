/**
 * Both ends of a call of a method, without a host in between: who asks, who answers, and what either makes of a liar.
 */

import { describe, expect, test } from "vitest";
import type { Ask, AskAnswer } from "../../../src/env/ask.ts";
import { encodeClone } from "../../../src/env/clone.ts";
import { findEntrypoints, WorkerEntrypoint } from "../../../src/env/entrypoints.ts";
import { CallFailure } from "../../../src/env/rpc.ts";
import { createService } from "../../../src/env/service.ts";

class Greeter extends WorkerEntrypoint {
  own = "own";
  #secret() {
    return "secret";
  }
  greet(name: string) {
    return `Hello ${name}`;
  }
  get tree() {
    return { a: { b: 2 } };
  }
  usesSecret() {
    return this.#secret();
  }
}

const ctx = { waitUntil: () => {}, passThroughOnException: () => {}, props: {} };
const around = { env: {}, ctx };
const fetcher = { fetch: async () => "fetched" };

/** A binding whose other end is this module. */
function bindTo(exports: Record<string, unknown>): Record<string, (...args: unknown[]) => Promise<unknown>> {
  const entrypoints = findEntrypoints(exports);
  return toBinding(async ({ body }) => {
    const asked = body instanceof Uint8Array ? body : new Uint8Array();
    try {
      return { status: 200, headers: [], body: await entrypoints.call(asked, around) };
    } catch (thrown) {
      if (!(thrown instanceof CallFailure)) throw thrown;
      const { name, message, stack, thrown: whole } = thrown;
      return { status: 500, headers: [], body: Buffer.from(JSON.stringify({ name, message, stack, thrown: whole })) };
    }
  });
}

function toBinding(ask: Ask): Record<string, (...args: unknown[]) => Promise<unknown>> {
  const service: unknown = createService(ask, fetcher);
  return service as Record<string, (...args: unknown[]) => Promise<unknown>>;
}

function answering(answer: Partial<AskAnswer>) {
  return toBinding(async () => ({ status: 200, headers: [], body: null, ...answer }));
}

describe("a call of a method", () => {
  const greeter = bindTo({ default: Greeter });

  test("gives what it returns, and a property what its getter gives", async () => {
    expect(await greeter.greet?.("you")).toBe("Hello you");
    expect(await greeter.usesSecret?.()).toBe("secret");
    expect(await greeter.tree).toEqual({ a: { b: 2 } });
  });

  test.each(["own", "env", "ctx", "missing", "hasOwnPropertyNot", "isPrototypeOf", "__proto__", "#secret"])(
    "of %s finds nothing",
    async (name) => {
      // What the binding itself has is asked of no callee.
      if (name in Object.prototype) return;
      await expect(greeter[name]?.()).rejects.toThrow(`does not implement the method "${name}"`);
    },
  );

  test("is not made by waiting for the binding, or by writing it as JSON", async () => {
    expect(await (greeter as unknown as Promise<unknown>)).toBe(greeter);
    expect(JSON.stringify(greeter)).toBe("{}");
  });

  test("of a class that extends nothing of ours is refused", async () => {
    class Plain {
      fetch() {}
      greet() {}
    }
    await expect(bindTo({ default: Plain }).greet?.()).rejects.toThrow(/class that extends WorkerEntrypoint/);
  });

  test("that reads only what throws tells it with all that it has", async () => {
    class Thrower extends WorkerEntrypoint {
      fails() {
        throw Object.assign(new RangeError("boom", { cause: 7 }), { extra: 1 });
      }
      hostile() {
        const error = new Error("x");
        Object.defineProperty(error, "message", { get: () => error.message });
        throw error;
      }
    }
    const thrower = bindTo({ default: Thrower });
    await expect(thrower.fails?.()).rejects.toMatchObject({
      name: "RangeError",
      message: "boom",
      cause: 7,
      extra: 1,
      remote: true,
      stack: expect.stringContaining("service.test.ts"),
    });
    await expect(thrower.hostile?.()).rejects.toThrow("(a value that cannot be printed)");
  });
});

describe("a callee that lies", () => {
  test.each([
    ["nothing", {}],
    ["no value", { body: Buffer.from("nonsense") }],
    ["a status that says nothing", { status: 302, body: encodeClone(1) }],
    ["a failure that is none", { status: 500, body: Buffer.from("{") }],
    ["a body without end", { body: new ReadableStream({ pull: (to) => to.enqueue(new Uint8Array(2 ** 22)) }) }],
  ])("gets a TypeError for %s", async (_what, answer) => {
    await expect(answering(answer).add?.(1)).rejects.toBeInstanceOf(TypeError);
  });

  test.each([
    [{}, { name: "Error", message: "" }],
    [
      { name: 1, message: {}, stack: [] },
      { name: "Error", message: "" },
    ],
    [
      { name: "Function", message: "m" },
      { name: "Function", message: "m" },
    ],
    [
      { name: "TypeError", message: "m", thrown: "nonsense" },
      { name: "TypeError", message: "m" },
    ],
    [
      { name: "TypeError", message: "m", thrown: '[["value",1]]' },
      { name: "TypeError", message: "m" },
    ],
  ])("throws %j as an error", async (thrown, words) => {
    const body = Buffer.from(JSON.stringify(thrown));
    const error = await answering({ status: 500, body })
      .add?.(1)
      .catch((each: unknown) => each);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject(words);
  });
});

describe("a caller that lies", () => {
  const { call } = findEntrypoints({ default: Greeter });

  test.each([
    ["no bytes", new Uint8Array()],
    ["no call", encodeClone(1)],
    ["no path", encodeClone({ path: [], args: [] })],
    ["a path of numbers", encodeClone({ path: [1], args: [] })],
    ["arguments that are no list", encodeClone({ path: ["greet"], args: "x" })],
    ["a path without end", encodeClone({ path: Array.from({ length: 33 }, () => "tree"), args: [] })],
    ["fetch by its name", encodeClone({ path: ["fetch"], args: [] })],
    ["the constructor", encodeClone({ path: ["constructor"], args: [] })],
    ["what all objects have", encodeClone({ path: ["toString"], args: [] })],
    ["what is behind it", encodeClone({ path: ["__proto__"], args: [] })],
    ["what is behind a property", encodeClone({ path: ["tree", "constructor", "constructor"], args: ["x"] })],
    ["the class of a function", encodeClone({ path: ["greet", "constructor"], args: ["x"] })],
  ])("is refused: %s", async (_what, asked) => {
    await expect(call(asked, around)).rejects.toMatchObject({ name: "TypeError" });
  });
});
