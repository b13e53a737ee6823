/**
 * The sending half of one stream's body: cuts it into frames, as fast as the receiver grants credit.
 */

import { DATA_LIMIT_BYTES, ProtocolError } from "./frame.ts";
import { WINDOW_BYTES } from "./inbound.ts";

/** More credit than this can only be a lie. */
const CREDIT_LIMIT_BYTES = 2 * WINDOW_BYTES;

/** Sends one piece; when the socket is full, the promise of its draining. */
export type SendPiece = (piece: Uint8Array) => Promise<void> | undefined;

/** The credit of one body on its way out. */
export class Outbound {
  #credit = WINDOW_BYTES;
  #isStopped = false;
  #wake: (() => void) | undefined;
  #onStop: (() => void) | undefined;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;

  /** Whether these bytes may leave in one frame now. */
  fits(bytes: Uint8Array): boolean {
    return bytes.byteLength <= DATA_LIMIT_BYTES && bytes.byteLength <= this.#credit;
  }

  /** @throws {ProtocolError} when the receiver grants more than a window. */
  grant(bytes: number): void {
    this.#credit += bytes;
    if (this.#credit > CREDIT_LIMIT_BYTES) throw new ProtocolError("more credit than a window");
    this.#wake?.();
  }

  /** Sends no more, and tells the source so. */
  stop(reason?: unknown): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#wake?.();
    this.#onStop?.();
    // because the source's own failure to cancel changes nothing for us
    this.#reader?.cancel(reason).catch(() => {});
  }

  /** Sends all of the body; settles early when stopped, rejects with the source's error. */
  async pump(body: Uint8Array | ReadableStream<Uint8Array>, send: SendPiece): Promise<void> {
    if (body instanceof Uint8Array) return await this.#sendPieces(body, send);
    const reader = body.getReader();
    this.#reader = reader;
    for (;;) {
      const { done, value } = await reader.read();
      if (done || this.#isStopped) return;
      if (!(value instanceof Uint8Array)) {
        const error = new TypeError("Cannot send a chunk of a body: it is not a Uint8Array");
        this.stop(error);
        throw error;
      }
      await this.#sendPieces(value, send);
    }
  }

  /** What is to come after the body; undefined when stopped before it is known. */
  async whenKnown(trailers: Promise<unknown>): Promise<unknown> {
    if (this.#isStopped) return undefined;
    const stopped = new Promise<undefined>((resolve) => {
      this.#onStop = () => resolve(undefined);
    });
    return await Promise.race([trailers, stopped]);
  }

  async #sendPieces(bytes: Uint8Array, send: SendPiece): Promise<void> {
    for (let at = 0; at < bytes.byteLength && !this.#isStopped; ) {
      if (this.#credit === 0) {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
        continue;
      }
      const size = Math.min(bytes.byteLength - at, this.#credit, DATA_LIMIT_BYTES);
      this.#credit -= size;
      const drained = send(bytes.subarray(at, at + size));
      at += size;
      if (drained !== undefined) await drained;
    }
  }
}
