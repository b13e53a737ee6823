/**
 * Writes a response body to the client, no faster than the client reads.
 */

import type { ServerResponse } from "node:http";

/**
 * Writes all chunks and ends the response. Rejects with the stream's own error; cancels the stream when the client leaves.
 * `onBytes` counts what was handed to the socket.
 */
export async function sendStream(
  response: ServerResponse,
  body: ReadableStream<Uint8Array>,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const reader = body.getReader();
  const closed = Promise.withResolvers<"closed">();
  const onClose = () => closed.resolve("closed");
  response.once("close", onClose);
  try {
    for (;;) {
      const next = await Promise.race([reader.read(), closed.promise]);
      if (next === "closed") {
        // because whoever made the stream has learned from the request's signal already
        await reader.cancel().catch(() => {});
        return;
      }
      if (next.done) break;
      onBytes(next.value.byteLength);
      if (!response.write(next.value)) await Promise.race([drained(response), closed.promise]);
    }
    response.end();
  } finally {
    response.off("close", onClose);
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => response.once("drain", resolve));
}
