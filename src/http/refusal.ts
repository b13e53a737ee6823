/**
 * What Node's parser and its time-outs refuse: an answer on the bare socket, because there is no request yet, or
 * none any more that could be answered.
 */

import type { Socket } from "node:net";
import { type ErrorCode, NebulaError } from "../model/errors.ts";
import { MAX_HEADER_BYTES } from "../model/function.ts";
import type { Clock, Log } from "../model/ports.ts";
import { createTrace, toServerTiming } from "../model/trace.ts";
import { logRequest } from "../telemetry/request-log.ts";
import type { Connections } from "./connections.ts";
import { toProblem } from "./problem.ts";

/** What a refusal needs besides the connection. */
export interface RefusalParts {
  readonly connections: Connections;
  readonly clock: Clock;
  readonly log: Log;
  readonly timeouts: { readonly lingerMs: number };
  randomId(): string;
}

/** Ends a connection that sent what cannot be read: with an answer where one can still be understood. */
export function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket, parts: RefusalParts): void {
  // What follows the last request of a connection is nobody's.
  if (error.code === "HPE_CLOSED_CONNECTION") return;
  if (error.code === "ECONNRESET") socket.destroy();
  else refuse(new NebulaError(...describe(error.code ?? "")), socket, parts);
}

/** Answers with a problem after which the connection is closed. */
export function refuse(error: NebulaError, socket: Socket, parts: RefusalParts): void {
  const { connections, clock, log, timeouts } = parts;
  // because bytes that came before the client has seen our answer are refused again
  if (!connections.end(socket)) return;
  const state = connections.fail(socket, error);
  if (state === "begun" || !socket.writable) {
    socket.destroy();
    return;
  }
  const trace = createTrace(parts.randomId(), "");
  trace.code = error.code;
  const { status, body, headers } = toProblem(error, { audience: "caller", requestId: trace.requestId });
  const lines = [`HTTP/1.1 ${status} ${error.code}`];
  for (let i = 0; i + 1 < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
  lines.push(`content-length: ${Buffer.byteLength(body)}`, `x-request-id: ${trace.requestId}`);
  lines.push(`server-timing: ${toServerTiming(trace)}`, "connection: close");
  socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`);
  // Closed at once with bytes unread, the system would take the answer back (RFC 9112, section 9.6).
  const timer = clock.after(timeouts.lingerMs, () => socket.destroy());
  socket.once("close", () => timer[Symbol.dispose]());
  if (state === "none") logRequest(trace, { status, totalMs: 0, error: undefined, log });
}

function describe(code: string): [ErrorCode, string] {
  if (code === "HPE_HEADER_OVERFLOW")
    return [
      "NEBULA_HEADERS_TOO_LARGE",
      `Cannot read the request: its headers have more than ${MAX_HEADER_BYTES} bytes`,
    ];
  if (code === "ERR_HTTP_REQUEST_TIMEOUT")
    return ["NEBULA_REQUEST_TIMEOUT", "Cannot read the request: it did not come in time"];
  return ["NEBULA_REQUEST_INVALID", "Cannot read the request: it is not HTTP/1.1 as RFC 9112 has it"];
}
