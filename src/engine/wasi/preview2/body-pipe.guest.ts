/**
 * A body on its way from the guest to whoever reads it.
 *
 *     open ─▶ finished      all is written
 *       ├───▶ failed        whoever reads gets what was written, then the failure
 *       └───▶ cancelled     nobody reads: the guest finds its stream closed
 *
 * What was written before the reader came goes out in one piece when it was all: most bodies are small.
 */

import type { Body } from "../../../model/exchange.ts";
import { type ByteSink, joinBytes } from "../streams.guest.ts";
import { StreamClosed } from "./io-error.guest.ts";

/** This much may wait for the reader; then the guest waits. */
const WAITING_BYTES = 65_536;

type State =
  | { readonly name: "open" | "finished" | "cancelled" }
  | { readonly name: "failed"; readonly cause: unknown };

type Controller = ReadableStreamDefaultController<Uint8Array>;

/** One body, written by one and read by one. */
export class BodyPipe implements ByteSink {
  #state: State = { name: "open" };
  #chunks: Uint8Array[] = [];
  #waitingBytes = 0;
  #room: PromiseWithResolvers<void> | undefined;
  #isDiscarding = false;
  #arrival: PromiseWithResolvers<void> | undefined;

  /** Takes bytes, which must not change. A promise until there is room for more. */
  write(bytes: Uint8Array): void | Promise<void> {
    if (this.#state.name !== "open") throw new StreamClosed("nobody reads the body any more");
    if (this.#isDiscarding) return undefined;
    this.#chunks.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#arrival?.resolve();
    if (this.#waitingBytes < WAITING_BYTES) return undefined;
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }

  finish(): void {
    this.#end({ name: "finished" });
  }

  fail(cause: unknown): void {
    this.#end({ name: "failed", cause });
  }

  /** The reader is gone. */
  cancel(): void {
    this.#end({ name: "cancelled" });
    this.#chunks = [];
    this.#makeRoom();
  }

  /** There is no reader, and the guest is not to notice: an answer to HEAD. */
  discard(): void {
    this.#isDiscarding = true;
    this.#chunks = [];
    this.#makeRoom();
  }

  /** What the reader gets: nothing or one piece when all is there, else a stream. To be asked once. */
  toBody(): Body {
    if (this.#state.name !== "finished") return this.#toStream();
    return this.#waitingBytes === 0 ? null : this.#take();
  }

  #end(state: State): void {
    if (this.#state.name !== "open") return;
    this.#state = state;
    this.#arrival?.resolve();
  }

  #toStream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      { pull: (controller) => this.#pull(controller), cancel: () => this.cancel() },
      { highWaterMark: 0 },
    );
  }

  async #pull(controller: Controller): Promise<void> {
    if (this.#chunks.length === 0 && this.#state.name === "open") {
      this.#arrival = Promise.withResolvers<void>();
      await this.#arrival.promise;
      this.#arrival = undefined;
    }
    if (this.#chunks.length > 0) controller.enqueue(this.#take());
    else if (this.#state.name === "failed") controller.error(this.#state.cause);
    if (this.#chunks.length === 0 && this.#state.name === "finished") controller.close();
  }

  #take(): Uint8Array {
    const whole = joinBytes(this.#chunks);
    this.#chunks = [];
    this.#makeRoom();
    return whole;
  }

  #makeRoom(): void {
    this.#waitingBytes = 0;
    this.#room?.resolve();
    this.#room = undefined;
  }
}
