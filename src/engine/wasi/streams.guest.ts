/**
 * The byte streams that a WASI program is given as its standard input, output and error.
 *
 * They answer at once whenever they can and with a promise only when the program must wait: under JSPI a call that
 * returns a plain value costs nothing, one that returns a promise suspends the program and nobody else.
 */

import { concatBytes } from "../../wasm/writer.ts";

/** Bytes that come: at most `max` at a time, empty at the end. A promise only when there is nothing yet. */
export interface ByteSource {
  read(max: number): Uint8Array | Promise<Uint8Array>;
}

/** Bytes that go. The view is only valid during the call (it is Wasm memory): copy. A promise is backpressure. */
export interface ByteSink {
  write(bytes: Uint8Array): void | Promise<void>;
}

/** A sink that keeps what it gets, up to a limit. */
export interface CollectingSink extends ByteSink {
  /** All that was written, up to the limit, as one array. */
  bytes(): Uint8Array;
  /** How many bytes were written in all, kept or not. */
  readonly writtenBytes: number;
}

const NOTHING: Uint8Array = new Uint8Array(0);

const EMPTY: ByteSource = { read: () => NOTHING };

/** A source that is at its end. */
export function emptySource(): ByteSource {
  return EMPTY;
}

/** A sink that drops what it gets. */
export const NULL_SINK: ByteSink = { write: () => undefined };

/** A source of bytes that are all there. The array is not copied and must not change while it is read. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  let position = 0;
  return {
    read(max) {
      const part = bytes.subarray(position, position + max);
      position += part.length;
      return part;
    },
  };
}

/** A source over a stream: reads ahead no further than the chunk at hand. */
export function streamSource(stream: ReadableStream<Uint8Array>): ByteSource & { cancel(): void } {
  const reader = stream.getReader();
  let rest = NOTHING;
  const take = (max: number): Uint8Array => {
    const part = rest.subarray(0, max);
    rest = rest.subarray(part.length);
    return part;
  };
  const refill = async (max: number): Promise<Uint8Array> => {
    while (rest.length === 0) {
      const { done, value } = await reader.read();
      if (done) return rest;
      rest = value;
    }
    return take(max);
  };
  return {
    read: (max) => (rest.length > 0 ? take(max) : refill(max)),
    // because nobody is left who could be told that cancelling failed
    cancel: () => void reader.cancel().catch(() => {}),
  };
}

/** A sink that keeps the first `limitBytes` of what it gets (all, when left out) and drops what comes after. */
export function collectingSink(limitBytes = Number.POSITIVE_INFINITY): CollectingSink {
  const parts: Uint8Array[] = [];
  let kept = 0;
  let written = 0;
  return {
    get writtenBytes() {
      return written;
    },
    write(bytes) {
      written += bytes.length;
      const part = bytes.slice(0, Math.min(bytes.length, limitBytes - kept));
      kept += part.length;
      if (part.length > 0) parts.push(part);
    },
    bytes: () => joinBytes(parts),
  };
}

/** All of them in one piece; one alone as it is. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  return parts.length === 1 && first !== undefined ? first : concatBytes(parts);
}
