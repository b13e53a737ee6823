/**
 * The frame: the one unit that host and guest exchange on their socket pair.
 *
 *     0        4     5          9
 *     ┌────────┬─────┬──────────┬─────────────────┐
 *     │ length │ tag │ stream   │ payload         │     big-endian; length counts the payload alone
 *     └────────┴─────┴──────────┴─────────────────┘
 *
 *     tag = kind | END (the sender's body is over) | SETTLED (the answering side is done with the stream)
 *
 * The codec knows lengths and nothing of what the frames mean: that is the peer's.
 */

// Imported, because the global one is taken away from guests.
import { Buffer } from "node:buffer";

/** Length, tag and stream. */
export const FRAME_HEADER_BYTES = 9;

/** The largest payload of a DATA frame, and so the longest time one stream holds the socket. */
export const DATA_LIMIT_BYTES = 65_536;

/** The largest payload of any other frame: heads with all their headers, and log lines. */
export const HEAD_LIMIT_BYTES = 1_048_576;

/** What a frame is, in the low six bits of its tag. */
export const KIND = { OPEN: 1, ANSWER: 2, DATA: 3, CREDIT: 4, CANCEL: 5, NOTE: 6, TRAILERS: 7 } as const;
/** The number of a kind. */
export type Kind = (typeof KIND)[keyof typeof KIND];

/** The sender's body is over. */
export const END = 0x80;
/** The answering side is done with the stream. */
export const SETTLED = 0x40;
const KIND_MASK = 0x3f;

/** One frame as it was received. */
export interface Frame {
  readonly kind: number;
  readonly isEnd: boolean;
  readonly isSettled: boolean;
  readonly stream: number;
  /** A view of the bytes received: copy what is to be kept past the callback only if it is small. */
  readonly payload: Buffer;
}

/** The other side sent what no correct peer sends. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

/** The connection is gone, and with it every call. */
export class ConnectionClosed extends Error {
  override readonly name = "ConnectionClosed";
  /** The other side closed before a frame was whole. */
  readonly isWithinFrame: boolean;

  constructor(options: ErrorOptions & { isWithinFrame?: boolean } = {}) {
    const { isWithinFrame = false } = options;
    super(isWithinFrame ? "the connection ended within a frame" : "the connection is closed", options);
    this.isWithinFrame = isWithinFrame;
  }
}

/** Encodes a frame whose payload is bytes. */
export function encodeBytes(tag: number, stream: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.byteLength);
  writeHeader(frame, payload.byteLength, tag, stream);
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

/** Encodes a frame whose payload is text. */
export function encodeText(tag: number, stream: number, text: string): Buffer {
  const length = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + length);
  writeHeader(frame, length, tag, stream);
  frame.write(text, FRAME_HEADER_BYTES);
  return frame;
}

/** Encodes a CREDIT frame: the receiver may take so many bytes more. */
export function encodeCredit(stream: number, bytes: number): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + 4);
  writeHeader(frame, 4, KIND.CREDIT, stream);
  frame.writeUInt32BE(bytes, FRAME_HEADER_BYTES);
  return frame;
}

function writeHeader(frame: Buffer, length: number, tag: number, stream: number): void {
  frame.writeUInt32BE(length, 0);
  frame[4] = tag;
  frame.writeUInt32BE(stream, 5);
}

/** @throws {ProtocolError} when the payload is not JSON. */
export function parseJson(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString());
  } catch (error) {
    throw new ProtocolError("a payload that is not JSON", { cause: error });
  }
}

/** @throws {ProtocolError} when the payload is not one number. */
export function parseCredit(frame: Frame): number {
  if (frame.payload.byteLength !== 4) throw new ProtocolError("credit that is no number");
  return frame.payload.readUInt32BE(0);
}

/** Cuts a byte stream into frames. */
export class FrameReader {
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** Bytes that must be there before another look is worth it. */
  #wanted = FRAME_HEADER_BYTES;

  /**
   * Takes what arrived and calls back for each frame that is whole.
   * @throws {ProtocolError} when a frame says it is longer than its kind may be.
   */
  push(chunk: Buffer, onFrame: (frame: Frame) => void): void {
    this.#pieces.push(chunk);
    this.#bytes += chunk.byteLength;
    if (this.#bytes < this.#wanted) return;
    const bytes = this.#pieces.length === 1 ? chunk : Buffer.concat(this.#pieces, this.#bytes);
    let at = 0;
    this.#wanted = FRAME_HEADER_BYTES;
    while (bytes.byteLength - at >= FRAME_HEADER_BYTES) {
      const length = bytes.readUInt32BE(at);
      const tag = bytes.readUInt8(at + 4);
      const kind = tag & KIND_MASK;
      if (length > (kind === KIND.DATA ? DATA_LIMIT_BYTES : HEAD_LIMIT_BYTES)) {
        throw new ProtocolError(`frame of kind ${kind} says it has ${length} bytes`);
      }
      const end = at + FRAME_HEADER_BYTES + length;
      if (end > bytes.byteLength) {
        this.#wanted = FRAME_HEADER_BYTES + length;
        break;
      }
      const payload = bytes.subarray(at + FRAME_HEADER_BYTES, end);
      const stream = bytes.readUInt32BE(at + 5);
      at = end;
      onFrame({ kind, isEnd: (tag & END) !== 0, isSettled: (tag & SETTLED) !== 0, stream, payload });
    }
    const rest = bytes.subarray(at);
    this.#pieces = rest.byteLength === 0 ? [] : [rest];
    this.#bytes = rest.byteLength;
  }

  /** Bytes of a frame that has not arrived whole. */
  get pendingBytes(): number {
    return this.#bytes;
  }
}
