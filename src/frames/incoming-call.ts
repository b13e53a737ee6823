/**
 * A stream that the other side opened: its request comes in, our answer goes out.
 *
 *     received   its body has ended, or it cancelled
 *     settled    our body has ended and the work held by `hold` is over
 */

import type { Body } from "../model/exchange.ts";
import { toWireError } from "../model/wire-error.ts";
import {
  END,
  encodeBytes,
  encodeCredit,
  encodeText,
  type Frame,
  KIND,
  ProtocolError,
  parseCredit,
  SETTLED,
} from "./frame.ts";
import { Inbound } from "./inbound.ts";
import { Outbound } from "./outbound.ts";
import type { Wire } from "./wire.ts";

/** What a call is answered with. */
export interface OutgoingAnswer {
  /** Anything JSON can carry. */
  readonly head: unknown;
  readonly body: Body;
  /** What comes after the body, anything JSON can carry: it must settle once the body is over, undefined for nothing. */
  readonly trailers?: Promise<unknown> | undefined;
  /** What the other side is told of a failure of the body. */
  explain?(thrown: unknown): unknown;
}

/** Answers a call; what it rejects with is sent as a failure. */
export type CallHandler = (call: IncomingCall) => Promise<OutgoingAnswer> | OutgoingAnswer;

/** One call of the other side. */
export class IncomingCall {
  readonly id: number;
  readonly head: unknown;
  readonly #wire: Wire;
  readonly #inbound: Inbound;
  readonly #outbound = new Outbound();
  readonly #onOver: () => void;
  #abort: AbortController | undefined;
  #cancelReason: DOMException | undefined;
  #heldCount = 0;
  #isEndSent = false;
  #isSettled = false;

  constructor(id: number, head: unknown, options: { wire: Wire; onOver(): void }) {
    this.id = id;
    this.head = head;
    this.#wire = options.wire;
    this.#onOver = options.onOver;
    this.#inbound = new Inbound({
      grant: (bytes) => options.wire.send(encodeCredit(id, bytes)),
      // The opener learns that its body was not wanted when the stream is settled.
      unwanted: () => {},
    });
  }

  /** The request's body. Called once, by the handler. */
  takeBody(): Body {
    return this.#inbound.take();
  }

  /** What comes after the request's body; undefined at once when nothing does. */
  get trailers(): Promise<unknown> | undefined {
    return this.#inbound.trailers;
  }

  /** Aborts when the opener cancels. Costs nothing until somebody asks for it. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#cancelReason !== undefined) this.#abort.abort(this.#cancelReason);
    return this.#abort.signal;
  }

  /** Whether the opener has cancelled. Asked before the handler begins, it may spare the work. */
  get isCancelled(): boolean {
    return this.#cancelReason !== undefined;
  }

  get isOver(): boolean {
    return this.#inbound.isOver && this.#isSettled;
  }

  /** Keeps the stream unsettled until the work is over, however it ends. */
  hold(work: Promise<unknown>): void {
    this.#heldCount += 1;
    const release = () => {
      this.#heldCount -= 1;
      if (this.#isEndSent && this.#heldCount === 0) this.#sendSettled();
    };
    work.then(release, release);
  }

  /** Runs the handler and sends what it answers. */
  async run(handler: CallHandler): Promise<void> {
    let answer: OutgoingAnswer | undefined;
    try {
      answer = await handler(this);
      if (this.#cancelReason === undefined) await this.#send(answer);
      // because nobody waits for the body any more, nor for the reason why it cannot be cancelled
      else if (answer.body instanceof ReadableStream) await answer.body.cancel(this.#cancelReason).catch(() => {});
    } catch (error) {
      const failure = answer?.explain?.(error) ?? error;
      if (!this.#isEndSent) this.#sendEnd(KIND.CANCEL, JSON.stringify(toWireError(failure)));
    }
    if (!this.#isEndSent) this.#sendEnd(KIND.DATA, "");
    if (this.#heldCount === 0) this.#sendSettled();
  }

  /** Takes a frame of this stream, the first one included. @throws {ProtocolError} when it is none that an opener sends. */
  receive(frame: Frame): void {
    if (frame.kind === KIND.DATA) {
      if (frame.payload.byteLength > 0) this.#inbound.push(frame.payload);
    } else if (frame.kind === KIND.CREDIT) this.#outbound.grant(parseCredit(frame));
    else if (frame.kind === KIND.CANCEL) this.#cancel();
    else if (frame.kind === KIND.TRAILERS) this.#inbound.endWith(frame);
    else if (frame.kind !== KIND.OPEN) throw new ProtocolError(`frame of unknown kind ${frame.kind}`);
    if (frame.isEnd) this.#inbound.end();
  }

  /** The connection is gone. */
  break(): void {
    this.#isEndSent = true;
    // Before it counts as settled: the source of a body that is under way must be told.
    this.#cancel();
    this.#isSettled = true;
    this.#inbound.end();
  }

  #cancel(): void {
    if (this.#cancelReason !== undefined || (this.#isSettled && this.#inbound.isOver)) return;
    this.#cancelReason = new DOMException("The client left before the response was complete", "AbortError");
    this.#inbound.end(this.#cancelReason);
    this.#outbound.stop(this.#cancelReason);
    this.#abort?.abort(this.#cancelReason);
    // At once, because it also tells the opener that this event loop is alive.
    if (!this.#isEndSent) this.#sendBare(END);
    this.#isEndSent = true;
  }

  async #send({ head, body, trailers }: OutgoingAnswer): Promise<void> {
    const text = JSON.stringify(head);
    if (body === null || (body instanceof Uint8Array && this.#outbound.fits(body))) {
      const last = trailers && (await this.#outbound.whenKnown(trailers));
      if (!this.#isEndSent) this.#sendWhole(text, body, last);
      return;
    }
    this.#wire.send(encodeText(KIND.ANSWER, this.id, text));
    await this.#outbound.pump(body, (piece) => {
      this.#wire.send(encodeBytes(KIND.DATA, this.id, piece));
      return this.#wire.whenDrained();
    });
    const last = trailers && (await this.#outbound.whenKnown(trailers));
    if (last !== undefined && !this.#isEndSent) this.#sendEnd(KIND.TRAILERS, JSON.stringify(last));
  }

  /** In one message, so that the other side has all of it at once. */
  #sendWhole(head: string, body: Uint8Array | null, trailers: unknown): void {
    this.#isEndSent = true;
    const endTag = (kind: number) => this.#endTag(kind);
    const hasMore = trailers !== undefined;
    const frames = [encodeText(body === null && !hasMore ? endTag(KIND.ANSWER) : KIND.ANSWER, this.id, head)];
    if (body !== null) frames.push(encodeBytes(hasMore ? KIND.DATA : endTag(KIND.DATA), this.id, body));
    if (hasMore) frames.push(encodeText(endTag(KIND.TRAILERS), this.id, JSON.stringify(trailers)));
    this.#wire.send(...frames);
  }

  /** The last frame of our body; it also settles the stream when no work is held. */
  #sendEnd(kind: number, payload: string): void {
    this.#isEndSent = true;
    this.#wire.send(encodeText(this.#endTag(kind), this.id, payload));
  }

  #endTag(kind: number): number {
    if (this.#heldCount > 0) return kind | END;
    this.#markSettled();
    return kind | END | SETTLED;
  }

  #sendSettled(): void {
    if (this.#isSettled) return;
    this.#sendBare(SETTLED);
    this.#markSettled();
  }

  #sendBare(tag: number): void {
    this.#wire.send(encodeText(KIND.DATA | tag, this.id, ""));
  }

  #markSettled(): void {
    this.#isSettled = true;
    this.#onOver();
  }
}
