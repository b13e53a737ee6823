/**
 * Requests that wait for an instance: first come, first served. One leaves when its time is up or its client is gone.
 */

import { NebulaError } from "../model/errors.ts";
import type { Scaling } from "../model/function.ts";
import type { Clock } from "../model/ports.ts";

/** Whose line it is, how long it may get, and who is told. */
export interface WaitingLineOptions {
  /** The function, for messages. */
  readonly name: string;
  readonly limits: Pick<Scaling, "queueDepth" | "queueMs">;
  readonly clock: Clock;
  /** Called when somebody leaves who was not served. */
  onLeft(): void;
}

/** How one waits. */
export interface JoinOptions {
  readonly signal: AbortSignal;
  /** How many of the line the instances on their way will serve: these wait for a start, and are no queue. */
  readonly expected: number;
}

/** One that waits, once its turn has come. */
export interface Waiter<T> {
  readonly sinceMs: number;
  serve(outcome: T): void;
  fail(error: NebulaError): void;
}

/** The requests that wait for one function. */
export class WaitingLine<T> {
  readonly #options: WaitingLineOptions;
  readonly #waiters: Waiter<T>[] = [];

  constructor(options: WaitingLineOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#waiters.length;
  }

  /**
   * Waits for its turn.
   * @throws {NebulaError} NEBULA_OVERLOADED when the line is full or the wait too long, NEBULA_CLIENT_GONE when the
   * signal aborts first.
   */
  async join({ signal, expected }: JoinOptions): Promise<T> {
    const { name, limits, clock } = this.#options;
    if (signal.aborted) throw gone();
    if (this.#waiters.length >= limits.queueDepth + expected) {
      throw overloaded(`Cannot take a request for "${name}": ${limits.queueDepth} are waiting already`);
    }
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const waiter: Waiter<T> = { sinceMs: clock.nowMs(), serve: resolve, fail: reject };
    const leave = (error: NebulaError) => this.#leave(waiter, error);
    const onAbort = () => leave(gone());
    this.#waiters.push(waiter);
    signal.addEventListener("abort", onAbort, { once: true });
    using _timer = clock.after(limits.queueMs, () =>
      leave(overloaded(`Cannot take a request for "${name}": it has waited for ${limits.queueMs} ms`)),
    );
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Takes the first out of the line, to be served. */
  next(): Waiter<T> | undefined {
    return this.#waiters.shift();
  }

  failAll(error: NebulaError): void {
    for (const waiter of this.#waiters.splice(0)) waiter.fail(error);
    this.#options.onLeft();
  }

  #leave(waiter: Waiter<T>, error: NebulaError): void {
    const at = this.#waiters.indexOf(waiter);
    if (at < 0) return;
    this.#waiters.splice(at, 1);
    waiter.fail(error);
    this.#options.onLeft();
  }
}

function gone(): NebulaError {
  return new NebulaError("NEBULA_CLIENT_GONE", "The client left while its request was waiting");
}

function overloaded(message: string): NebulaError {
  return new NebulaError("NEBULA_OVERLOADED", message, { details: { retryAfterSeconds: 1 } });
}
