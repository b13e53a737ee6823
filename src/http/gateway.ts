/**
 * The data port: HTTP in, story 1, HTTP out.
 *
 * On `node:http` itself and not on a framework: a web Request and Response per request would cost the host as much
 * as the rest of the way (docs/decisions/0002). Parsing is Node's strict one, which refuses what could be read in two
 * ways (RFC 9112, section 11.2); time-outs end slow clients. What a function answers is checked by its engine.
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type InvokeParts, invoke } from "../invoke.ts";
import { type NebulaError, toNebulaError } from "../model/errors.ts";
import { MAX_HEADER_BYTES } from "../model/function.ts";
import { createTrace } from "../model/trace.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { logRequest } from "../telemetry/request-log.ts";
import { Connections, type Exchange } from "./connections.ts";
import { listen, toUrl } from "./listen.ts";
import type { Audience } from "./problem.ts";
import { refuse, refuseUnreadable } from "./refusal.ts";
import { closeUnlessRead, hasUnreadBody } from "./request-body.ts";
import { notServed, toInvokeRequest } from "./request-head.ts";
import { sendAnswer, sendProblem } from "./send-answer.ts";
import { mayUpgrade, sendTunnel, toResponse } from "./upgrade.ts";

/** Where the data port listens, and what it leads to. */
export interface GatewayOptions extends InvokeParts {
  readonly hostname: string;
  readonly port: number;
  /** `owner` shows messages and stacks of functions to whoever asks: development only. */
  readonly audience: Audience;
  readonly metrics: Metrics;
  /** Those that are not given have their defaults. */
  readonly timeouts?: Partial<GatewayTimeouts>;
  randomId(): string;
}

/** The data port while it listens. */
export interface Gateway {
  /** `http://127.0.0.1:8787` */
  readonly url: string;
  /** Takes no more connections, finishes what is in flight, and closes the rest after `timeoutMs`. */
  drain(options: { timeoutMs: number }): Promise<void>;
}

/** How long a client may take. */
export interface GatewayTimeouts {
  /** The head of a request, from its connection or its first byte. */
  readonly headersMs: number;
  /** A whole request, its body included; a client slower than this is no client. */
  readonly requestMs: number;
  /** A connection without a request. */
  readonly keepAliveMs: number;
  /** A connection on which nothing moves while its client ought to read or to write. */
  readonly stalledMs: number;
  /** What a client goes on to send after its answer is read for so long, so that it gets to see the answer. */
  readonly lingerMs: number;
  /** How often the first two are looked at. */
  readonly checkMs: number;
}

const DEFAULT_TIMEOUTS: GatewayTimeouts = {
  headersMs: 15_000,
  requestMs: 300_000,
  keepAliveMs: 65_000,
  stalledMs: 120_000,
  lingerMs: 2_000,
  checkMs: 2_000,
};

/** @throws {NebulaError} NEBULA_LISTEN_FAILED when the port cannot be had. */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
  const connections = new Connections();
  const parts = { ...options, timeouts, connections };
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: timeouts.headersMs,
    requestTimeout: timeouts.requestMs,
    keepAliveTimeout: timeouts.keepAliveMs,
    connectionsCheckingInterval: timeouts.checkMs,
    // because Node's own refusal would be no problem document
    requireHostHeader: false,
    rejectNonStandardBodyWrites: false,
    noDelay: true,
    // What may not is answered as if it had not asked (RFC 9110, section 7.8).
    shouldUpgradeCallback: (message) => mayUpgrade(message, parts),
  });
  const onRequest = (message: IncomingMessage, response: ServerResponse) => void handle({ message, response }, parts);
  const onTimeout = (socket: Socket) => {
    if (!connections.isWaiting(socket)) socket.destroy();
  };
  server.setTimeout(timeouts.stalledMs);
  server.on("connection", (socket) => connections.open(socket));
  server.on("timeout", onTimeout);
  server.on("clientError", (error, socket: Socket) => refuseUnreadable(error, socket, parts));
  server.on("connect", (_message, socket: Socket) => refuse(notServed("CONNECT"), socket, parts));
  server.on("request", onRequest);
  server.on("upgrade", (message, socket: Socket, first) => {
    const response = toResponse(message, {
      socket,
      first,
      onTimeout,
      clock: options.clock,
      lingerMs: timeouts.lingerMs,
    });
    void handle({ message, response, upgrade: "websocket" }, parts);
  });
  // 100 Continue is sent when somebody wants the body, see request-head.ts; other expectations may be ignored.
  server.on("checkContinue", onRequest);
  server.on("checkExpectation", onRequest);
  await listen(server, options);
  return {
    url: toUrl(server, options.hostname),
    drain: async ({ timeoutMs }) => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      connections.drain();
      using _timer = options.clock.after(timeoutMs, () => connections.cut());
      await closed;
    },
  };
}

async function handle(
  asked: Omit<Exchange, "abort">,
  parts: GatewayOptions & { connections: Connections; timeouts: GatewayTimeouts },
): Promise<void> {
  const { clock, audience, connections } = parts;
  const { lingerMs } = parts.timeouts;
  const startedAtMs = clock.nowMs();
  const abort = new AbortController();
  const { message, response } = asked;
  const exchange: Exchange = { ...asked, abort };
  if (!connections.begin(exchange)) return;
  const trace = createTrace(parts.randomId(), message.method ?? "");
  let error: NebulaError | undefined;
  try {
    const answer = await invoke(toInvokeRequest(exchange, trace), trace, parts);
    if (answer.tunnel === undefined) await sendAnswer(exchange, answer, trace);
    else await sendTunnel(exchange, { head: answer.head, tunnel: answer.tunnel }, { trace, connections });
  } catch (thrown) {
    error = toNebulaError(abort.signal.aborted ? abort.signal.reason : thrown);
    trace.code = error.code;
    if (error.code === "NEBULA_REQUEST_INVALID") {
      connections.end(message.socket);
      response.shouldKeepAlive = false;
    }
    sendProblem(exchange, error, { trace, audience, clock, lingerMs });
  }
  if (hasUnreadBody(message)) void closeUnlessRead(message, { clock, lingerMs });
  const endedAtMs = clock.nowMs();
  parts.metrics.observe(trace, endedAtMs);
  logRequest(trace, { status: response.statusCode, totalMs: endedAtMs - startedAtMs, error, log: parts.log });
}
