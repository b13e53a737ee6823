/**
 * Drives the host of WASI 0.2 as a component would: by interface and name, with plain JavaScript values.
 */

import { expect } from "vitest";
import type { WasiClock } from "../../../src/engine/wasi/clock.guest.ts";
import type { HostImports } from "../../../src/engine/wasi/component/host-function.guest.ts";
import {
  createPreview2,
  type Preview2,
  type Preview2Options,
} from "../../../src/engine/wasi/preview2/preview2.guest.ts";
import { bytesSource, type CollectingSink, collectingSink } from "../../../src/engine/wasi/streams.guest.ts";

/** A clock that stands still until it is told to go on. */
export class StillClock implements WasiClock {
  wallNs = 1_700_000_000_123_456_789n;
  ns = 1_000_000n;
  readonly #sleepers = new Set<{ readonly at: bigint; readonly wake: () => void }>();

  get sleeping(): number {
    return this.#sleepers.size;
  }

  nowNs(): bigint {
    return this.wallNs;
  }

  monotonicNs(): bigint {
    return this.ns;
  }

  sleep(ns: bigint, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const sleeper = {
        at: this.ns + ns,
        wake: () => {
          this.#sleepers.delete(sleeper);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", sleeper.wake);
    });
  }

  advance(ns: bigint): void {
    this.ns += ns;
    for (const sleeper of [...this.#sleepers]) if (sleeper.at <= this.ns) sleeper.wake();
  }
}

/** Calls a function of an interface. */
export type Call = (path: string, name: string, ...args: unknown[]) => unknown;

/** A host to call, and what it was given. */
export interface Lab {
  readonly call: Call;
  readonly imports: HostImports;
  readonly preview2: Preview2;
  readonly clock: StillClock;
  readonly stdout: CollectingSink;
  readonly stderr: CollectingSink;
}

/** A host with everything small and fixed, but for what is given. */
export function createLab(options: Partial<Preview2Options> = {}): Lab {
  const clock = new StillClock();
  const stdout = collectingSink();
  const stderr = collectingSink();
  let random = 0;
  const preview2 = createPreview2({
    args: ["prog", "one"],
    env: { HOME: "/", LANG: "C" },
    stdin: bytesSource(utf8("standard input")),
    stdout,
    stderr,
    preopens: [],
    clock,
    random: (bytes) => {
      for (let i = 0; i < bytes.length; i++) bytes[i] = random++;
    },
    ...options,
  });
  return { call: toCall(preview2.imports), imports: preview2.imports, preview2, clock, stdout, stderr };
}

/** Calls into any imports. */
export function toCall(imports: HostImports): Call {
  return (path, name, ...args) => {
    const found = imports[path]?.[name];
    if (found === undefined) throw new TypeError(`no ${path} ${name}`);
    const call = typeof found === "function" ? found : found.call;
    return Reflect.apply(call, undefined, args);
  };
}

/** The value of an `ok`. */
export function good(result: unknown): unknown {
  expect(result).toMatchObject({ tag: "ok" });
  return hasVal(result) ? result.val : undefined;
}

/** The value of an `err`. */
export function bad(result: unknown): unknown {
  expect(result).toMatchObject({ tag: "err" });
  return hasVal(result) ? result.val : undefined;
}

/** What a variant or a result holds. */
export function valOf(value: unknown): unknown {
  return hasVal(value) ? value.val : undefined;
}

function hasVal(value: unknown): value is { val: unknown } {
  return typeof value === "object" && value !== null && "val" in value;
}

/** Drops a resource, as a component does. */
export function drop(resource: unknown): void {
  if (isDisposable(resource)) resource[Symbol.dispose]();
}

function isDisposable(value: unknown): value is Disposable {
  return typeof value === "object" && value !== null && Symbol.dispose in value;
}

/** The bytes of a text. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** The text of bytes. */
export function text(bytes: unknown): string {
  if (!(bytes instanceof Uint8Array)) throw new TypeError("no bytes");
  return new TextDecoder().decode(bytes);
}

/** All of a body as text. */
export async function readBody(body: null | Uint8Array | ReadableStream<Uint8Array>): Promise<string> {
  if (body === null) return "";
  if (body instanceof Uint8Array) return text(body);
  const decoder = new TextDecoder();
  let whole = "";
  for await (const chunk of body) whole += decoder.decode(chunk, { stream: true });
  return whole;
}

/** The guest waits, as far as the host can tell, and all that can go on has gone on. */
export async function pause({ call }: Pick<Lab, "call">): Promise<void> {
  await call("wasi:io/poll", "[method]pollable.block", call("wasi:clocks/monotonic-clock", "subscribe-duration", 0n));
  await settle();
}

/** A few turns of the event loop: all that can go on has gone on. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Whether a promise has settled after all that can go on has gone on. */
export async function isSettled(promise: unknown): Promise<boolean> {
  let isDone = false;
  const mark = () => {
    isDone = true;
  };
  Promise.resolve(promise).then(mark, mark);
  await settle();
  return isDone;
}

/** A source that gives what it is told to, when it is told to. */
export class ManualSource {
  readonly asked: number[] = [];
  #waiting: PromiseWithResolvers<Uint8Array> | undefined;
  isCancelled = false;

  read(max: number): Promise<Uint8Array> {
    this.asked.push(max);
    this.#waiting = Promise.withResolvers<Uint8Array>();
    return this.#waiting.promise;
  }

  cancel(): void {
    this.isCancelled = true;
  }

  give(chunk: string): void {
    this.#waiting?.resolve(utf8(chunk));
  }

  fail(cause: unknown): void {
    this.#waiting?.reject(cause);
  }
}

/** A sink that takes a piece when it is told to. */
export class ManualSink {
  readonly pieces: Uint8Array[] = [];
  #waiting: PromiseWithResolvers<void> | undefined;

  write(bytes: Uint8Array): Promise<void> {
    this.pieces.push(bytes);
    this.#waiting = Promise.withResolvers<void>();
    return this.#waiting.promise;
  }

  take(): void {
    this.#waiting?.resolve();
  }

  fail(cause: unknown): void {
    this.#waiting?.reject(cause);
  }
}
