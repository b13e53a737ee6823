/**
 * One file, written so that it is there whole or not at all, and read in pieces.
 */

import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";
import type { Digest } from "../model/artifact.ts";
import { NebulaError } from "../model/errors.ts";
import { formatBytes, KIB } from "../model/units.ts";
import { toStateError } from "./state-error.ts";

/** As much as Node's own file streams read at once. */
const CHUNK_BYTES = 64 * KIB;

/**
 * Writes bytes to a new file, down to the disk, and returns their digest.
 *
 * What a stream itself throws passes unchanged. After a failure the stream is unlocked, for the caller to cancel.
 *
 * @throws {NebulaError} NEBULA_BODY_TOO_LARGE at the first byte above `limitBytes`.
 * @throws {NebulaError} NEBULA_STATE_FAILED when the disk refuses.
 */
export async function writeBlob(
  path: string,
  bytes: Uint8Array | ReadableStream<Uint8Array>,
  options: { subject: string; limitBytes: number; signal: AbortSignal | undefined },
): Promise<Digest> {
  const { subject, limitBytes, signal } = options;
  const disk = <T>(operation: Promise<T>) =>
    operation.catch((error: unknown) => {
      throw toStateError("store", subject, error);
    });
  await using file = await disk(open(path, "wx", 0o600));
  const hash = createHash("sha256");
  let written = 0;
  for await (const chunk of toChunks(bytes, signal)) {
    written += chunk.byteLength;
    if (written > limitBytes) {
      throw new NebulaError(
        "NEBULA_BODY_TOO_LARGE",
        `Cannot store "${subject}": it is larger than ${formatBytes(limitBytes)}`,
        { details: { limitBytes } },
      );
    }
    hash.update(chunk);
    await disk(writeAll(file, chunk));
  }
  await disk(file.sync());
  return `sha256:${hash.digest("hex")}`;
}

/**
 * Reads a file, or the bytes from `start` to `end` inclusive. It is opened at the first read, so a stream that nobody
 * reads holds nothing. The content is not checked, but a range that the file does not have is an error.
 */
export function streamBlob(
  path: string,
  options: { subject: string; range: { start: number; end: number } | undefined },
): ReadableStream<Uint8Array> {
  const { subject, range } = options;
  let file: FileHandle | undefined;
  let position = range?.start ?? 0;
  const end = range === undefined ? Number.POSITIVE_INFINITY : range.end + 1;

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          file ??= await open(path, "r");
          const { bytesRead, buffer } = await file.read(allocate(end - position), { position });
          position += bytesRead;
          if (bytesRead > 0) controller.enqueue(buffer.subarray(0, bytesRead));
          if (bytesRead > 0 && position < end) return;
          await file.close();
          if (position < end && range !== undefined) throw shorter(subject);
          controller.close();
        } catch (error) {
          await file?.close();
          throw toStateError("read", subject, error);
        }
      },
      cancel: () => file?.close(),
    },
    { highWaterMark: 0 },
  );
}

async function* toChunks(bytes: Uint8Array | ReadableStream<Uint8Array>, signal: AbortSignal | undefined) {
  if (bytes instanceof Uint8Array) {
    signal?.throwIfAborted();
    yield bytes;
    return;
  }
  const reader = bytes.getReader();
  // Ends a read that would otherwise wait for as long as the sender likes. Its failure is the read's failure too.
  const stop = () => void reader.cancel(signal?.reason).catch(() => {});
  signal?.addEventListener("abort", stop, { once: true });
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { done, value } = await reader.read();
      signal?.throwIfAborted();
      if (done) return;
      yield value;
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    reader.releaseLock();
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.byteLength; ) {
    const { bytesWritten } = await file.write(chunk, done);
    done += bytesWritten;
  }
}

function allocate(wantedBytes: number): Uint8Array {
  return new Uint8Array(Math.min(CHUNK_BYTES, wantedBytes));
}

function shorter(subject: string): NebulaError {
  return new NebulaError("NEBULA_STATE_FAILED", `Cannot read "${subject}": the file is shorter than it should be`, {
    hint: "Deploy the function again",
  });
}
