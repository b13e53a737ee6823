/**
 * The body of a request on the data port, within its limit.
 *
 * A small one with a known length is read whole before the function is asked: a slow client then holds no instance,
 * and the function gets bytes instead of a stream. Anything else is streamed, and read no faster than the function does.
 */

import type { IncomingMessage } from "node:http";
import { NebulaError } from "../model/errors.ts";
import type { Body } from "../model/exchange.ts";
import { formatBytes } from "../model/units.ts";

/** Bodies up to this size are read whole. */
const WHOLE_BYTES = 65_536;

/** @throws {NebulaError} NEBULA_BODY_TOO_LARGE when its declared length is over the limit, or later as the stream's error. */
export function openBody(
  message: IncomingMessage,
  options: { limitBytes: number; onBytes(bytes: number): void },
): Body | Promise<Body> {
  const { "content-length": lengthText, "transfer-encoding": coding } = message.headers;
  if (lengthText === undefined && coding === undefined) return null;
  const length = lengthText === undefined ? undefined : Number(lengthText);
  if (length === 0) return null;
  if (length !== undefined && length > options.limitBytes) throw tooLarge(options.limitBytes);
  if (length !== undefined && length <= WHOLE_BYTES) return readWhole(message, options.onBytes);
  return toStream(message, options);
}

async function readWhole(message: IncomingMessage, onBytes: (bytes: number) => void): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  message.on("data", (chunk: Buffer) => chunks.push(chunk));
  message.once("end", resolve);
  message.once("close", () => reject(gone()));
  await promise;
  const whole = Buffer.concat(chunks);
  onBytes(whole.byteLength);
  return whole;
}

function toStream(
  message: IncomingMessage,
  { limitBytes, onBytes }: { limitBytes: number; onBytes(bytes: number): void },
): ReadableStream<Uint8Array> {
  let bytes = 0;
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        message.pause();
        message.on("data", (chunk: Buffer) => {
          bytes += chunk.byteLength;
          onBytes(chunk.byteLength);
          if (bytes > limitBytes) controller.error(tooLarge(limitBytes));
          else controller.enqueue(chunk);
          if ((controller.desiredSize ?? 0) <= 0) message.pause();
        });
        message.once("end", () => close(controller));
        // Nothing happens to a stream that has ended already.
        message.once("close", () => controller.error(gone()));
      },
      pull: () => void message.resume(),
      cancel: () => void message.pause(),
    },
    { highWaterMark: 1 },
  );
}

function close(controller: ReadableStreamDefaultController<Uint8Array>): void {
  try {
    controller.close();
  } catch {
    // because the function may have cancelled the body, or the limit ended it, before its last bytes came
  }
}

function tooLarge(limitBytes: number): NebulaError {
  return new NebulaError(
    "NEBULA_BODY_TOO_LARGE",
    `Cannot take the request body: it is larger than the limit of ${formatBytes(limitBytes)}`,
    {
      details: { limit: "requestBodyBytes", value: limitBytes },
    },
  );
}

function gone(): NebulaError {
  return new NebulaError("NEBULA_CLIENT_GONE", "The client left before its request was complete");
}
