/**
 * Two ends of the frame protocol, or one end and a raw socket that may write whatever it likes.
 */

import { EventEmitter } from "node:events";
import { duplexPair } from "node:stream";
import type { Frame } from "../../src/frames/frame.ts";
import { FrameReader } from "../../src/frames/frame.ts";
import type { CallHandler } from "../../src/frames/incoming-call.ts";
import { Peer, type PeerOptions } from "../../src/frames/peer.ts";
import type { PeerSocket } from "../../src/frames/wire.ts";

export interface Watched {
  readonly peer: Peer;
  readonly notes: { stream: number; note: unknown; bytes: number }[];
  /** Why it broke; more than one would be an error. */
  readonly broken: Error[];
}

const refuseCalls: CallHandler = () => {
  throw new Error("no calls are expected");
};

export function watchPeer(socket: PeerSocket, options: Partial<PeerOptions> = {}): Watched {
  const notes: Watched["notes"] = [];
  const broken: Error[] = [];
  const peer = new Peer(socket, {
    side: "host",
    maxIncoming: 16,
    onCall: refuseCalls,
    onNote: (stream, note, bytes) => void notes.push({ stream, note, bytes }),
    onBroken: (reason) => void broken.push(reason),
    ...options,
  });
  return { peer, notes, broken };
}

const HIGH_WATER_BYTES = 65_536;

/** One end of a connection in memory. Like a socket, and unlike `duplexPair`, it never delivers while it is written to. */
class Line extends EventEmitter implements PeerSocket {
  other: Line | undefined;
  #pendingBytes = 0;
  #isDestroyed = false;

  get writableNeedDrain(): boolean {
    return this.#pendingBytes >= HIGH_WATER_BYTES;
  }

  write(bytes: Uint8Array): boolean {
    const chunk = Buffer.from(bytes);
    this.#pendingBytes += chunk.byteLength;
    setImmediate(() => {
      const didNeedDrain = this.writableNeedDrain;
      this.#pendingBytes -= chunk.byteLength;
      if (!this.#isDestroyed) this.other?.emit("data", chunk);
      if (didNeedDrain && !this.writableNeedDrain) this.emit("drain");
    });
    return !this.writableNeedDrain;
  }

  destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    setImmediate(() => {
      this.emit("close");
      this.other?.destroy();
    });
  }
}

/** Host and guest, joined. */
export function createPair(onHostCall: CallHandler = refuseCalls, onGuestCall: CallHandler = refuseCalls) {
  const [one, other] = [new Line(), new Line()];
  one.other = other;
  other.other = one;
  return {
    host: watchPeer(one, { side: "host", onCall: onHostCall, maxIncoming: 4096 }),
    guest: watchPeer(other, { side: "guest", onCall: onGuestCall, maxIncoming: 4096 }),
  };
}

/** A host whose other end is in the test's hands. */
export function createRaw(options: Partial<PeerOptions> = {}) {
  const [one, raw] = duplexPair();
  const frames: Frame[] = [];
  const reader = new FrameReader();
  raw.on("data", (chunk: Buffer) =>
    reader.push(chunk, (frame) => frames.push({ ...frame, payload: Buffer.from(frame.payload) })),
  );
  raw.on("error", () => {
    // because the other end destroys its side when the protocol is broken
  });
  return { ...watchPeer(one, options), raw, frames, hangUp: () => void one.destroy() };
}

/** Lets everything that is under way in this process arrive. */
export async function turns(count = 10): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
}
