/**
 * Writing without blocking to a sink that may answer later.
 *
 * A budget of bytes may be under way at once; a program that writes more than it is permitted breaks its contract and
 * is ended. While a flush is under way nothing is permitted.
 *
 * @see https://github.com/WebAssembly/wasi-io/blob/v0.2.0/wit/streams.wit
 */

import type { ByteSink } from "../streams.guest.ts";
import { Failure, type StreamError } from "./io-error.guest.ts";
import { type Waitable, Waiters } from "./readiness.guest.ts";
import { err, OK, ok, type Result, trap } from "./result.guest.ts";

/** How many bytes may be under way. */
export const BUDGET_BYTES = 65_536;

/** One sink; the resources that write to it share it. */
export class Writer implements Waitable {
  readonly waiters = new Waiters();
  readonly #sink: ByteSink;
  readonly #failure = new Failure();
  /** What waits for the sink, which takes one piece at a time. */
  readonly #queue: Uint8Array[] = [];
  #underWay = 0;
  #isWaiting = false;
  #isFlushing = false;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  isReady(): boolean {
    return this.#failure.isOver || this.#permit() > 0;
  }

  /** How many bytes the next write may have. */
  checkWrite(): Result<bigint, StreamError> {
    return this.#failure.isOver ? err(this.#failure.take()) : ok(BigInt(this.#permit()));
  }

  /**
   * Hands over bytes, which are kept and must not change.
   * @throws {WebAssembly.RuntimeError} when they are more than is permitted.
   */
  write(bytes: Uint8Array): Result<undefined, StreamError> {
    if (this.#failure.isOver) return err(this.#failure.take());
    if (bytes.length > this.#permit()) trap("write: more bytes than check-write permitted");
    if (bytes.length === 0) return OK;
    this.#underWay += bytes.length;
    this.#queue.push(bytes);
    this.#pump();
    return this.#failure.isOver ? err(this.#failure.take()) : OK;
  }

  /** Asks that all be taken before anything more is permitted. */
  flush(): Result<undefined, StreamError> {
    if (this.#failure.isOver) return err(this.#failure.take());
    this.#isFlushing = this.#underWay > 0;
    return OK;
  }

  /** Calls once everything that was written has been taken, or never will be. */
  whenIdle(next: () => void): void {
    if (this.#underWay === 0) next();
    else this.waiters.add(() => this.whenIdle(next));
  }

  #permit(): number {
    return this.#isFlushing ? 0 : BUDGET_BYTES - this.#underWay;
  }

  #pump(): void {
    while (!this.#isWaiting) {
      const bytes = this.#queue.shift();
      if (bytes === undefined) return;
      this.#give(bytes);
    }
  }

  #give(bytes: Uint8Array): void {
    try {
      const answer = this.#sink.write(bytes);
      if (answer === undefined) {
        this.#settle(bytes.length);
        return;
      }
      this.#isWaiting = true;
      answer.then(
        () => this.#resume(bytes.length),
        (cause: unknown) => this.#end(cause ?? "the sink failed"),
      );
    } catch (cause) {
      this.#end(cause ?? "the sink failed");
    }
  }

  #resume(length: number): void {
    this.#isWaiting = false;
    if (this.#failure.isOver) return;
    this.#settle(length);
    this.#pump();
    this.waiters.wakeAll();
  }

  #settle(length: number): void {
    this.#underWay -= length;
    if (this.#underWay === 0) this.#isFlushing = false;
  }

  #end(cause: unknown): void {
    this.#failure.end(cause);
    this.#queue.length = 0;
    this.#underWay = 0;
    this.#isFlushing = false;
    this.#isWaiting = false;
    this.waiters.wakeAll();
  }
}
