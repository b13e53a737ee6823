/**
 * Writes a response body to the client, no faster than the client reads.
 */

import type { ServerResponse } from "node:http";
import type { Writable } from "node:stream";
import { NebulaError } from "../model/errors.ts";

/**
 * Writes all chunks and ends the response. Rejects with the stream's own error; cancels the stream when the client leaves.
 * `onBytes` counts what was handed to the socket; `beforeEnd` is waited for when all chunks are.
 *
 * @throws {NebulaError} NEBULA_RESPONSE_INVALID when the body is not as long as the head says.
 */
export async function sendStream(
  response: ServerResponse,
  body: ReadableStream<Uint8Array>,
  { onBytes, beforeEnd }: { onBytes(bytes: number): void; beforeEnd: (() => Promise<void>) | undefined },
): Promise<void> {
  const reader = body.getReader();
  // A read that waits ends with it. What the stream says to that no longer matters to anybody.
  const cancel = () => void reader.cancel().catch(() => {});
  response.once("close", cancel);
  // At once, because a stream may say nothing for long, and whoever listens to events wants to know that it is open.
  response.flushHeaders();
  try {
    for (let next = await reader.read(); !next.done && !response.destroyed; next = await reader.read()) {
      onBytes(next.value.byteLength);
      const { value } = next;
      if (!holdToLength(() => response.write(value))) await drained(response);
    }
    if (!response.destroyed && beforeEnd !== undefined) await unlessClosed(response, beforeEnd());
    if (!response.destroyed) holdToLength(() => response.end());
  } finally {
    response.off("close", cancel);
    cancel();
  }
}

/** Node counts what is written where the function has said a length. */
function holdToLength<T>(write: () => T): T {
  try {
    return write();
  } catch (cause) {
    throw new NebulaError(
      "NEBULA_RESPONSE_INVALID",
      "Cannot pass on the response: its body is not as long as its content-length",
      { cause },
    );
  }
}

/** Waits for the work, unless the client leaves before it is done. */
async function unlessClosed(response: ServerResponse, work: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  response.once("close", resolve);
  try {
    await Promise.race([work, promise]);
  } finally {
    response.off("close", resolve);
  }
}

/** Fulfils when the client has read, or has left. */
export async function drained(sink: Writable): Promise<void> {
  if (sink.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  sink.once("drain", resolve);
  sink.once("close", resolve);
  await promise;
  sink.off("drain", resolve);
  sink.off("close", resolve);
}
