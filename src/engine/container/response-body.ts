/**
 * The body of a container's response: in one piece where it is small and there already, otherwise as it comes.
 */

import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import type { Clock } from "../../model/ports.ts";

/** Bodies of a known length up to this are waited for. */
const WHOLE_BYTES = 65_536;
/** For so long: servers write head and body right after each other, and a body that takes longer is passed on as it comes. */
const WHOLE_WAIT_MS = 5;

/** What has come of a body by now. */
export interface Gathered {
  readonly bytes: Buffer | null;
  /** Nothing is missing. */
  readonly isWhole: boolean;
}

/** Takes what is there, and waits a moment for the rest of a small one. To be called when the head has just come. */
export async function gather(
  message: IncomingMessage,
  { lengthBytes, clock }: { lengthBytes: number | undefined; clock: Clock },
): Promise<Gathered> {
  // What came in one packet with the head is parsed by then.
  await new Promise<void>((resolve) => process.nextTick(resolve));
  if (!message.complete && lengthBytes !== undefined && lengthBytes <= WHOLE_BYTES) await moment(message, clock);
  const isWhole = message.complete;
  const bytes = readThere(message);
  // It has to reach its end for the connection to be free again.
  if (isWhole) message.resume();
  return { bytes, isWhole };
}

/** All that has come and nobody has read: since Node 26 a read gives one piece of it. */
function readThere(message: IncomingMessage): Buffer | null {
  const pieces: Buffer[] = [];
  for (let piece: Buffer | null = message.read(); piece !== null; piece = message.read()) pieces.push(piece);
  const [first = null] = pieces;
  return pieces.length <= 1 ? first : Buffer.concat(pieces);
}

/** Until the body is complete, breaks off, or the time is up. */
async function moment(message: IncomingMessage, clock: Clock): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  using _timer = clock.after(WHOLE_WAIT_MS, resolve);
  const look = () => {
    if (message.complete) resolve();
  };
  message.on("readable", look);
  message.once("close", resolve);
  await promise;
  message.off("readable", look);
  message.off("close", resolve);
}

/** Whoever wants to know how a stream ends. */
export interface StreamOptions {
  /** What has come of it already. */
  readonly first: Uint8Array | null;
  /** Called when nobody reads it any more. */
  onCancel(): void;
  /** Why it broke off. */
  explain(): Error;
}

/** What comes, read no faster than its reader does. */
export function toStream(source: Readable, { first, onCancel, explain }: StreamOptions): ReadableStream<Uint8Array> {
  let isOver = false;
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        if (first !== null) controller.enqueue(first);
        source.on("data", (chunk: Buffer) => {
          if (isOver) return;
          controller.enqueue(chunk);
          if ((controller.desiredSize ?? 0) <= 0) source.pause();
        });
        source.once("end", () => {
          if (!isOver) controller.close();
          isOver = true;
        });
        source.once("close", () => {
          // because an error would throw away what has come and has not been read yet
          if (!isOver) controller.error(explain());
          isOver = true;
        });
        if ((controller.desiredSize ?? 0) <= 0) source.pause();
      },
      pull: () => void source.resume(),
      cancel: () => {
        isOver = true;
        onCancel();
      },
    },
    { highWaterMark: 1 },
  );
}
