/**
 * WebSocket on the data port: a request that turns into a tunnel between its client and its function.
 *
 *     asked ─▶ 101 ─▶ bytes both ways ─▶ closed by either side, by silence, or by the node's end
 *       └──▶ any other answer, after which the connection is closed
 *
 * Node's parser has let go of the connection by the time the function is asked. The frames on it are nobody's business
 * here.
 */

import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { LiveFunction } from "../live-function.ts";
import { NebulaError } from "../model/errors.ts";
import type { ResponseHead, Tunnel } from "../model/exchange.ts";
import type { Clock } from "../model/ports.ts";
import type { Trace } from "../model/trace.ts";
import type { Router } from "../router/router.ts";
import type { Connections, Exchange } from "./connections.ts";
import { findTarget, findUpgrade } from "./request-head.ts";
import { toRawHeaders, writeHead } from "./send-answer.ts";
import { drained } from "./send-body.ts";

/**
 * Whether a request may leave HTTP: it asks for that, no other response is due on its connection, which the new
 * protocol would overtake, and the function that it leads to can.
 */
export function mayUpgrade(
  message: IncomingMessage,
  { connections, router }: { connections: Connections; router: Router<LiveFunction> },
): boolean {
  if (findUpgrade(message) === undefined || !connections.isFree(message.socket)) return false;
  const target = findTarget(message);
  return target !== undefined && router.match(target.host, target.path)?.target.chain?.mayUpgrade === true;
}

/** A connection that Node has handed over. */
export interface HandedOver {
  readonly socket: Socket;
  /** What came behind the request's head. */
  readonly first: Uint8Array;
  readonly clock: Clock;
  /** What the client sends for nobody is read for so long. */
  readonly lingerMs: number;
  /** Called when nothing has moved for as long as the server allows. */
  onTimeout(socket: Socket): void;
}

/** The one response on a connection that Node has handed over; the connection is closed after it. */
export function toResponse(
  message: IncomingMessage,
  { socket, first, clock, lingerMs, onTimeout }: HandedOver,
): ServerResponse {
  const response = new ServerResponse(message);
  response.shouldKeepAlive = false;
  // What a broken connection means is told by "close".
  socket.on("error", () => {});
  socket.on("timeout", () => onTimeout(socket));
  socket.on("drain", () => response.emit("drain"));
  if (first.byteLength > 0) socket.unshift(first);
  response.assignSocket(socket);
  response.once("finish", () => {
    // Closed at once with bytes unread, the system would take the answer back (RFC 9112, section 9.6).
    socket.resume();
    socket.end();
    const timer = clock.after(lingerMs, () => socket.destroy());
    socket.once("close", () => timer[Symbol.dispose]());
  });
  return response;
}

/**
 * Sends the head and carries bytes both ways; fulfils when the connection is closed, whoever closed it.
 *
 * @throws {NebulaError} NEBULA_RESPONSE_INVALID when there is no way to change the protocol, or what the tunnel fails with.
 */
export async function sendTunnel(
  { message, response, upgrade }: Exchange,
  { head, tunnel }: { head: ResponseHead; tunnel: Tunnel },
  { trace, connections }: { trace: Trace; connections: Connections },
): Promise<void> {
  const { socket } = message;
  if (upgrade === undefined) {
    await tunnel.readable.cancel();
    throw new NebulaError("NEBULA_RESPONSE_INVALID", "Cannot pass on the response: nobody asked for another protocol");
  }
  writeHead(response, 101, [...toRawHeaders(head.headers, trace), "connection", "Upgrade", "upgrade", upgrade]);
  response.flushHeaders();
  connections.addTunnel(socket);
  socket.once("timeout", () => socket.destroy());
  const received = receive(socket, tunnel, trace);
  await send(socket, tunnel, trace);
  // A function that has ended neither sends nor reads.
  socket.destroySoon();
  await received;
}

/** From the client. Its end is passed on; what it sends to a function that has ended is not missed. */
async function receive(socket: Socket, { writable }: Tunnel, trace: Trace): Promise<void> {
  const writer = writable.getWriter();
  // because a writer's failure is that of its writes
  writer.closed.catch(() => {});
  try {
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      trace.bytesIn += chunk.byteLength;
      await writer.write(chunk);
    }
    await writer.close();
  } catch (thrown) {
    await writer.abort(thrown).catch(() => {});
  }
}

/** To the client, no faster than it reads. */
async function send(socket: Socket, { readable }: Tunnel, trace: Trace): Promise<void> {
  const reader = readable.getReader();
  // A read that waits ends with it. What the tunnel says to that no longer matters to anybody.
  const cancel = () => void reader.cancel().catch(() => {});
  socket.once("close", cancel);
  for (let next = await reader.read(); !next.done && !socket.destroyed; next = await reader.read()) {
    trace.bytesOut += next.value.byteLength;
    if (!socket.write(next.value)) await drained(socket);
  }
}
