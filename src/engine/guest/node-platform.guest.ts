/**
 * Node as the runtime of a guest.
 *
 * What is taken away here is the second lock, not the first: the process has no permission to misuse it.
 */

import { installDispatcher } from "./dispatcher.guest.ts";
import { removeGlobals } from "./globals.guest.ts";
import type { Platform } from "./platform.guest.ts";

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

/** The process that this code runs in. */
export const nodePlatform: Platform = {
  takeBuiltins: () => process.getBuiltinModule.bind(process),
  catchUncaught: ({ onException, onRejection, onRejectionHandled }) => {
    process.on("uncaughtException", onException);
    process.on("unhandledRejection", onRejection);
    process.on("rejectionHandled", onRejectionHandled);
  },
  createFetch: (send) => {
    installDispatcher(send);
    return globalThis.fetch;
  },
  removeGlobals: () => removeGlobals({ names: REMOVED, ofProcess: REMOVED_OF_PROCESS }),
};
