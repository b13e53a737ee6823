/**
 * Writes frames to a socket with as few system calls as the load allows.
 *
 * After a quiet turn of the event loop the first frames leave at once, so that one request alone waits for nothing; what
 * follows leaves together at the end of its turn.
 */

// Imported, because guests lose the global ones.
import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers";

/** What a peer needs of a socket: `node:net`'s has it. */
export interface PeerSocket {
  readonly writableNeedDrain: boolean;
  write(bytes: Uint8Array): boolean;
  destroy(): unknown;
  on(event: "data", listener: (chunk: Buffer) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "drain", listener: () => void): unknown;
  once(event: "close", listener: () => void): unknown;
}

/** The writing half of the socket. */
export class Wire {
  readonly #socket: PeerSocket;
  #batch: Buffer[] = [];
  #mayWriteNow = true;
  #isClosed = false;
  #drained: PromiseWithResolvers<void> | undefined;

  constructor(socket: PeerSocket) {
    this.#socket = socket;
    socket.on("drain", () => this.#onDrained());
  }

  /** Sends a frame, or the frames of one message, which stay together. */
  send(...frames: Buffer[]): void {
    if (this.#isClosed) return;
    this.#batch.push(...frames);
    if (!this.#mayWriteNow) return;
    this.#mayWriteNow = false;
    this.#flush();
    this.#atEndOfTurn();
  }

  /** As long as each turn has something to send, everything waits for its end; after a quiet one the next leaves at once. */
  #atEndOfTurn(): void {
    setImmediate(() => {
      this.#mayWriteNow = this.#batch.length === 0;
      if (this.#mayWriteNow) return;
      this.#flush();
      this.#atEndOfTurn();
    });
  }

  /** The promise of room in the socket, when it is full. */
  whenDrained(): Promise<void> | undefined {
    if (this.#isClosed || !this.#socket.writableNeedDrain) return undefined;
    this.#drained ??= Promise.withResolvers<void>();
    return this.#drained.promise;
  }

  /** Drops what is not written and destroys the socket. */
  close(): void {
    this.#isClosed = true;
    this.#batch = [];
    this.#socket.destroy();
    this.#onDrained();
  }

  #onDrained(): void {
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  #flush(): void {
    const [first] = this.#batch;
    if (first === undefined || this.#isClosed) return;
    const bytes = this.#batch.length === 1 ? first : Buffer.concat(this.#batch);
    this.#batch = [];
    this.#socket.write(bytes);
  }
}
