/**
 * Waiting for whoever reads what we write.
 */

import type { Writable } from "node:stream";

/** Fulfils when the other side has read or is gone, or the signal aborts. */
export async function drained(sink: Writable, signal?: AbortSignal): Promise<void> {
  if (sink.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const isOver = () => resolve();
  sink.once("drain", isOver);
  sink.once("close", isOver);
  signal?.addEventListener("abort", isOver);
  await promise;
  sink.off("drain", isOver);
  sink.off("close", isOver);
  signal?.removeEventListener("abort", isOver);
}
