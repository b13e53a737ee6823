/**
 * The body of a request on the data port, within its limit.
 *
 * A small one with a known length is read whole before the function is asked: a slow client then holds no instance,
 * and the function gets bytes instead of a stream. Anything else is streamed, and read no faster than the function does.
 */

import type { IncomingMessage } from "node:http";
import { NebulaError } from "../model/errors.ts";
import type { Body, HeaderList } from "../model/exchange.ts";
import type { Clock } from "../model/ports.ts";
import { toTrailers } from "../model/trailers.ts";
import { formatBytes } from "../model/units.ts";

/** Bodies up to this size are read whole. */
const WHOLE_BYTES = 65_536;

/** What the gateway wants to know of a body. */
export interface BodyOptions {
  readonly limitBytes: number;
  onBytes(bytes: number): void;
  /** Somebody is going to read it. */
  onWanted(): void;
  /** It is larger than was to be seen from its head. The stream fails with the same error. */
  onTooLarge(error: NebulaError): void;
}

/** @throws {NebulaError} NEBULA_BODY_TOO_LARGE when its declared length is over the limit, or later as the stream's error. */
export function openBody(message: IncomingMessage, options: BodyOptions): Body | Promise<Body> {
  const { "content-length": lengthText, "transfer-encoding": coding } = message.headers;
  if (lengthText === undefined && coding === undefined) return null;
  const length = lengthText === undefined ? undefined : Number(lengthText);
  if (length === 0) return null;
  if (length !== undefined && length > options.limitBytes) throw tooLarge(options.limitBytes);
  options.onWanted();
  if (length !== undefined && length <= WHOLE_BYTES) return readWhole(message, options.onBytes);
  return toStream(message, options);
}

/**
 * What the client says after its body; undefined at once when it cannot say anything there. Fulfils when the body has
 * been read, and with undefined when it never is.
 */
export function readTrailers(message: IncomingMessage): Promise<HeaderList | undefined> | undefined {
  if (message.headers["transfer-encoding"] === undefined) return undefined;
  const { promise, resolve } = Promise.withResolvers<HeaderList | undefined>();
  message.once("end", () => resolve(toTrailers(message.rawTrailers)));
  message.once("close", () => resolve(undefined));
  return promise;
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
  { limitBytes, onBytes, onTooLarge }: BodyOptions,
): ReadableStream<Uint8Array> {
  let bytes = 0;
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        message.pause();
        message.on("data", (chunk: Buffer) => {
          bytes += chunk.byteLength;
          onBytes(chunk.byteLength);
          if (bytes > limitBytes) {
            const error = tooLarge(limitBytes);
            controller.error(error);
            drop(message);
            onTooLarge(error);
            return;
          }
          controller.enqueue(chunk);
          if ((controller.desiredSize ?? 0) <= 0) message.pause();
        });
        message.once("end", () => close(controller));
        message.once("close", () => {
          // because an error would throw away what has come and has not been read yet
          if (!message.readableEnded) controller.error(gone());
        });
      },
      pull: () => void message.resume(),
      cancel: () => drop(message),
    },
    { highWaterMark: 1 },
  );
}

/** Whether a response has ended before its request. */
export function hasUnreadBody({ headers, readableEnded }: IncomingMessage): boolean {
  return !readableEnded && (headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined);
}

/** For how long a client may go on sending when its answer has been given. */
export interface Linger {
  readonly clock: Clock;
  readonly lingerMs: number;
}

/** Reads the rest of a body for nobody; fulfils at its end, or when the time is up. */
export async function dropRest(message: IncomingMessage, linger: Linger): Promise<void> {
  drop(message);
  await waitForEnd(message, linger);
}

/** Closes the connection after its answer, unless the rest of the body comes in time, whoever reads it. */
export async function closeUnlessRead(message: IncomingMessage, linger: Linger): Promise<void> {
  await waitForEnd(message, linger);
  if (!message.readableEnded) message.socket.destroySoon();
}

async function waitForEnd(message: IncomingMessage, { clock, lingerMs }: Linger): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  message.once("end", resolve);
  message.once("close", resolve);
  using _timer = clock.after(lingerMs, resolve);
  await promise;
}

function drop(message: IncomingMessage): void {
  message.removeAllListeners("data");
  message.resume();
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
