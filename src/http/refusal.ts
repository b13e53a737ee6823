/**
 * What Node's parser and its time-outs refuse: an answer on the bare socket, because there is no request yet.
 */

import type { Duplex } from "node:stream";
import { type ErrorCode, NebulaError } from "../model/errors.ts";
import { MAX_HEADER_BYTES } from "../model/function.ts";
import type { Log } from "../model/ports.ts";
import { createTrace } from "../model/trace.ts";
import { toProblem } from "./problem.ts";
import { logRequest } from "./request-log.ts";

/** What Node's parser refused, before there was a request. */
export function refuse(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  { randomId, log }: { randomId(): string; log: Log },
): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const [code, why] = describeRefusal(error.code ?? "");
  const trace = createTrace(randomId(), "");
  trace.code = code;
  const problem = toProblem(new NebulaError(code, `Cannot read the request: ${why}`), {
    audience: "caller",
    requestId: trace.requestId,
  });
  const { body, status } = problem;
  const head = [
    `HTTP/1.1 ${status} ${code}`,
    "content-type: application/problem+json",
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${trace.requestId}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  logRequest(trace, { status, totalMs: 0, error: undefined, log });
}

function describeRefusal(code: string): [ErrorCode, string] {
  if (code === "HPE_HEADER_OVERFLOW")
    return ["NEBULA_HEADERS_TOO_LARGE", `its headers have more than ${MAX_HEADER_BYTES} bytes`];
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return ["NEBULA_REQUEST_TIMEOUT", "it did not come in time"];
  return ["NEBULA_REQUEST_INVALID", "it is not HTTP/1.1 as RFC 9112 has it"];
}
