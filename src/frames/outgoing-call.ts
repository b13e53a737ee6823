/**
 * A stream that this side opened: the request goes out, the answer comes in.
 *
 *     sent       our body has ended, or we cancelled
 *     settled    the other side is done with the stream, however it went
 */

import type { Body } from "../model/exchange.ts";
import { fromWireError, type WireError } from "../model/wire-error.ts";
import {
  END,
  encodeBytes,
  encodeCredit,
  encodeText,
  type Frame,
  KIND,
  ProtocolError,
  parseCredit,
  parseJson,
} from "./frame.ts";
import { Inbound } from "./inbound.ts";
import { Outbound } from "./outbound.ts";
import type { Wire } from "./wire.ts";

/** What failed is on the other side; its words are in `wire`. */
export class RemoteError extends Error {
  override readonly name = "RemoteError";
  readonly wire: WireError;

  constructor(wire: WireError) {
    super(wire.message);
    this.wire = wire;
  }
}

/** What the other side answered, its body perhaps still coming. */
export interface IncomingAnswer {
  readonly head: unknown;
  readonly body: Body;
  /** What comes after the body, as the other side says it; undefined at once when nothing does. Never rejects. */
  readonly trailers: Promise<unknown> | undefined;
}

/** One call to the other side. */
export class OutgoingCall {
  readonly id: number;
  readonly #wire: Wire;
  readonly #inbound: Inbound;
  readonly #outbound = new Outbound();
  readonly #answer = Promise.withResolvers<IncomingAnswer>();
  readonly #settled = Promise.withResolvers<void>();
  /** Called when the body has ended and work goes on behind it. */
  #onWork: (() => void) | undefined;
  #patience: Disposable | undefined;
  #head: unknown;
  #isCancelled = false;
  #isSent = false;
  #isSettled = false;

  constructor(id: number, wire: Wire) {
    this.id = id;
    this.#wire = wire;
    this.#inbound = new Inbound({
      grant: (bytes) => wire.send(encodeCredit(id, bytes)),
      unwanted: () => this.cancel(new DOMException("The body is not wanted", "AbortError")),
    });
    // because a call may fail before anybody has looked at its answer
    this.#answer.promise.catch(() => {});
  }

  /** Rejects with a RemoteError when the other side failed before its head, with the reason of `cancel` otherwise. */
  get answer(): Promise<IncomingAnswer> {
    return this.#answer.promise;
  }

  /** Fulfils when the work behind the call is over, `ctx.waitUntil` included. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  /**
   * Calls back when the body has ended and work goes on behind it, with the way to give up: `settled` then fulfils
   * although the other side goes on. Called before any answer can have come.
   */
  onWork(start: (giveUp: () => void) => Disposable): void {
    this.#onWork = () => {
      this.#patience = start(this.#settled.resolve);
    };
  }

  /** Whether the other side has ended its body; after `cancel`, whether it has taken note. */
  get isAcknowledged(): boolean {
    return this.#inbound.isOver;
  }

  get isOver(): boolean {
    return this.#isSent && this.#isSettled;
  }

  open(head: unknown, body: Body, trailers?: Promise<unknown>): void {
    const text = JSON.stringify(head);
    if (body === null) {
      this.#isSent = true;
      this.#wire.send(encodeText(KIND.OPEN | END, this.id, text));
    } else if (body instanceof Uint8Array && trailers === undefined && this.#outbound.fits(body)) {
      this.#isSent = true;
      this.#wire.send(encodeText(KIND.OPEN, this.id, text), encodeBytes(KIND.DATA | END, this.id, body));
    } else {
      this.#wire.send(encodeText(KIND.OPEN, this.id, text));
      void this.#pump(body, trailers);
    }
  }

  /** Wants no more of the answer and sends no more of the request. Quiet when it is over anyway. */
  cancel(reason: unknown): void {
    if (this.#isCancelled || this.#isSettled) return;
    this.#isCancelled = true;
    this.#answer.reject(reason);
    this.#inbound.drop(reason);
    this.#outbound.stop(reason);
    this.#wire.send(encodeText(KIND.CANCEL | END, this.id, ""));
    this.#isSent = true;
  }

  /** Takes a frame of this stream; `true` when the head has come and `handOn` is due. */
  receive(frame: Frame): boolean {
    const isHead = frame.kind === KIND.ANSWER;
    if (isHead) {
      if (this.#head !== undefined) throw new ProtocolError("a second answer");
      this.#head = parseJson(frame.payload);
    } else if (frame.kind === KIND.DATA || frame.kind === KIND.TRAILERS) {
      // A call that failed has no head, and is settled by a frame without data when its held work is over.
      const mayLackHead = this.#isCancelled || this.#inbound.isOver;
      if (this.#head === undefined && !mayLackHead) throw new ProtocolError("a body without its head");
      if (frame.kind === KIND.TRAILERS) this.#inbound.endWith(frame);
      else if (frame.payload.byteLength > 0) this.#inbound.push(frame.payload);
    } else if (frame.kind === KIND.CREDIT) {
      this.#outbound.grant(parseCredit(frame));
    } else if (frame.kind === KIND.CANCEL) {
      const error = new RemoteError(fromWireError(parseJson(frame.payload)));
      // A head that came in the same chunk is still to be handed on; then it is the body that fails.
      if (this.#head === undefined) this.#answer.reject(error);
      this.#cutOff(error);
    } else {
      throw new ProtocolError(`frame of unknown kind ${frame.kind}`);
    }
    if (frame.isEnd) {
      this.#inbound.end();
      if (!frame.isSettled) this.#onWork?.();
    }
    if (frame.isSettled) this.#settle();
    return isHead;
  }

  /** Gives the answer to whoever waits: at the end of the chunk that brought its head, when its body may be whole. */
  handOn(): void {
    if (this.#isCancelled) return;
    const { trailers } = this.#inbound;
    this.#answer.resolve({ head: this.#head, body: this.#inbound.take(), trailers });
  }

  /** The connection is gone. */
  break(reason: Error): void {
    this.#answer.reject(reason);
    this.#cutOff(reason);
    this.#isSent = true;
    this.#settle();
  }

  #cutOff(error: Error): void {
    this.#inbound.end(error);
    this.#outbound.stop(error);
  }

  #settle(): void {
    if (this.#isSettled) return;
    if (!this.#inbound.isOver) throw new ProtocolError("settled before the end of the body");
    this.#isSettled = true;
    // The rest of our body was not wanted: say that none will come.
    if (!this.#isSent) this.#wire.send(encodeText(KIND.CANCEL | END, this.id, ""));
    this.#isSent = true;
    this.#outbound.stop();
    this.#patience?.[Symbol.dispose]();
    this.#settled.resolve();
  }

  async #pump(body: Uint8Array | ReadableStream<Uint8Array>, trailers?: Promise<unknown>): Promise<void> {
    let last: unknown;
    try {
      await this.#outbound.pump(body, (piece) => {
        this.#wire.send(encodeBytes(KIND.DATA, this.id, piece));
        return this.#wire.whenDrained();
      });
      last = trailers && (await this.#outbound.whenKnown(trailers));
    } catch (error) {
      this.cancel(error);
    }
    if (this.#isSent) return;
    this.#isSent = true;
    if (last === undefined) this.#wire.send(encodeText(KIND.DATA | END, this.id, ""));
    else this.#wire.send(encodeText(KIND.TRAILERS | END, this.id, JSON.stringify(last)));
  }
}
