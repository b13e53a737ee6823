/**
 * The data port: HTTP in, story 1, HTTP out.
 *
 * On `node:http` itself and not on a framework: a web Request and Response per request would cost the host as much
 * as the rest of the way (docs/decisions/0002). Parsing is Node's strict one, which refuses what could be read in two
 * ways (RFC 9112, section 11.2); time-outs end slow clients. What a function answers is checked by its engine.
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type InvokeParts, type InvokeRequest, invoke } from "../invoke.ts";
import { type ErrorCode, NebulaError, toNebulaError } from "../model/errors.ts";
import type { Answer, HeaderList } from "../model/exchange.ts";
import { DEFAULT_LIMITS } from "../model/function.ts";
import type { LogLevel } from "../model/ports.ts";
import { createTrace, type Trace, toServerTiming } from "../model/trace.ts";
import { listen, toUrl } from "./listen.ts";
import { type Audience, toProblem } from "./problem.ts";
import { openBody } from "./request-body.ts";
import { sendStream } from "./send-body.ts";

export interface GatewayOptions extends InvokeParts {
  readonly hostname: string;
  readonly port: number;
  /** `owner` shows messages and stacks of functions to whoever asks: development only. */
  readonly audience: Audience;
  randomId(): string;
}

export interface Gateway {
  /** `http://127.0.0.1:8787` */
  readonly url: string;
  /** Takes no more connections, finishes what is in flight, and closes the rest after `timeoutMs`. */
  drain(options: { timeoutMs: number }): Promise<void>;
}

/** Cloudflare's limit (developers.cloudflare.com/workers/platform/limits/#url-limits). */
const URL_LIMIT_BYTES = 16_384;
const HEADERS_TIMEOUT_MS = 15_000;
/** A whole request, its body included; a client slower than this is no client. */
const REQUEST_TIMEOUT_MS = 300_000;
const KEEP_ALIVE_MS = 65_000;
/** A connection on which nothing moves for this long while a response is on its way. */
const STALLED_MS = 120_000;
const CONNECTIONS_CHECK_MS = 2_000;

/** They belong to one connection, and end here (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
/** The gateway says these itself; a client may not. */
const OURS = new Set(["cf-connecting-ip", "x-real-ip"]);
const ONE_PIECE_BYTES = 16_384;
const HOST = /^(?:[a-z0-9._~-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;
const MAY_NORMALISE = /\/\.|%2e|\\|[^\x21-\x7e]/i;
const NO_CONTENT = new Set([204, 205, 304]);

/** @throws {NebulaError} NEBULA_LISTEN_FAILED when the port cannot be had. */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const server = createServer({
    maxHeaderSize: DEFAULT_LIMITS.headerBytes,
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
    await send(response, answer, trace);
  } catch (thrown) {
    error = toNebulaError(thrown);
    trace.code = error.code;
    sendProblem(response, error, { trace, audience: options.audience });
  }
  logLine(trace, { status: response.statusCode, totalMs: options.clock.nowMs() - startedAtMs, error, options });
}

/** @throws {NebulaError} NEBULA_REQUEST_INVALID or NEBULA_URL_TOO_LONG. */
function toInvokeRequest(message: IncomingMessage, trace: Trace, signal: AbortSignal): InvokeRequest {
  const { method = "GET", url: target = "/" } = message;
  if (target.length > URL_LIMIT_BYTES) {
    throw new NebulaError(
      "NEBULA_URL_TOO_LONG",
      `Cannot take the request: its URL has more than ${URL_LIMIT_BYTES} bytes`,
    );
  }
  if (method === "TRACE" || method === "TRACK") throw invalid(`the method ${method} is not served`);
  const { host, path, query } = splitTarget(target, message.headers.host ?? "");
  return {
    method,
    host,
    path,
    query,
    headers: toHeaderList(message),
    openBody: (limits) =>
      openBody(message, {
        limitBytes: limits.requestBodyBytes,
        onBytes: (bytes) => {
          trace.bytesIn += bytes;
        },
      }),
    signal,
  };
}

/** Forms of RFC 9112, section 3.2: `/path?query`, `http://host/path?query`, and `*` for OPTIONS. */
function splitTarget(target: string, hostHeader: string): { host: string; path: string; query: string } {
  const absolute = /^https?:\/\//i.test(target) ? URL.parse(target) : undefined;
  if (absolute === null) throw invalid("its target is not a URL");
  const host = absolute?.host ?? hostHeader;
  if (!HOST.test(host)) throw invalid("its Host header is not a host");
  const origin = absolute === undefined ? target : absolute.pathname + absolute.search;
  if (origin === "*") return { host, path: "/", query: "" };
  if (!origin.startsWith("/")) throw invalid("its target is neither a path nor a URL");
  const at = origin.indexOf("?");
  const path = at < 0 ? origin : origin.slice(0, at);
  const query = at < 0 ? "" : origin.slice(at);
  // Routes must see the path that the function will see.
  return { host, path: MAY_NORMALISE.test(path) ? normalise(path) : path, query };
}

function normalise(path: string): string {
  const url = URL.parse(`http://localhost${path}`);
  if (url === null) throw invalid("its path is not one");
  return url.pathname;
}

function toHeaderList({ rawHeaders, socket }: IncomingMessage): HeaderList {
  const headers: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toLowerCase() ?? "";
    if (!HOP_BY_HOP.has(name) && !OURS.has(name)) headers.push(name, rawHeaders[i + 1] ?? "");
  }
  headers.push("cf-connecting-ip", socket.remoteAddress ?? "");
  return headers;
}

async function send(response: ServerResponse, { head, body }: Answer, trace: Trace): Promise<void> {
  const onBytes = (bytes: number) => {
    trace.bytesOut += bytes;
  };
  if (response.destroyed) {
    if (body instanceof ReadableStream) await body.cancel();
    throw new NebulaError("NEBULA_CLIENT_GONE", "The client left before the response began");
  }
  const mayHaveBody = trace.method !== "HEAD" && !NO_CONTENT.has(head.status);
  const headers = toRawHeaders(head.headers, trace);
  if (!(body instanceof ReadableStream) && mayHaveBody) headers.push("content-length", String(body?.byteLength ?? 0));
  else if (body instanceof ReadableStream || trace.method === "HEAD") keepLength(head.headers, headers, response);
  writeHead(response, head.status, headers);
  if (body instanceof ReadableStream && mayHaveBody) {
    await sendStream(response, body, onBytes);
    return;
  }
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
function keepLength(from: HeaderList, to: string[], response: ServerResponse): void {
  for (let i = 0; i + 1 < from.length; i += 2) {
    if (from[i] !== "content-length") continue;
    to.push("content-length", from[i + 1] ?? "");
    response.strictContentLength = true;
    return;
  }
}

function toRawHeaders(from: HeaderList, trace: Trace): string[] {
  const headers: string[] = [];
  for (let i = 0; i + 1 < from.length; i += 2) {
    const name = from[i] ?? "";
    if (name !== "content-length" && !HOP_BY_HOP.has(name)) headers.push(name, from[i + 1] ?? "");
  }
  headers.push("x-request-id", trace.requestId, "server-timing", toServerTiming(trace));
  if (trace.engine !== undefined) headers.push("x-nebula-engine", trace.engine);
  return headers;
}

/** @throws {NebulaError} NEBULA_RESPONSE_INVALID when Node refuses the head. */
function writeHead(response: ServerResponse, status: number, headers: string[]): void {
  try {
    response.writeHead(status, headers);
  } catch (cause) {
    throw new NebulaError("NEBULA_RESPONSE_INVALID", "Cannot pass on the response: its head is not HTTP", { cause });
  }
}

/** After the head has left, the only honest way to say that a body is not whole is to cut the connection. */
function sendProblem(
  response: ServerResponse,
  error: NebulaError,
  { trace, audience }: { trace: Trace; audience: Audience },
): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const problem = toProblem(error, { audience, requestId: trace.requestId });
  // A request whose body nobody will read cannot be followed by another on the same connection.
  const close = response.req.complete ? [] : ["connection", "close"];
  const length = ["content-length", String(Buffer.byteLength(problem.body))];
  response.writeHead(problem.status, [...toRawHeaders(problem.headers, trace), ...length, ...close]);
  response.end(trace.method === "HEAD" ? undefined : problem.body);
}

/** What Node's parser refused, before there was a request. */
function refuse(error: NodeJS.ErrnoException, socket: Duplex, options: GatewayOptions): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const [code, why] = describeRefusal(error.code ?? "");
  const trace = createTrace(options.randomId(), "");
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
  logLine(trace, { status, totalMs: 0, error: undefined, options });
}

function describeRefusal(code: string): [ErrorCode, string] {
  if (code === "HPE_HEADER_OVERFLOW")
    return ["NEBULA_HEADERS_TOO_LARGE", `its headers have more than ${DEFAULT_LIMITS.headerBytes} bytes`];
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return ["NEBULA_REQUEST_TIMEOUT", "it did not come in time"];
  return ["NEBULA_REQUEST_INVALID", "it is not HTTP/1.1 as RFC 9112 has it"];
}

function logLine(
  trace: Trace,
  {
    status,
    totalMs,
    error,
    options,
  }: { status: number; totalMs: number; error: NebulaError | undefined; options: GatewayOptions },
): void {
  const {
    requestId,
    method,
    function: name,
    deployment,
    engine,
    code,
    startKind,
    queueMs,
    startMs,
    runMs,
    bytesIn,
    bytesOut,
  } = trace;
  const outcome = error === undefined && code === undefined ? "ok" : "error";
  options.log.write(levelOf(error), "request", {
    requestId,
    method,
    function: name,
    deployment,
    engine,
    outcome,
    status,
    code,
    startKind,
    queueMs: round(queueMs),
    startMs: round(startMs),
    runMs: round(runMs),
    totalMs: round(totalMs),
    bytesIn,
    bytesOut,
    ...(error !== undefined && error.fault !== "caller" && { error: error.message, stack: stackOf(error) }),
  });
}

function levelOf(error: NebulaError | undefined): LogLevel {
  if (error === undefined || error.fault === "owner") return "info";
  return error.fault === "caller" ? "debug" : "error";
}

/** The guest's own stack for the owner; ours, with what caused it, when we are wrong. */
function stackOf({ cause, code, stack }: NebulaError): string | undefined {
  if (cause instanceof Error) return cause.stack;
  return code === "NEBULA_INTERNAL" ? stack : undefined;
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

function invalid(why: string): NebulaError {
  return new NebulaError("NEBULA_REQUEST_INVALID", `Cannot take the request: ${why}`);
}
