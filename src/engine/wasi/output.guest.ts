/**
 * What a program writes to its standard output, on its way to becoming a response body.
 *
 *     kept ─▶ streaming          when it has become much, or when the program waits and its head is known
 *
 * As long as it is kept, nothing has been promised to the client, and a failure is still a clean one.
 */

import { type ByteSink, joinBytes } from "./streams.guest.ts";

/** This much is kept; then the program is held up until somebody reads. */
export const KEPT_BYTES = 65_536;

/** The output of one invocation. */
export class Output implements ByteSink {
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #drained: PromiseWithResolvers<void> | undefined;
  #isCancelled = false;
  #isDiscarded = false;
  /** Called when nobody reads any more. */
  onCancel: () => void = () => {};
  /** Waits for a reader; a place for whoever measures that. */
  wait: (drained: Promise<void>) => Promise<void> = (drained) => drained;

  /** How much is kept. */
  get keptBytes(): number {
    return this.#controller === undefined ? this.#bytes : 0;
  }

  write(bytes: Uint8Array): void | Promise<void> {
    if (bytes.byteLength === 0 || this.#isDiscarded) return undefined;
    if (this.#isCancelled) return this.#whenDrained();
    const copy = bytes.slice();
    if (this.#controller !== undefined) {
      this.#controller.enqueue(copy);
      return (this.#controller.desiredSize ?? 1) > 0 ? undefined : this.#whenDrained();
    }
    this.#parts.push(copy);
    this.#bytes += copy.byteLength;
    return this.#bytes > KEPT_BYTES ? this.#whenDrained() : undefined;
  }

  /** All that is kept, as one piece. */
  take(): Uint8Array {
    const whole = joinBytes(this.#parts);
    this.#parts = [whole];
    return whole;
  }

  /** From now on what is written goes through the stream, after what is kept from `start` on. */
  stream(start: number): ReadableStream<Uint8Array> {
    const rest = this.take().subarray(start);
    this.#parts = [];
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
          if (rest.byteLength > 0) controller.enqueue(rest);
        },
        pull: () => this.#release(),
        cancel: () => {
          this.#isCancelled = true;
          this.onCancel();
          this.#release();
        },
      },
      { highWaterMark: KEPT_BYTES, size: (chunk) => chunk?.byteLength ?? 0 },
    );
  }

  /** From now on what is written goes nowhere. */
  discard(): void {
    this.#isDiscarded = true;
    this.#parts = [];
    this.#release();
  }

  /** The program has ended, with what went wrong if something did. Without effect while everything is kept. */
  end(error?: unknown): void {
    if (this.#controller === undefined || this.#isCancelled) return;
    if (error === undefined) this.#controller.close();
    else this.#controller.error(error);
  }

  #whenDrained(): Promise<void> {
    this.#drained ??= Promise.withResolvers();
    return this.wait(this.#drained.promise);
  }

  #release(): void {
    this.#drained?.resolve();
    this.#drained = undefined;
  }
}
