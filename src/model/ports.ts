/**
 * What the outside gives to the inside: time, randomness and logging come in through parameters.
 */

import type { NebulaError } from "./errors.ts";
import type { Answer, Call } from "./exchange.ts";

/** Monotonic time, wall-clock time and timers. */
export interface Clock {
  /** Milliseconds with fractions, monotonic, from an arbitrary start. */
  nowMs(): number;
  /** Milliseconds since 1970. */
  dateMs(): number;
  /** Calls back once after `ms`; dispose to cancel. Never keeps the process alive by itself. */
  after(ms: number, callback: () => void): Disposable;
}

/** The clock of this process. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  dateMs: () => Date.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms).unref();
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

/** How much a line matters. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Structured lines: a message and flat fields, in the order given. */
export interface Log {
  write(level: LogLevel, msg: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** A log that nobody reads. */
export const silentLog: Log = { write: () => {} };

/** Reads a blob that the node holds. */
export interface BlobReader {
  /** @throws {NebulaError} NEBULA_STATE_FAILED when it is missing or damaged. */
  read(digest: string): Promise<Uint8Array>;
  /** The whole file, or the bytes from `start` to `end` inclusive. */
  stream(digest: string, range?: { start: number; end: number }): ReadableStream<Uint8Array>;
}

/** One piece of a function's console output. */
export type GuestLog = (level: "debug" | "log" | "info" | "warn" | "error", text: string) => void;

/** What a function may reach besides its own memory; the host gives it, the engine carries the calls. */
export interface Capabilities {
  /**
   * Asks a binding by its name.
   * @throws {NebulaError} NEBULA_OUTBOUND_DENIED when the function has no such binding.
   */
  binding(name: string, call: Call, context: CallContext): Promise<Answer>;
  /**
   * Asks the network, if the function's allow-list has the host.
   * @throws {NebulaError} NEBULA_OUTBOUND_DENIED or NEBULA_OUTBOUND_FAILED.
   */
  outbound(call: Call, options: OutboundCallOptions): Promise<OutboundAnswer>;
}

/** On whose behalf a function asks. */
export interface CallContext {
  /** Of the request that the function is answering. */
  readonly requestId: string;
  /** The functions through which that request came, this one not among them. */
  readonly callers: readonly string[];
  /** Of the request from outside; absent when it is the one that the function is answering. */
  readonly rootId?: string | undefined;
}

/** What stands behind a binding: static files, a database, another function. */
export interface Resource {
  fetch(call: Call, context: CallContext): Promise<Answer>;
}

/** How a call to the network is to go. */
export interface OutboundCallOptions {
  readonly redirect: "follow" | "manual" | "error";
  /** The longest that the way to a free connection may take; as long as the node allows when left out. */
  readonly connectTimeoutMs?: number | undefined;
}

/** An answer from the network, with the URL that the last redirect led to. */
export interface OutboundAnswer extends Answer {
  readonly url: string;
  /** What the body's failure means. */
  explain?(thrown: unknown): NebulaError;
}
