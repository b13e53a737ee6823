/**
 * What the outside gives to the inside: time, randomness and logging come in through parameters.
 */

/** Monotonic time, wall-clock time and timers. */
export interface Clock {
  /** Milliseconds with fractions, monotonic, from an arbitrary start. */
  nowMs(): number;
  /** Milliseconds since 1970. */
  dateMs(): number;
  /** Calls back once after `ms`; dispose to cancel. Never keeps the process alive by itself. */
  after(ms: number, callback: () => void): Disposable;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  dateMs: () => Date.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms).unref();
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};

export type LogLevel = "debug" | "info" | "warn" | "error";

/** Structured lines: a message and flat fields, in the order given. */
export interface Log {
  write(level: LogLevel, msg: string, fields?: Readonly<Record<string, unknown>>): void;
}

export const silentLog: Log = { write: () => {} };

/** Reads a blob that the node holds. */
export interface BlobReader {
  /** @throws {NebulaError} NEBULA_STATE_FAILED when it is missing or damaged. */
  read(digest: string): Promise<Uint8Array>;
  /** The whole file, or the bytes from `start` to `end` inclusive. */
  stream(digest: string, range?: { start: number; end: number }): ReadableStream<Uint8Array>;
}
