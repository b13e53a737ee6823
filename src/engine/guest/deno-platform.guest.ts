/**
 * Deno as the runtime of a guest, with no permission at all.
 *
 * It has Node's modules without any permission, and links a function's modules with `node:vm` as Node does. What differs
 * is here: its `fetch` would open sockets, what nobody caught ends the process, and its global scope is large.
 */

import { NODEJS_COMPAT_MODULES } from "../../model/nodejs-compat.ts";
import { createWebFetch } from "./deno-fetch.guest.ts";
import { defineGlobals, removeGlobals } from "./globals.guest.ts";
import type { Platform, UncaughtListener } from "./platform.guest.ts";

/** Deno's event for promises that nobody caught; functions get one of ours. */
interface DenoRejection extends Event {
  readonly reason: unknown;
  readonly promise: Promise<unknown>;
}

/** Taken while it is there. */
const DenoRejectionEvent: new (...args: never[]) => DenoRejection = Reflect.get(globalThis, "PromiseRejectionEvent");

/** The language, and the web as functions have it: what is not named here is taken away, whatever a next version adds. */
const KEPT = [
  "AggregateError Array ArrayBuffer AsyncDisposableStack Atomics BigInt BigInt64Array BigUint64Array Boolean DataView Date",
  "DisposableStack Error EvalError FinalizationRegistry Float16Array Float32Array Float64Array Function Infinity Int16Array",
  "Int32Array Int8Array Intl Iterator JSON Map Math NaN Number Object Promise Proxy RangeError ReferenceError Reflect RegExp",
  "Set SharedArrayBuffer String SuppressedError Symbol SyntaxError Temporal TypeError URIError Uint16Array Uint32Array",
  "Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet WebAssembly decodeURI decodeURIComponent encodeURI",
  "encodeURIComponent escape eval globalThis isFinite isNaN parseFloat parseInt undefined unescape",
  "AbortController AbortSignal Blob Buffer ByteLengthQueuingStrategy CompressionStream CountQueuingStrategy Crypto CryptoKey",
  "CustomEvent DOMException DecompressionStream ErrorEvent Event EventTarget File FormData Headers MessageChannel",
  "MessageEvent MessagePort Performance PerformanceEntry PerformanceMark PerformanceMeasure PerformanceObserver",
  "PerformanceObserverEntryList PromiseRejectionEvent QuotaExceededError ReadableByteStreamController ReadableStream",
  "ReadableStreamBYOBReader ReadableStreamBYOBRequest ReadableStreamDefaultController ReadableStreamDefaultReader Request",
  "Response SubtleCrypto TextDecoder TextDecoderStream TextEncoder TextEncoderStream TransformStream",
  "TransformStreamDefaultController URL URLPattern URLSearchParams WritableStream WritableStreamDefaultController",
  "WritableStreamDefaultWriter addEventListener atob btoa clearInterval clearTimeout console crypto dispatchEvent fetch",
  "onerror onrejectionhandled onunhandledrejection performance queueMicrotask removeEventListener reportError self",
  "setInterval setTimeout structuredClone",
].flatMap((line) => line.split(" "));

/** Of `process`, what Deno's own modules ask it for. */
const KEPT_OF_PROCESS = [
  "_events _eventsCount _maxListeners arch cwd emitWarning features hrtime nextTick platform release uptime version versions",
].flatMap((line) => line.split(" "));

/** The process that this code runs in. */
export const denoPlatform: Platform = {
  takeBuiltins: () => {
    // Now, because some of them look for globals that are about to go.
    const modules = new Map(NODEJS_COMPAT_MODULES.map((name) => [`node:${name}`, process.getBuiltinModule(name)]));
    return (name) => modules.get(name);
  },
  catchUncaught,
  createFetch: (send) => createWebFetch(send, globalThis.fetch),
  removeGlobals: () => {
    const listOthers = (target: object, kept: readonly string[]) =>
      Object.getOwnPropertyNames(target).filter((name) => !kept.includes(name));
    removeGlobals({ names: listOthers(globalThis, KEPT), ofProcess: listOthers(process, KEPT_OF_PROCESS) });
  },
};

/**
 * Deno tells of what nobody caught by events that it dispatches on the global scope, with whatever `dispatchEvent` it finds
 * there, and ends the process unless it returns false. Those that a function makes itself are told apart from them.
 */
function catchUncaught({ onException, onRejection, onRejectionHandled }: UncaughtListener): void {
  const made = new WeakSet<object>();
  const proxy = new Proxy(ErrorEvent, {
    construct: (target, args, newTarget) => {
      const event: ErrorEvent = Reflect.construct(target, args, newTarget);
      made.add(event);
      return event;
    },
  });
  Object.defineProperty(ErrorEvent.prototype, "constructor", { value: proxy, writable: true, configurable: true });
  const tell = (event: unknown): boolean => {
    if (event instanceof ErrorEvent && !made.has(event)) onException(event.error);
    else if (!(event instanceof DenoRejectionEvent)) return false;
    else if (event.type === "unhandledrejection") onRejection(event.reason, event.promise);
    else onRejectionHandled(event.promise);
    return true;
  };
  const dispatchOwn: (event: Event) => boolean = Reflect.get(globalThis, "dispatchEvent");
  const dispatchEvent = (event: Event): boolean => {
    if (!tell(event)) return dispatchOwn(event);
    event.preventDefault();
    return false;
  };
  defineGlobals({ ErrorEvent: proxy, dispatchEvent });
}
