/**
 * STORY 1: a request from the data port becomes a response.
 *
 *     route     host and path ─▶ a live function            NEBULA_ROUTE_NOT_FOUND
 *     chain     which of its forms answers, the next when one fails and the request may be made again
 *       pool    an idle instance, a start, or the queue     NEBULA_OVERLOADED  NEBULA_START_FAILED
 *       fetch   the engine, under the function's limits     NEBULA_WALL_LIMIT  NEBULA_CPU_LIMIT  NEBULA_MEMORY_LIMIT  NEBULA_GUEST_THREW
 *     answer    the head now, the body as it comes; when the body and its work end, the instance is given back
 *
 * Nothing here touches SQLite or the disk. The gateway knows HTTP; this does not.
 */

import type { Chain } from "./engine/chain/chain.ts";
import type { LiveFunction } from "./live-function.ts";
import { NebulaError } from "./model/errors.ts";
import type { Answer, Body, HeaderList } from "./model/exchange.ts";
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
  const upgrade = request.upgrade !== undefined && live.chain?.mayUpgrade ? request.upgrade : undefined;
  const head = { method, url, headers, ...(match.basePath !== "" && { basePath: match.basePath }) };
  trace.routeMs = clock.nowMs() - arrivedAtMs;

  const isFile = live.chain === undefined || live.assets?.answers(head) === true;
  if (isFile && live.assets !== undefined) {
    trace.engine = "assets";
    const answer = await live.assets.fetch({ head, body: null, signal });
    trace.runMs = clock.nowMs() - arrivedAtMs - trace.routeMs;
    return underBasePath(answer, match.basePath);
  }
  if (live.chain === undefined) throw notFound(request);

  const opened = request.openBody(limits);
  const body = opened instanceof Promise ? await opened : opened;
  const chain = opened instanceof Promise ? findSuccessor(request, trace, router) : undefined;
  return await (chain ?? live.chain).fetch({
    call: { head, body, signal, trailers, upgrade },
    requestId: trace.requestId,
    onLog: toGuestLog(trace, log),
    trace,
  });
}

/** Another deployment may have taken over while the body came, and the one before it takes no more. */
function findSuccessor({ host, path }: InvokeRequest, trace: Trace, router: Router<LiveFunction>): Chain | undefined {
  const now = router.match(host, path)?.target;
  if (now?.chain === undefined) return undefined;
  trace.deployment = now.deployment.id;
  trace.engine = now.engine;
  return now.chain;
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
