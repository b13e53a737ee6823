/**
 * Reading without blocking from a source that may answer later.
 *
 *     idle ⇄ waiting → over        a promise of the source is out: waiting
 *
 * At most one read of the source is out, for at most `LOOK_AHEAD_BYTES`: that is all that is ever held here.
 */

import type { ByteSource } from "../streams.guest.ts";
import { Failure, type StreamError } from "./io-error.guest.ts";
import { type Waitable, Waiters } from "./readiness.guest.ts";
import { err, ok, type Result } from "./result.guest.ts";

/** A source that can be told that nobody reads it any more. */
export interface InputSource extends ByteSource {
  /** It always has an answer at once, so that nothing is read ahead: a file, which may change under the reader. */
  readonly isImmediate?: boolean;
  cancel?(): void;
}

/** How much is read before it is asked for. */
export const LOOK_AHEAD_BYTES = 65_536;

const NOTHING = new Uint8Array(0);

/** One source; the resources that read from it share it. */
export class Reader implements Waitable {
  readonly waiters = new Waiters();
  readonly #source: InputSource;
  readonly #failure = new Failure();
  #ahead: Uint8Array = NOTHING;
  #isWaiting = false;

  constructor(source: InputSource) {
    this.#source = source;
  }

  /** Nothing comes any more, whatever was read. */
  get isOver(): boolean {
    return this.#failure.isOver && this.#ahead.length === 0;
  }

  isReady(): boolean {
    if (this.#ahead.length > 0 || this.#failure.isOver || this.#source.isImmediate === true) return true;
    if (!this.#isWaiting) this.#ahead = this.#ask(LOOK_AHEAD_BYTES);
    return this.#ahead.length > 0 || this.#failure.isOver;
  }

  /** At most `max` bytes that are there; empty when there are none yet, or when `max` is 0. */
  read(max: number): Result<Uint8Array, StreamError> {
    if (this.#ahead.length > 0) return ok(this.#takeAhead(max));
    if (this.#failure.isOver) return err(this.#failure.take());
    if (this.#isWaiting || max === 0) return ok(NOTHING);
    const bytes = this.#ask(Math.min(max, LOOK_AHEAD_BYTES));
    return bytes.length === 0 && this.#failure.isOver ? err(this.#failure.take()) : ok(bytes);
  }

  /** Nobody reads any more. */
  cancel(): void {
    if (this.#failure.isOver) return;
    this.#ahead = NOTHING;
    this.#failure.end();
    this.#source.cancel?.();
  }

  /** Reads to the end and drops what comes. Settles when it is over; rejects with what the source failed with. */
  async drain(): Promise<void> {
    for (;;) {
      const result = this.read(LOOK_AHEAD_BYTES);
      if (result.tag === "err") {
        if (result.val.tag === "closed") return;
        throw result.val.val.cause;
      }
      if (result.val.length === 0) await this.#waitForBytes();
    }
  }

  #waitForBytes(): Promise<void> {
    return new Promise((resolve) => {
      if (this.isReady()) resolve();
      else this.waiters.add(resolve);
    });
  }

  #takeAhead(max: number): Uint8Array {
    const part = this.#ahead.subarray(0, max);
    this.#ahead = this.#ahead.subarray(part.length);
    return part;
  }

  /** Bytes that are there at once; none when they come later, or never. */
  #ask(max: number): Uint8Array {
    try {
      const answer = this.#source.read(max);
      if (answer instanceof Uint8Array) return this.#accept(answer);
      this.#isWaiting = true;
      answer.then(
        (bytes) => this.#arrive(bytes),
        (cause: unknown) => this.#fail(cause),
      );
    } catch (cause) {
      this.#failure.end(cause ?? "the source failed");
    }
    return NOTHING;
  }

  #accept(bytes: Uint8Array): Uint8Array {
    if (bytes.length === 0) this.#failure.end();
    return bytes;
  }

  #arrive(bytes: Uint8Array): void {
    this.#isWaiting = false;
    if (this.#failure.isOver) return;
    this.#ahead = this.#accept(bytes);
    this.waiters.wakeAll();
  }

  #fail(cause: unknown): void {
    this.#isWaiting = false;
    this.#failure.end(cause ?? "the source failed");
    this.waiters.wakeAll();
  }
}
