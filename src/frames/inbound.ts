/**
 * The receiving half of one stream's body.
 *
 * The sender may have WINDOW_BYTES under way; reading grants it more. A body that came whole with its head is
 * handed over as bytes; only one that is still coming costs a ReadableStream.
 */

import { Buffer } from "node:buffer";
import type { Body } from "../model/exchange.ts";
import { type Frame, ProtocolError, parseJson } from "./frame.ts";

/** Bytes of one body that may be under way, unread by the receiver. */
export const WINDOW_BYTES = 262_144;

/** A body of single bytes would be a quarter of a million objects. */
const MAX_PIECES = 1_024;

/** What the sender is told. */
export interface InboundOptions {
  /** Called as the reader takes bytes, in steps of half a window. */
  grant(bytes: number): void;
  /** Called once, when the reader wants no more of a body that is not over. */
  unwanted(): void;
}

/** The bytes of one body that have arrived and are not read yet. */
export class Inbound {
  readonly #options: InboundOptions;
  #chunks: Uint8Array[] = [];
  #window = WINDOW_BYTES;
  #readBytes = 0;
  #isOver = false;
  #isDropped = false;
  #failure: unknown;
  #trailers: unknown;
  #whenOver: PromiseWithResolvers<unknown> | undefined;
  #wake: (() => void) | undefined;

  constructor(options: InboundOptions) {
    this.#options = options;
  }

  /** Whether the sender has said that it sends no more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * What the sender says after the body, if it says anything; undefined at once when it is over and nothing was said.
   * A body that fails has none.
   */
  get trailers(): Promise<unknown> | undefined {
    if (this.#isOver) return this.#trailers === undefined ? undefined : Promise.resolve(this.#trailers);
    this.#whenOver ??= Promise.withResolvers();
    return this.#whenOver.promise;
  }

  /** @throws {ProtocolError} when the sender goes past its credit, or sends after the end. */
  push(payload: Uint8Array): void {
    if (this.#isOver) throw new ProtocolError("data after the end of a body");
    if (payload.byteLength > this.#window) throw new ProtocolError("data beyond the credit granted");
    this.#window -= payload.byteLength;
    if (this.#isDropped) return;
    this.#chunks.push(payload);
    if (this.#chunks.length >= MAX_PIECES) this.#chunks = [Buffer.concat(this.#chunks)];
    this.#wake?.();
  }

  /** The sender's last word. With a failure, the reader sees it after what came before. */
  end(failure?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#failure ??= failure;
    this.#whenOver?.resolve(this.#trailers);
    this.#wake?.();
  }

  /** What comes after the body, with the frame that ends it. @throws {ProtocolError} anywhere else. */
  endWith(frame: Frame): void {
    if (!frame.isEnd) throw new ProtocolError("trailers before the end of a body");
    if (this.#isOver) throw new ProtocolError("trailers after the end of a body");
    this.#trailers = parseJson(frame.payload);
    this.end();
  }

  /** Our own last word: the reader sees the failure now, what still comes is thrown away. */
  drop(failure?: unknown): void {
    this.#isDropped = true;
    this.#failure ??= failure;
    this.#chunks = [];
    this.#wake?.();
  }

  /** The body as it stands: bytes when all of it is here, a stream otherwise. Called once. */
  take(): Body {
    if (!this.#isOver || this.#failure !== undefined) return this.#createStream();
    const [first, second] = this.#chunks;
    if (first === undefined) return null;
    return second === undefined ? first : Buffer.concat(this.#chunks);
  }

  #createStream(): ReadableStream<Uint8Array> {
    const source = {
      type: "bytes",
      pull: (controller: ReadableByteStreamController) => this.#pull(controller),
      cancel: () => {
        this.drop();
        if (!this.#isOver) this.#options.unwanted();
      },
    };
    // because a guest may have given Object.prototype a `start`
    return new ReadableStream(Object.setPrototypeOf(source, null));
  }

  async #pull(controller: ReadableByteStreamController): Promise<void> {
    while (this.#chunks.length === 0 && !this.#isOver && !this.#isDropped) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    this.#wake = undefined;
    if (this.#chunks.length > 0) {
      // All of it at once: reader and sender would go through many small pieces without a pause for anybody else.
      const bytes = join(this.#chunks);
      this.#chunks = [];
      this.#account(bytes.byteLength);
      controller.enqueue(bytes);
    } else if (this.#failure !== undefined) {
      controller.error(this.#failure);
    } else if (this.#isOver) {
      controller.close();
      // A pending read with a buffer of its own is answered only by this.
      controller.byobRequest?.respond(0);
    }
  }

  #account(bytes: number): void {
    this.#readBytes += bytes;
    if (this.#isOver || this.#readBytes < WINDOW_BYTES / 2) return;
    this.#window += this.#readBytes;
    this.#options.grant(this.#readBytes);
    this.#readBytes = 0;
  }
}

/** A copy, because a byte stream takes the whole buffer for itself, and other frames share the one that chunks lie in. */
function join(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}
