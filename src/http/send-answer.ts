/**
 * What the data port answers with: a function's answer, or a problem in its place.
 *
 * Every head that leaves carries the request's id and its Server-Timing.
 */

import type { ServerResponse } from "node:http";
import { NebulaError } from "../model/errors.ts";
import type { Answer, HeaderList } from "../model/exchange.ts";
import { HOP_BY_HOP } from "../model/hop-by-hop.ts";
import { type Trace, toServerTiming } from "../model/trace.ts";
import { toTrailers } from "../model/trailers.ts";
import type { Exchange } from "./connections.ts";
import { type Audience, toProblem } from "./problem.ts";
import { dropRest, hasUnreadBody, type Linger } from "./request-body.ts";
import { sendStream } from "./send-body.ts";
import { addTrailers, findAnnounced, toAnnouncement, toNames } from "./send-trailers.ts";

const NO_CONTENT = new Set([204, 205, 304]);
/** The gateway says the last ones itself. */
const NOT_PASSED_ON = new Set([...HOP_BY_HOP, "content-length", "x-request-id", "x-nebula-engine"]);

const ONE_PIECE_BYTES = 16_384;

/**
 * Sends the head, the body as it comes, and what comes after it; fulfils when all of it is on its way.
 *
 * @throws {NebulaError} NEBULA_RESPONSE_INVALID, whatever the body fails with, or the reason of the exchange's signal.
 */
export async function sendAnswer(
  { message, response, abort: { signal } }: Exchange,
  { head, body, trailers }: Answer,
  trace: Trace,
): Promise<void> {
  const onBytes = (bytes: number) => {
    trace.bytesOut += bytes;
  };
  if (signal.aborted && body instanceof ReadableStream) await body.cancel();
  signal.throwIfAborted();
  const mayHaveBody = trace.method !== "HEAD" && !NO_CONTENT.has(head.status);
  const late = mayHaveBody && message.httpVersion === "1.1" ? trailers : undefined;
  const headers = toRawHeaders(head.headers, trace);
  if (body instanceof ReadableStream && mayHaveBody) {
    const hasLength = keepLength(head.headers, headers, response);
    const beforeEnd = late === undefined || hasLength ? undefined : () => sendTrailers(response, late);
    if (beforeEnd !== undefined) headers.push(...toAnnouncement(findAnnounced(head.headers)));
    writeHead(response, head.status, headers);
    await sendStream(response, body, { onBytes, beforeEnd });
    signal.throwIfAborted();
    return;
  }
  if (body instanceof ReadableStream || trace.method === "HEAD") keepLength(head.headers, headers, response);
  const fields = late && toTrailers((await late) ?? []);
  if (fields !== undefined) headers.push(...toAnnouncement(toNames(fields)));
  else if (mayHaveBody) headers.push("content-length", String(body instanceof Uint8Array ? body.byteLength : 0));
  writeHead(response, head.status, headers);
  if (fields !== undefined) addTrailers(response, fields);
  if (body instanceof ReadableStream) await body.cancel();
  if (body instanceof Uint8Array && mayHaveBody) {
    onBytes(body.byteLength);
    endWith(response, body);
  } else {
    response.end();
  }
}

/** As one-byte text Node writes a small body together with its head, in one piece and one system call. */
function endWith(response: ServerResponse, body: Uint8Array): void {
  if (body.byteLength > ONE_PIECE_BYTES) response.end(body);
  else response.end(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("latin1"), "latin1");
}

/** Lengths are said by whoever knows them: the gateway for whole bodies, otherwise the function, and then Node holds it to its word. */
function keepLength(from: HeaderList, to: string[], response: ServerResponse): boolean {
  for (let i = 0; i + 1 < from.length; i += 2) {
    if (from[i] !== "content-length") continue;
    to.push("content-length", from[i + 1] ?? "");
    response.strictContentLength = true;
    return true;
  }
  return false;
}

async function sendTrailers(response: ServerResponse, coming: Promise<HeaderList | undefined>): Promise<void> {
  const fields = await coming;
  if (fields !== undefined) addTrailers(response, fields);
}

/** What leaves of an answer's headers, and what the gateway says itself. */
export function toRawHeaders(from: HeaderList, trace: Trace): string[] {
  const headers: string[] = [];
  for (let i = 0; i + 1 < from.length; i += 2) {
    const name = from[i] ?? "";
    if (!NOT_PASSED_ON.has(name)) headers.push(name, from[i + 1] ?? "");
  }
  headers.push("x-request-id", trace.requestId, "server-timing", toServerTiming(trace));
  if (trace.engine !== undefined) headers.push("x-nebula-engine", trace.engine);
  return headers;
}

/** @throws {NebulaError} NEBULA_RESPONSE_INVALID when Node refuses the head. */
export function writeHead(response: ServerResponse, status: number, headers: string[]): void {
  try {
    response.writeHead(status, headers);
  } catch (cause) {
    throw new NebulaError("NEBULA_RESPONSE_INVALID", "Cannot pass on the response: its head is not HTTP", { cause });
  }
}

/** After the head has left, the only honest way to say that a body is not whole is to cut the connection. */
export function sendProblem(
  { message, response }: Exchange,
  error: NebulaError,
  { trace, audience, ...linger }: { trace: Trace; audience: Audience } & Linger,
): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  // because the connection has been ended with an answer of its own
  if (!message.socket.writable) return;
  const problem = toProblem(error, { audience, requestId: trace.requestId });
  const isRead = !hasUnreadBody(message);
  // A request whose body nobody will read cannot be followed by another on the same connection.
  if (!isRead) response.shouldKeepAlive = false;
  const length = ["content-length", String(Buffer.byteLength(problem.body))];
  response.writeHead(problem.status, [...toRawHeaders(problem.headers, trace), ...length]);
  if (trace.method !== "HEAD") response.write(problem.body);
  if (isRead) response.end();
  else void dropRest(message, linger).then(() => response.end());
}
