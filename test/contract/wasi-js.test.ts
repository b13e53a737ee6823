/**
 * The JavaScript part of the contract, on the Wasm engine: each guest is built into a component first.
 */

import { createRequire } from "node:module";
import { afterAll, describe, it, vi } from "vitest";
import { openWasiJsLab } from "../support/wasi-js-lab.ts";
import { engineContract } from "./engine.ts";

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

const COLUMNS = "the engine inside names lines as V8 does, and columns in its own way";
const NO_END = "a limit ends one request; the function has no process of its own that would end with it";
const BROKEN_OFF = "a body that breaks off is told as such; what was thrown is on the console";

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
  "a body that fails midway gives what came before and then NEBULA_GUEST_THREW": BROKEN_OFF,
  "dispose() ends requests under way, and twice is quiet": NO_END,
  "dispose() in the middle of a body fails the body and settles": NO_END,
  "fetch() of a disposed instance fails with NEBULA_GUEST_EXITED": NO_END,
  "every request under way in an instance that breaks a limit fails, and other instances go on": NO_END,
  "the CPU limit ends a loop": NO_END,
  "the CPU limit counts work after the response": NO_END,
  "the memory limit ends a function that fills objects on the heap": NO_END,
  "the memory limit ends a function that fills one growing array": NO_END,
  "the memory limit ends a function that fills ArrayBuffers": NO_END,
  "the memory limit ends a function that fills Wasm memory": NO_NODE,
  "the wall limit ends an instance that blocks its thread without using the processor": NO_NODE,
};

// Each guest is built, and some cases have several.
vi.setConfig({ testTimeout: 120_000 });

if (isInstalled) {
  const lab = await openWasiJsLab();
  afterAll(() => lab[Symbol.asyncDispose]());
  engineContract("wasi: JavaScript", { engine: lab.engine, build: lab.build, skip: SKIP });
} else {
  console.warn("skipped: JavaScript in Wasm: componentize-qjs is not installed");
  describe.skip("wasi: JavaScript", () => it("passes the contract", () => {}));
}
