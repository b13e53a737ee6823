/**
 * Bodies between the host's streams and those of the web.
 */

import type { BodySource } from "./body.ts";
import { encodeText } from "./encoding.ts";
import type { EventLoop } from "./event-loop.ts";
import {
  type Host,
  type IncomingBody,
  type InputStream,
  type OutgoingBody,
  type OutputStream,
  payloadOf,
} from "./host.ts";
import { NebulaReadableStream } from "./streams.ts";

const CHUNK_BYTES = 65_536;

/** What carries a body needs. */
export interface BodyIo {
  readonly host: Host;
  readonly loop: EventLoop;
}

/** Whoever was to read the body has left. */
export class ReaderGone extends Error {
  override readonly name = "ReaderGone";
}

/** A body that comes, as a stream; nothing is read before somebody asks. `onFailure` hears when it breaks off. */
export function openBody(
  { loop }: BodyIo,
  { body, onFailure }: { body: IncomingBody; onFailure(error: DOMException): void },
): NebulaReadableStream<Uint8Array> {
  let stream: InputStream | undefined = body.stream();
  const end = () => {
    if (stream === undefined) return;
    // In this order, and the body held until then: the host does not let it go before its stream.
    stream[Symbol.dispose]();
    body[Symbol.dispose]();
    stream = undefined;
  };
  const pull = async (controller: ByteController) => {
    while (stream !== undefined) {
      const bytes = readSome(stream);
      if (bytes instanceof Uint8Array) {
        if (bytes.length > 0) return controller.enqueue(bytes.slice());
        await loop.wait(stream.subscribe()).ready;
        continue;
      }
      end();
      if (bytes === "failed") {
        const error = new DOMException("The body broke off: its sender has left", "AbortError");
        onFailure(error);
        throw error;
      }
      controller.close();
      controller.byobRequest?.respond(0);
    }
  };
  return new NebulaReadableStream(fromSource({ type: "bytes", pull, cancel: end }), { highWaterMark: 0 });
}

function readSome(stream: InputStream): Uint8Array | "closed" | "failed" {
  try {
    return stream.read(CHUNK_BYTES);
  } catch (thrown) {
    const payload = payloadOf(thrown);
    if (payload === undefined) throw thrown;
    return payload.tag === "closed" ? "closed" : "failed";
  }
}

/**
 * Sends a body and ends it. A source that fails leaves the body without an end, and its failure is thrown.
 * @throws {ReaderGone} when nobody reads it; a stream was cancelled then.
 */
export async function sendBody(io: BodyIo, body: OutgoingBody, source: BodySource | null): Promise<void> {
  if (source !== null) {
    const stream = body.write();
    try {
      if (source instanceof NebulaReadableStream) await pump(io, stream, source);
      else await writeAll(io, stream, typeof source === "string" ? encodeText(source) : source);
    } finally {
      stream[Symbol.dispose]();
    }
  }
  io.host.types.OutgoingBody.finish(body, null);
}

async function pump(io: BodyIo, stream: OutputStream, source: NebulaReadableStream<Uint8Array>): Promise<void> {
  const reader = source.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    if (!(value instanceof Uint8Array)) {
      const error = new TypeError("Cannot send a body: a chunk of its stream is no Uint8Array");
      await reader.cancel(error).catch(() => {});
      throw error;
    }
    try {
      await writeAll(io, stream, value);
    } catch (thrown) {
      await reader.cancel(thrown).catch(() => {});
      throw thrown;
    }
  }
}

async function writeAll({ loop }: BodyIo, stream: OutputStream, bytes: Uint8Array): Promise<void> {
  let at = 0;
  while (at < bytes.length) {
    const permit = ask(() => stream.checkWrite());
    if (permit === 0) {
      await loop.wait(stream.subscribe()).ready;
      continue;
    }
    const part = at === 0 && bytes.length <= permit ? bytes : bytes.slice(at, at + permit);
    ask(() => stream.write(part));
    at += part.length;
  }
}

function ask<T>(call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    if (payloadOf(thrown) !== undefined) throw new ReaderGone("Whoever was to read the body has left");
    throw thrown;
  }
}

/** The part of the library's controller that is needed; its own type wants views on an ArrayBuffer alone. */
interface ByteController {
  enqueue(bytes: Uint8Array): void;
  close(): void;
  readonly byobRequest: { respond(length: number): void } | null;
}

type StreamSource = ConstructorParameters<typeof NebulaReadableStream<Uint8Array>>[0];

function fromSource(source: unknown): StreamSource {
  return source as StreamSource;
}
