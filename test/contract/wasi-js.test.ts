/**
 * The JavaScript part of the contract, on the Wasm engine: each guest is built into a component first.
 */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { ask, askText, bytesOf, noCapabilities, rejectionOf } from "../support/capabilities.ts";
import type { GuestSource } from "../support/guest-source.ts";
import { openWasiJsLab, type WasiJsLab } from "../support/wasi-js-lab.ts";
import { engineContract } from "./engine.ts";
import { GLOBAL_NAMES } from "./web-api.names.ts";

const isInstalled = (() => {
  try {
    createRequire(import.meta.url).resolve("componentize-qjs");
    return true;
  } catch {
    return false; // because it is optional
  }
})();

const FRESH = "each request has an instance of its own, so that nothing is left for the next one";
const AT_BUILD = "the top level runs when the function is built, which then fails";
const NO_ENV = "there is no env, time or network at the top level, which runs when the function is built";
const NO_NODE = "JavaScript in Wasm has no modules of Node and no WebAssembly of its own; the build says so";

const COLUMNS = "the engine inside names lines as V8 does, and columns in its own way: see below";
const NO_END = "an instance has no process of its own whose end could be awaited: see the limits below";
const UNHARMED = "what else is under way in the process of a loop is asked again elsewhere: see the limits below";
const ON_THEIR_OWN = "an instance is a place in the queue; requests under way end on their own, or at their limits";

/** What cannot be. */
const SKIP: Readonly<Record<string, string>> = {
  "the first byte comes before the last is made": FRESH,
  "a function that nobody reads from stops making its body": FRESH,
  "request.signal aborts when the client leaves before the response": FRESH,
  "a client that leaves in the middle of the body cancels it in the function": FRESH,
  "call.signal ends a body that is under way": FRESH,
  "a request body that fails on its way is seen by the function as a failure": FRESH,
  "ctx.waitUntil keeps the invocation unsettled until its work is done": FRESH,
  "the same function object answers later requests": FRESH,
  "two instances share no state": FRESH,
  "prepare() of code that throws at its top level fails with NEBULA_PREPARE_FAILED and its words": AT_BUILD,
  "prepare() of code without a handler fails": AT_BUILD,
  "a top level that never ends is stopped after startMs": AT_BUILD,
  "start() that is cancelled fails and leaves no instance": AT_BUILD,
  "start() of code that fails only now and then fails with NEBULA_START_FAILED": NO_ENV,
  "a function that is not answering any request may not call out": NO_ENV,
  "wasm, text, data and JSON files are imported as what they are": NO_NODE,
  "every module of nodejs_compat can be imported with the flag": NO_NODE,
  "node:buffer, node:crypto, node:async_hooks and node:stream work": NO_NODE,
  "a function that throws fails with NEBULA_GUEST_THREW, its stack mapped to its sources": COLUMNS,
  "stacks on the console are mapped to the sources": COLUMNS,
  "dispose() ends requests under way, and twice is quiet": ON_THEIR_OWN,
  "dispose() in the middle of a body fails the body and settles": ON_THEIR_OWN,
  "fetch() of a disposed instance fails with NEBULA_GUEST_EXITED": ON_THEIR_OWN,
  "the CPU limit ends a loop": NO_END,
  "the CPU limit counts work after the response": NO_END,
  "every request under way in an instance that breaks a limit fails, and other instances go on": UNHARMED,
  "the memory limit ends a function that fills objects on the heap": NO_END,
  "the memory limit ends a function that fills one growing array": NO_END,
  "the memory limit ends a function that fills ArrayBuffers": NO_END,
  "the memory limit ends a function that fills Wasm memory": NO_NODE,
  "the wall limit ends an instance that blocks its thread without using the processor": NO_NODE,
};

/** Requests of one kind each, in one guest: to build one takes a second. */
const GUEST = `
import { waitUntil } from "cloudflare:workers";

console.log("made", 1);
console.warn("on two\\nlines", "é😀");
let early = "nothing";
try { waitUntil(null); } catch (error) { early = error.message; }
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const ways: Record<string, (request: Request) => unknown> = {
  "/ok": () => new Response("ok"),
  "/early": () => new Response(early),
  "/loop": () => { for (;;); },
  "/later": () => { setTimeout(() => { for (;;); }, 5); waitUntil(pause(10)); return new Response("early"); },
  "/objects": () => { const all: unknown[] = []; for (let i = 0; ; i++) all.push({ i, text: "x".repeat(i % 100) }); },
  "/array": () => { const all: unknown[] = []; for (;;) all.push(1); },
  "/buffers": async () => { const all: unknown[] = []; for (;;) { all.push(new Uint8Array(1e6).fill(1)); await null; } },
  "/large": () => new Response(new Uint8Array(1e9)),
  "/body": () => new Response(new ReadableStream({
    async pull(controller) { await pause(5); controller.enqueue(new Uint8Array(5e6)); const all: unknown[] = []; for (;;) all.push(1); },
  })),
  "/deep": ({ url }) => {
    const deep = (n: number): number => (n === 0 ? 0 : 1 + deep(n - 1));
    return new Response(String(deep(Number(new URL(url).searchParams.get("calls")))));
  },
  "/wait": async () => { console.log("begun"); for (;;) { await pause(5); console.log("still here"); } },
  "/background": () => { waitUntil(pause(20).then(() => console.log("worked"))); return new Response("early"); },
  "/throw": () => { fail("here"); },
  "/names": () => Response.json(Object.getOwnPropertyNames(globalThis)),
};

function fail(word: string): never {
  throw new RangeError(word);
}

export default {
  fetch: (request: Request) => ways[new URL(request.url).pathname]?.(request) ?? new Response("", { status: 404 }),
};
`;
const SOURCE: GuestSource = {
  files: { "index.ts": GUEST },
  limits: { memoryBytes: 32 * 1024 * 1024, cpuMs: 1_500, wallMs: 20_000 },
};

function javaScriptInWasm(lab: WasiJsLab): void {
  const start = async () => {
    const deployment = await lab.build(SOURCE);
    const signal = new AbortController().signal;
    const prepared = await lab.engine.prepare(deployment, { signal, capabilities: noCapabilities, isProven: true });
    onTestFinished(() => prepared[Symbol.asyncDispose]());
    return await prepared.start({ signal });
  };

  it("tells whoever builds what the top level prints", async () => {
    const { printed } = await lab.compile(SOURCE);
    expect(printed).toBe("made 1\non two\nlines é😀\n");
  });

  it("lacks the names that docs/compatibility.md says, and has the others", async () => {
    const names = new Set(JSON.parse(await askText(await start(), { path: "/names" })));
    const text = await readFile(join(import.meta.dirname, "../../docs/compatibility.md"), "utf8");
    const line = text.split("\n").find((each) => each.startsWith("`AsyncDisposableStack` ·"));
    const absent = GLOBAL_NAMES.filter((name) => !names.has(name)).map((name) => `\`${name}\``);
    expect(line, `the line has to be\n${absent.join(" · ")}\n`).toBe(absent.join(" · "));
  });

  it("ends a loop at the CPU limit, and leaves other requests unharmed", async () => {
    const instance = await start();
    const looping = rejectionOf(ask(instance, { path: "/loop" }));
    const others = Array.from({ length: 5 }, () => askText(instance, { path: "/ok" }));
    const error = await looping;
    expect(error.code).toBe("NEBULA_CPU_LIMIT");
    expect(error.details).toEqual({ limit: "cpuMs", value: 1_500, function: "guest" });
    expect(await Promise.all(others)).toEqual(["ok", "ok", "ok", "ok", "ok"]);
  });

  it("counts work after the response for the CPU limit too", async () => {
    const instance = await start();
    // The loop begins at once: on a busy machine its end may overtake the answer.
    const said = ask(instance, { path: "/later" }).then(async ({ body, settled }) => {
      const text = await bytesOf(body).finally(() => settled);
      return String(text);
    });
    expect(await said.catch((thrown) => thrown.code)).toMatch(/^early$|^NEBULA_CPU_LIMIT$/);
    expect(await askText(instance, { path: "/ok" })).toBe("ok");
  });

  it.each(["/objects", "/array", "/buffers", "/large"])("ends what fills its memory: %s", async (path) => {
    const instance = await start();
    const error = await rejectionOf(ask(instance, { path }));
    expect(error.code).toBe("NEBULA_MEMORY_LIMIT");
    expect(error.details).toEqual({ limit: "memoryBytes", value: SOURCE.limits?.memoryBytes, function: "guest" });
    expect(await askText(instance, { path: "/ok" })).toBe("ok");
  });

  it("fails a body whose function fills its memory", async () => {
    const { body } = await ask(await start(), { path: "/body" });
    expect((await rejectionOf(bytesOf(body))).code).toBe("NEBULA_MEMORY_LIMIT");
  });

  it("calls a thousand functions deep, and tells a stack that is full", async () => {
    const instance = await start();
    expect(await askText(instance, { path: "/deep?calls=1000" })).toBe("1000");
    const error = await rejectionOf(ask(instance, { path: "/deep?calls=1000000" }));
    expect(error.code).toBe("NEBULA_GUEST_TRAPPED");
    expect(error.details.trap).toBe("stack overflow");
  });

  it("names the lines of the sources", async () => {
    const error = await rejectionOf(ask(await start(), { path: "/throw" }));
    const line = (text: string) => GUEST.split("\n").findIndex((each) => each.includes(text)) + 1;
    const { stack = "" } = error.cause instanceof Error ? error.cause : {};
    expect(stack).toMatch(new RegExp(`at fail \\(index\\.ts:${line("throw new RangeError")}:`));
    expect(stack).toContain(`index.ts:${line('fail("here")')}:`);
  });

  it("ends what a request waits for when its client leaves", async () => {
    const instance = await start();
    const client = new AbortController();
    const lines: string[] = [];
    const begun = Promise.withResolvers<void>();
    const onLog = (_: string, text: string) => {
      lines.push(text);
      if (lines.length === 3) begun.resolve();
    };
    const gone = rejectionOf(ask(instance, { path: "/wait", signal: client.signal, onLog }));
    await begun.promise;
    client.abort();
    expect((await gone).code).toBe("NEBULA_CLIENT_GONE");
    await askText(instance, { path: "/ok" });
    const { length } = lines;
    for (let i = 0; i < 20; i++) await askText(instance, { path: "/ok" });
    expect(lines.length - length).toBeLessThan(3);
  });

  it("waits for what cloudflare:workers is told to wait for, while a request is answered", async () => {
    const instance = await start();
    const lines: string[] = [];
    const { body, settled } = await ask(instance, { path: "/background", onLog: (_, text) => void lines.push(text) });
    expect((await bytesOf(body)).toString()).toBe("early");
    await settled;
    expect(lines).toEqual(["worked"]);
    expect(await askText(instance, { path: "/early" })).toContain("no request is being answered");
  });
}

// Each guest is built, and some cases have several.
vi.setConfig({ testTimeout: 120_000 });

if (isInstalled) {
  const lab = await openWasiJsLab();
  afterAll(() => lab[Symbol.asyncDispose]());
  engineContract("wasi: JavaScript", { engine: lab.engine, build: lab.build, skip: SKIP });
  describe("wasi: JavaScript, in its own way", () => javaScriptInWasm(lab));
} else {
  console.warn("skipped: JavaScript in Wasm: componentize-qjs is not installed");
  describe.skip("wasi: JavaScript", () => it("passes the contract", () => {}));
}
