/**
 * The contract, on containers: a server in an image runs the functions of the cases.
 */

import { afterAll } from "vitest";
import { openContainerLab } from "../support/container-lab.ts";
import { withDocker } from "../support/docker.ts";
import { engineContract } from "./engine.ts";

const ITS_OWN = "what a server does with an error is its own affair: the client sees the response that it makes of it";
const NO_LINES = "what a container prints belongs to no request in particular; it goes to the function's log";
const NO_CONTEXT = "a container has no ctx: what it does after the response is its own affair until it is frozen";
const NO_BINDINGS = "a container has its variables as its environment, and no bindings";
const NO_EXPORTS = "a container has neither exports nor methods, and whoever asks for them is told so before it is asked";
const NO_FETCH = "what a container may reach is decided by its network, not by the host's fetch";
const NOT_OURS = "which modules and globals there are is decided by the image";
const WORDS = "a container has no top level, but a port that it must listen on in time: see container-starts.test.ts";

/** What cannot be. */
const SKIP: Readonly<Record<string, string>> = {
  "a function that nobody reads from stops making its body":
    "the kernel's buffers of a connection may hold more than the case allows: see container-serves.test.ts",
  "a request body that fails on its way is seen by the function as a failure":
    "a request that fails before it has a connection never reaches the container: see container-serves.test.ts",
  "a function that throws fails with NEBULA_GUEST_THREW, its stack mapped to its sources": ITS_OWN,
  "stacks on the console are mapped to the sources": NO_LINES,
  "an instance whose function threw answers the next request": ITS_OWN,
  "a function that rejects fails with NEBULA_GUEST_THREW": ITS_OWN,
  "whatever is thrown becomes NEBULA_GUEST_THREW, an error of our own making too": ITS_OWN,
  "a handler that gives a string fails with NEBULA_GUEST_THREW": ITS_OWN,
  "a handler that gives undefined fails with NEBULA_GUEST_THREW": ITS_OWN,
  "a handler that gives a plain object fails with NEBULA_GUEST_THREW": ITS_OWN,
  "a handler that gives a Response used already fails with NEBULA_GUEST_THREW": ITS_OWN,
  "a handler that gives a network error fails with NEBULA_GUEST_THREW": ITS_OWN,
  "a status or header that HTTP does not have cannot be made or is refused": ITS_OWN,
  "a body that fails midway gives what came before and then NEBULA_GUEST_THREW": ITS_OWN,
  "a listener that never responds fails with NEBULA_GUEST_THREW": ITS_OWN,
  "start() of code that fails only now and then fails with NEBULA_START_FAILED":
    "the container that prepare() has tried is kept, and thawed by the first start()",
  "every request under way in an instance that breaks a limit fails, and other instances go on":
    "a container has no limit of CPU time to break; a share of processors holds it",
  "a top level that never ends is stopped after startMs": WORDS,
  "ctx.waitUntil keeps the invocation unsettled until its work is done": NO_CONTEXT,
  "ctx.waitUntil is bounded, and work that fails behind it is told on the console": NO_CONTEXT,
  "console lines arrive with their level, formatted as Node does": NO_LINES,
  "console lines of requests at the same time go to the right one": NO_LINES,
  "console output beyond the limit is dropped, with one word about it": NO_LINES,
  "rejections and errors that nobody caught are told on the console, and the instance goes on": NO_LINES,
  "env holds the declared variables and nothing of process.env": NO_BINDINGS,
  "a binding is asked with method, URL, headers and body, and its answer given back": NO_BINDINGS,
  "bodies to and from a binding stream": NO_BINDINGS,
  "a call that the function aborts is aborted in the host": NO_BINDINGS,
  "a call that is still open when its request is over is aborted in the host, its body too": NO_BINDINGS,
  "a failure of the host is told in one sentence without its causes": NO_BINDINGS,
  "the subrequest limit is for one request and names itself": NO_BINDINGS,
  "a function that is not answering any request may not call out": NO_BINDINGS,
  "what a function asks of another goes to its binding, with the functions that it came through": NO_BINDINGS,
  "a target names the export that is asked, and gives it props": NO_EXPORTS,
  "a target calls a method, and its result comes as a copy": NO_EXPORTS,
  "a method that throws fails with NEBULA_GUEST_THREW, and with all that it threw": NO_EXPORTS,
  "fetch to a host that is not allowed is a TypeError in the function": NO_FETCH,
  "fetch goes to the network through the host, which sees every hop of a redirect": NO_FETCH,
  "wasm, text, data and JSON files are imported as what they are": NOT_OURS,
  "every module of nodejs_compat can be imported with the flag": NOT_OURS,
  "node:buffer, node:crypto, node:async_hooks and node:stream work": NOT_OURS,
  "dynamic import() of any other module of Node is refused, with and without nodejs_compat": NOT_OURS,
  "code cannot be made from strings": NOT_OURS,
  "navigator.userAgent names the runtime, and self is the global scope": NOT_OURS,
};

await withDocker("the container engine", async () => {
  const lab = await openContainerLab();
  afterAll(() => lab[Symbol.asyncDispose]());
  engineContract("container", { engine: lab.engine, build: lab.build, skip: SKIP });
});
