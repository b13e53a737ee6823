/**
 * One end of the socket pair between host and guest. Both ends are the same machine.
 *
 *     call    OPEN ─▶ … body … END                   either side may open streams, so that a guest's call
 *             ◀─ ANSWER … body … END … SETTLED       to a binding is a request that goes the other way
 *     note    NOTE ─▶                                one way: logs
 *
 * Many streams are under way at once; bodies flow both ways, each with credit of its own.
 * CANCEL from the opener: it wants no more and will send no more. CANCEL from the answering side: it failed, and
 * its payload says how. SETTLED frees the stream.
 *
 * Knows nothing of HTTP, of functions, or of what the heads mean.
 */

import type { Body } from "../model/exchange.ts";
import { ConnectionClosed, encodeText, type Frame, FrameReader, KIND, ProtocolError, parseJson } from "./frame.ts";
import { type CallHandler, IncomingCall } from "./incoming-call.ts";
import { OutgoingCall } from "./outgoing-call.ts";
import { type PeerSocket, Wire } from "./wire.ts";

/** Which end it is, and who takes what comes in. */
export interface PeerOptions {
  /** The host's streams have odd numbers, the guest's even ones. */
  readonly side: "host" | "guest";
  /** Streams that the other side may have open at once; one more breaks the protocol. */
  readonly maxIncoming: number;
  readonly onCall: CallHandler;
  /** A one-way message; `bytes` is its size on the wire. */
  onNote(stream: number, note: unknown, bytes: number): void;
  /** Called once: the socket closed (ConnectionClosed), or the other side broke the protocol. Every call has failed by then. */
  onBroken(reason: Error): void;
}

const LAST_ID = 0xffff_ffff;

/** One end of the connection. */
export class Peer {
  readonly #wire: Wire;
  readonly #options: PeerOptions;
  readonly #reader = new FrameReader();
  readonly #outgoing = new Map<number, OutgoingCall>();
  readonly #incoming = new Map<number, IncomingCall>();
  readonly #firstId: number;
  #nextId: number;
  #isBroken = false;
  /** Calls and answers whose head came in the chunk at hand: handed on at its end, when their bodies may be whole. */
  #fresh: (() => void)[] = [];

  constructor(socket: PeerSocket, options: PeerOptions) {
    this.#wire = new Wire(socket);
    this.#options = options;
    this.#firstId = options.side === "host" ? 1 : 2;
    this.#nextId = this.#firstId;
    socket.on("data", (chunk) => this.#receive(chunk));
    // A process that is killed while it is written to resets its connection: it closed, and broke no rule.
    socket.on("error", (cause) => this.#break(new ConnectionClosed({ cause })));
    socket.once("close", () => this.#break(new ConnectionClosed({ isWithinFrame: this.#reader.pendingBytes > 0 })));
  }

  /** Calls of this side that are not settled. */
  get openCalls(): number {
    return this.#outgoing.size;
  }

  /**
   * Opens a stream. `head` is anything JSON can carry, and so is what comes after the body: `trailers` must settle once
   * the body is over, undefined for nothing.
   */
  call(head: unknown, body: Body, trailers?: Promise<unknown>): OutgoingCall {
    const call = new OutgoingCall(this.#takeId(), this.#wire);
    if (this.#isBroken) {
      call.break(new ConnectionClosed());
    } else {
      this.#outgoing.set(call.id, call);
      call.open(head, body, trailers);
    }
    return call;
  }

  /** Sends a one-way message that belongs to a stream of the other side, or with 0 to none. */
  note(stream: number, note: unknown): void {
    this.#wire.send(encodeText(KIND.NOTE, stream, JSON.stringify(note)));
  }

  /** Ends everything now; open calls fail. Quiet when repeated. */
  close(): void {
    this.#break(new ConnectionClosed());
  }

  #takeId(): number {
    for (;;) {
      const id = this.#nextId;
      this.#nextId = id + 2 > LAST_ID ? this.#firstId : id + 2;
      if (!this.#outgoing.has(id)) return id;
    }
  }

  #receive(chunk: Buffer): void {
    if (this.#isBroken) return;
    try {
      this.#reader.push(chunk, (frame) => this.#onFrame(frame));
    } catch (error) {
      this.#break(error instanceof Error ? error : new ProtocolError(String(error)));
      return;
    }
    const fresh = this.#fresh;
    if (fresh.length === 0) return;
    this.#fresh = [];
    for (const handOn of fresh) handOn();
  }

  #onFrame(frame: Frame): void {
    if (frame.kind === KIND.NOTE) {
      this.#options.onNote(frame.stream, parseJson(frame.payload), frame.payload.byteLength);
      return;
    }
    if (frame.kind === KIND.OPEN) {
      this.#onOpen(frame);
      return;
    }
    const outgoing = this.#outgoing.get(frame.stream);
    if (outgoing !== undefined) {
      if (outgoing.receive(frame)) this.#fresh.push(() => outgoing.handOn());
      if (outgoing.isOver) this.#outgoing.delete(frame.stream);
      return;
    }
    const incoming = this.#incoming.get(frame.stream);
    if (incoming === undefined) {
      // These two may cross the frame that ended their stream.
      if (frame.kind === KIND.CREDIT || frame.kind === KIND.CANCEL) return;
      throw new ProtocolError(`frame of kind ${frame.kind} for a stream that is not open`);
    }
    incoming.receive(frame);
    if (incoming.isOver) this.#incoming.delete(frame.stream);
  }

  #onOpen(frame: Frame): void {
    const { stream: id } = frame;
    if (id === 0 || (id & 1) === (this.#firstId & 1) || this.#incoming.has(id)) {
      throw new ProtocolError("a stream opened with an id that is not free");
    }
    if (this.#incoming.size >= this.#options.maxIncoming) throw new ProtocolError("too many streams at once");
    const call = new IncomingCall(id, parseJson(frame.payload), {
      wire: this.#wire,
      onOver: () => {
        if (call.isOver) this.#incoming.delete(id);
      },
    });
    this.#incoming.set(id, call);
    call.receive(frame);
    this.#fresh.push(() => void call.run(this.#options.onCall));
  }

  #break(reason: Error): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.#wire.close();
    for (const call of this.#outgoing.values()) call.break(reason);
    for (const call of this.#incoming.values()) call.break();
    this.#outgoing.clear();
    this.#incoming.clear();
    this.#options.onBroken(reason);
  }
}
