/**
 * The global scope of a function: the WinterTC minimum common API, and nothing of Node beyond it.
 *
 * What is taken away here is the second lock, not the first: the process has no permission to misuse it.
 * @see https://min-common-api.proposal.wintertc.org/ (ECMA-429)
 */

/**
 * Node's globals that are not part of the web, or that reach out of the isolate. `Buffer` stays, harmless,
 * because Node's own fetch takes it from the global scope.
 */
const REMOVED = [
  "process",
  "global",
  "setImmediate",
  "clearImmediate",
  "BroadcastChannel",
  "Storage",
  "localStorage",
  "sessionStorage",
  "WebSocket",
  "CloseEvent",
  "EventSource",
  "navigator",
  "Navigator",
  "gc",
];

/** What `process` offers that no bootstrap needs after its start. */
const REMOVED_OF_PROCESS = [
  "_debugEnd",
  "_debugProcess",
  "_getActiveHandles",
  "_getActiveRequests",
  "_kill",
  "_linkedBinding",
  "_startProfilerIdleNotifier",
  "_stopProfilerIdleNotifier",
  "abort",
  "binding",
  "chdir",
  "constrainedMemory",
  "dlopen",
  "execve",
  "getBuiltinModule",
  "initgroups",
  "kill",
  "loadEnvFile",
  "permission",
  "report",
  "setSourceMapsEnabled",
  "setegid",
  "seteuid",
  "setgid",
  "setgroups",
  "setuid",
  "stdin",
  "umask",
];

/** Takes from the global scope, and from `process` itself, what no function may use. Called once, before the guest's code. */
export function removeNodeGlobals(): void {
  for (const name of REMOVED_OF_PROCESS) Reflect.deleteProperty(process, name);
  // because node:path and node:url ask for it, and where the host lives is no concern of a function
  process.cwd = () => "/";
  for (const name of REMOVED) Reflect.deleteProperty(globalThis, name);
  for (const symbol of Object.getOwnPropertySymbols(globalThis)) {
    if (symbol !== Symbol.toStringTag) Reflect.deleteProperty(globalThis, symbol);
  }
}

/** Adds properties to the global scope as the platform's own are: writable, configurable, not enumerable. */
export function defineGlobals(values: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  }
}

/** Timers that give numbers, as on the web, and call back without Node's timer object as `this`. */
export function createTimers() {
  const { setTimeout: nodeTimeout, setInterval: nodeInterval } = globalThis;
  const wrap =
    (start: typeof nodeTimeout | typeof nodeInterval) =>
    (callback: unknown, ms?: number, ...args: unknown[]) => {
      if (typeof callback !== "function") throw new TypeError("Cannot set a timer: the callback is not a function");
      return Number(start(() => Reflect.apply(callback, globalThis, args), ms));
    };
  const setTimeout = wrap(nodeTimeout);
  const setInterval = wrap(nodeInterval);
  Object.defineProperty(setTimeout, "name", { value: "setTimeout" });
  Object.defineProperty(setInterval, "name", { value: "setInterval" });
  return { setTimeout, setInterval };
}
