/**
 * The global scope of a function: what the engine has is completed, what does not belong there is taken away.
 */

import { WorkerEntrypoint } from "../../../env/entrypoints.ts";
import { RpcTarget } from "../../../env/rpc.ts";
import { NebulaAbortController, NebulaAbortSignal } from "./abort.ts";
import { NebulaBlob, NebulaFile } from "./blob.ts";
import { NebulaTextDecoder, NebulaTextEncoder } from "./encoding.ts";
import type { EventLoop } from "./event-loop.ts";
import {
  NebulaCustomEvent,
  NebulaErrorEvent,
  NebulaEvent,
  NebulaEventTarget,
  NebulaPromiseRejectionEvent,
} from "./events.ts";
import { NebulaFormData } from "./form-data.ts";
import { FetchEvent } from "./handlers.ts";
import { NebulaHeaders } from "./headers.ts";
import { NebulaRequest } from "./request.ts";
import { NebulaResponse } from "./response.ts";
import {
  ByteLengthQueuingStrategy,
  CountQueuingStrategy,
  NebulaReadableStream,
  NebulaTextDecoderStream,
  NebulaTextEncoderStream,
  NebulaTransformStream,
  ReadableByteStreamController,
  ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest,
  ReadableStreamDefaultController,
  ReadableStreamDefaultReader,
  TransformStreamDefaultController,
  WritableStream,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter,
} from "./streams.ts";
import { structuredClone } from "./structured-clone.ts";
import { NebulaURL } from "./url.ts";
import { NebulaURLSearchParams } from "./url-search-params.ts";

/** The engine's own, which nothing of a function should see, or which would bring the engine's promises back. */
const TAKEN_AWAY = [
  "__cqjs",
  "wit",
  "AsyncDisposableStack",
  "StreamReadable",
  "StreamWritable",
  "FutureReadable",
  "FutureWritable",
];

const CLASSES: Readonly<Record<string, unknown>> = {
  AbortController: NebulaAbortController,
  AbortSignal: NebulaAbortSignal,
  Blob: NebulaBlob,
  ByteLengthQueuingStrategy,
  CountQueuingStrategy,
  CustomEvent: NebulaCustomEvent,
  ErrorEvent: NebulaErrorEvent,
  Event: NebulaEvent,
  EventTarget: NebulaEventTarget,
  File: NebulaFile,
  FormData: NebulaFormData,
  Headers: NebulaHeaders,
  PromiseRejectionEvent: NebulaPromiseRejectionEvent,
  ReadableByteStreamController,
  ReadableStream: NebulaReadableStream,
  ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest,
  ReadableStreamDefaultController,
  ReadableStreamDefaultReader,
  Request: NebulaRequest,
  Response: NebulaResponse,
  TextDecoder: NebulaTextDecoder,
  TextDecoderStream: NebulaTextDecoderStream,
  TextEncoder: NebulaTextEncoder,
  TextEncoderStream: NebulaTextEncoderStream,
  TransformStream: NebulaTransformStream,
  TransformStreamDefaultController,
  URL: NebulaURL,
  URLSearchParams: NebulaURLSearchParams,
  WritableStream,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter,
};

/** Installs all of it, and what the caller has made besides. */
export function installGlobals(made: Readonly<Record<string, unknown>>): void {
  const all = { ...CLASSES, self: globalThis, structuredClone, navigator: { userAgent: "Nebula" }, ...made };
  // The prelude's own names are shortened when it is bundled.
  for (const [name, value] of Object.entries({ ...all, FetchEvent, WorkerEntrypoint, RpcTarget })) {
    if (typeof value === "function") Object.defineProperty(value, "name", { value: name, configurable: true });
  }
  for (const [name, value] of Object.entries(all)) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  }
  for (const name of TAKEN_AWAY) Reflect.deleteProperty(globalThis, name);
  Object.defineProperty(Array, "fromAsync", { value: fromAsync, writable: true, configurable: true });
  refuseStrings();
}

/** Timers on the loop, and `queueMicrotask`. What a callback throws goes to `report`. */
export function createTimers(
  loop: EventLoop,
  { queue, report }: { queue: (job: () => void) => void; report: (error: unknown) => void },
): Readonly<Record<string, unknown>> {
  const guarded = (callback: unknown, args: readonly unknown[]) => {
    if (typeof callback !== "function") throw new TypeError("The callback must be a function");
    return () => {
      try {
        callback(...args);
      } catch (error) {
        report(error);
      }
    };
  };
  const setTimer =
    (isRepeated: boolean) =>
    (callback: unknown, delay?: unknown, ...args: unknown[]) =>
      loop.addTimer(guarded(callback, args), { delayMs: Number(delay) || 0, isRepeated });
  const clear = (id: unknown) => loop.removeTimer(Number(id));
  return {
    setTimeout: setTimer(false),
    setInterval: setTimer(true),
    clearTimeout: clear,
    clearInterval: clear,
    queueMicrotask: (callback: unknown) => queue(guarded(callback, [])),
  };
}

/** Workers forbid code from strings, and so does every engine here. */
function refuseStrings(): void {
  const refuse = () => {
    throw new EvalError("Code generation from strings disallowed for this context");
  };
  const generator = Object.getPrototypeOf(function* () {});
  for (const prototype of [Function.prototype, generator]) {
    const made = function refusing() {
      refuse();
    };
    Object.defineProperties(made, { prototype: { value: prototype }, name: { value: "Function", configurable: true } });
    Object.defineProperty(prototype, "constructor", { value: made, writable: true, configurable: true });
  }
  const value = Function.prototype.constructor;
  Object.defineProperty(globalThis, "Function", { value, writable: true, configurable: true });
  Object.defineProperty(globalThis, "eval", { value: refuse, writable: true, configurable: true });
}

/** The engine's own gives a promise of the engine. */
async function fromAsync(items: unknown, convert?: (item: unknown, index: number) => unknown): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const item of toIterable(items)) all.push(convert === undefined ? item : await convert(item, all.length));
  return all;
}

function toIterable(items: unknown): Iterable<unknown> | AsyncIterable<unknown> {
  return isIterable(items) ? items : Array.from(Object(items));
}

function isIterable(value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  const object = Object(value);
  return typeof object[Symbol.asyncIterator] === "function" || typeof object[Symbol.iterator] === "function";
}
