/**
 * STORY 1: a request from the data port becomes a response.
 *
 *     route     host and path ─▶ a live function            NEBULA_ROUTE_NOT_FOUND
 *     pool      an idle instance, a start, or the queue     NEBULA_OVERLOADED  NEBULA_START_FAILED
 *     fetch     the engine, under the function's limits     NEBULA_WALL_LIMIT  NEBULA_CPU_LIMIT  NEBULA_MEMORY_LIMIT  NEBULA_GUEST_THREW
 *     answer    the head now, the body as it comes; when the body and its work end, the instance is given back
 *
 * Nothing here touches SQLite or the disk. The gateway knows HTTP; this does not.
 */

import type { InstanceAnswer } from "./engine/engine.ts";
import type { Lease, Pool } from "./engine/pool.ts";
import type { LiveFunction } from "./live-function.ts";
import { NebulaError } from "./model/errors.ts";
import type { Answer, Body, Call, HeaderList } from "./model/exchange.ts";
import type { Limits } from "./model/function.ts";
import type { Clock, GuestLog, Log } from "./model/ports.ts";
import type { Trace } from "./model/trace.ts";
import type { Router } from "./router/router.ts";

/** What story 1 works with. */
export interface InvokeParts {
  readonly router: Router<LiveFunction>;
  readonly clock: Clock;
  readonly log: Log;
}

/** A request as the gateway read it. */
export interface InvokeRequest {
  readonly method: string;
  /** The Host header's value. */
  readonly host: string;
  /** With its leading slash, without the query. */
  readonly path: string;
  /** With its question mark, or empty. */
  readonly query: string;
  readonly headers: HeaderList;
  /** Opens the body once its limits are known. */
  openBody(limits: Limits): Body | Promise<Body>;
  readonly trailers: Promise<HeaderList | undefined> | undefined;
  /** The protocol that the client would rather speak. */
  readonly upgrade?: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * Answers one request, and writes into `trace` what it learns on the way.
 *
 * @throws {NebulaError} any code of the table that has a place in the story above; the gateway makes a response of it.
 */
export async function invoke(
  request: InvokeRequest,
  trace: Trace,
  { router, clock, log }: InvokeParts,
): Promise<Answer> {
  const arrivedAtMs = clock.nowMs();
  const match = router.match(request.host, request.path);
  if (match === undefined) throw notFound(request);
  const live = match.target;
  trace.function = match.name;
  trace.deployment = live.deployment.id;
  trace.engine = live.engine;

  const { limits } = live.deployment.spec;
  checkHeaders(request.headers, limits);
  const url = `http://${request.host}${match.path}${request.query}`;
  const { method, headers, trailers, signal } = request;
  const upgrade = live.mayUpgrade ? request.upgrade : undefined;
  const head = { method, url, headers, ...(match.basePath !== "" && { basePath: match.basePath }) };
  trace.routeMs = clock.nowMs() - arrivedAtMs;

  const isFile = live.pool === undefined || live.assets?.answers(head) === true;
  if (isFile && live.assets !== undefined) {
    trace.engine = "assets";
    const answer = await live.assets.fetch({ head, body: null, signal });
    trace.runMs = clock.nowMs() - arrivedAtMs - trace.routeMs;
    return underBasePath(answer, match.basePath);
  }
  if (live.pool === undefined) throw notFound(request);

  const opened = request.openBody(limits);
  const body = opened instanceof Promise ? await opened : opened;
  const pool = opened instanceof Promise ? findSuccessor(request, trace, router) : undefined;
  const acquired = (pool ?? live.pool).acquire({ signal });
  const lease = acquired instanceof Promise ? await acquired : acquired;
  trace.startKind = lease.startKind;
  trace.startMs = lease.startMs;
  trace.queueMs = lease.queueMs;
  const handedOverAtMs = clock.nowMs();
  let phases = NO_PHASES;
  try {
    const answer = await fetchFrom(
      lease,
      { head, body, signal, trailers, upgrade },
      { requestId: trace.requestId, onLog: toGuestLog(trace, log) },
    );
    if (answer.phases !== undefined) phases = answer.phases;
    return answer;
  } finally {
    trace.runMs = clock.nowMs() - handedOverAtMs;
    addPhases(trace, phases);
  }
}

const NO_PHASES = { queueMs: 0, startMs: 0 };

/** An engine that starts an instance for each request says what of its time was that. */
function addPhases(trace: Trace, { queueMs, startMs }: typeof NO_PHASES): void {
  if (startMs > 0) trace.startKind = "cold";
  trace.startMs += startMs;
  trace.queueMs += queueMs;
  trace.runMs -= startMs + queueMs;
}

/** Another deployment may have taken over while the body came, and the one before it takes no more. */
function findSuccessor({ host, path }: InvokeRequest, trace: Trace, router: Router<LiveFunction>): Pool | undefined {
  const now = router.match(host, path)?.target;
  if (now?.pool === undefined) return undefined;
  trace.deployment = now.deployment.id;
  trace.engine = now.engine;
  return now.pool;
}

function checkHeaders(headers: HeaderList, { headerBytes }: Limits): void {
  let bytes = 0;
  for (const text of headers) bytes += text.length + 2;
  if (bytes <= headerBytes) return;
  throw new NebulaError(
    "NEBULA_HEADERS_TOO_LARGE",
    `Cannot take the request: its headers have more than ${headerBytes} bytes`,
    {
      details: { limit: "headerBytes", value: headerBytes },
    },
  );
}

/** Gives the instance back when the response's body and the work behind it have ended, or at once when it fails. */
async function fetchFrom(
  lease: Lease,
  call: Call,
  options: { requestId: string; onLog: GuestLog },
): Promise<InstanceAnswer> {
  try {
    const answer = await lease.instance.fetch(call, options);
    void answer.settled.then(lease.release);
    return answer;
  } catch (thrown) {
    lease.release();
    throw thrown;
  }
}

function toGuestLog(trace: Trace, log: Log): GuestLog {
  return (level, text) =>
    log.write(level === "log" ? "info" : level, "guest", {
      requestId: trace.requestId,
      function: trace.function,
      text,
    });
}

/** Redirects of static files are within the site; under `/fn/<name>` the site begins there. */
function underBasePath(answer: Answer, basePath: string): Answer {
  if (basePath === "") return answer;
  const { status, headers } = answer.head;
  const moved = headers.map((text, i) =>
    headers[i - 1] === "location" && i % 2 === 1 && text.startsWith("/") ? basePath + text : text,
  );
  return { ...answer, head: { status, headers: moved } };
}

function notFound({ host }: InvokeRequest): NebulaError {
  return new NebulaError("NEBULA_ROUTE_NOT_FOUND", `Cannot find a function for this path on "${host}"`, {
    hint: "nebula list shows every function with its URL",
  });
}
