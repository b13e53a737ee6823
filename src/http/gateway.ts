/**
 * The data port: HTTP in, story 1, HTTP out.
 *
 * On `node:http` itself and not on a framework: a web Request and Response per request would cost the host as much
 * as the rest of the way (docs/decisions/0002). Parsing is Node's strict one, which refuses what could be read in two
 * ways (RFC 9112, section 11.2); time-outs end slow clients. What a function answers is checked by its engine.
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type InvokeParts, invoke } from "../invoke.ts";
import { NebulaError, toNebulaError } from "../model/errors.ts";
import { MAX_HEADER_BYTES } from "../model/function.ts";
import { createTrace } from "../model/trace.ts";
import { listen, toUrl } from "./listen.ts";
import type { Audience } from "./problem.ts";
import { refuse } from "./refusal.ts";
import { toInvokeRequest } from "./request-head.ts";
import { logRequest } from "./request-log.ts";
import { sendAnswer, sendProblem } from "./send-answer.ts";

/** Where the data port listens, and what it leads to. */
export interface GatewayOptions extends InvokeParts {
  readonly hostname: string;
  readonly port: number;
  /** `owner` shows messages and stacks of functions to whoever asks: development only. */
  readonly audience: Audience;
  randomId(): string;
}

/** The data port while it listens. */
export interface Gateway {
  /** `http://127.0.0.1:8787` */
  readonly url: string;
  /** Takes no more connections, finishes what is in flight, and closes the rest after `timeoutMs`. */
  drain(options: { timeoutMs: number }): Promise<void>;
}

const HEADERS_TIMEOUT_MS = 15_000;
/** A whole request, its body included; a client slower than this is no client. */
const REQUEST_TIMEOUT_MS = 300_000;
const KEEP_ALIVE_MS = 65_000;
/** A connection on which nothing moves for this long while a response is on its way. */
const STALLED_MS = 120_000;
const CONNECTIONS_CHECK_MS = 2_000;

/** @throws {NebulaError} NEBULA_LISTEN_FAILED when the port cannot be had. */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: CONNECTIONS_CHECK_MS,
    requireHostHeader: true,
    rejectNonStandardBodyWrites: false,
    noDelay: true,
  });
  let isDraining = false;
  server.setTimeout(STALLED_MS);
  server.on("clientError", (error, socket) => refuse(error, socket, options));
  server.on(
    "connect",
    (_request, socket) => void socket.end("HTTP/1.1 405 Method Not Allowed\r\nconnection: close\r\n\r\n"),
  );
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    if (isDraining) response.setHeader("connection", "close");
    void handle(request, response, options);
  });
  await listen(server, options);
  return {
    url: toUrl(server, options.hostname),
    drain: async ({ timeoutMs }) => {
      isDraining = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      using _timer = options.clock.after(timeoutMs, () => server.closeAllConnections());
      await closed;
    },
  };
}

async function handle(message: IncomingMessage, response: ServerResponse, options: GatewayOptions): Promise<void> {
  const startedAtMs = options.clock.nowMs();
  const trace = createTrace(options.randomId(), message.method ?? "");
  const abort = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished)
      abort.abort(new NebulaError("NEBULA_CLIENT_GONE", "The client left before the response was complete"));
  });
  let error: NebulaError | undefined;
  try {
    const answer = await invoke(toInvokeRequest(message, trace, abort.signal), trace, options);
    await sendAnswer(response, answer, trace);
  } catch (thrown) {
    error = toNebulaError(thrown);
    trace.code = error.code;
    sendProblem(response, error, { trace, audience: options.audience });
  }
  const totalMs = options.clock.nowMs() - startedAtMs;
  logRequest(trace, { status: response.statusCode, totalMs, error, log: options.log });
}
