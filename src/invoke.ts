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
import type { Answer, Body, Call, HeaderList, RequestHead } from "./model/exchange.ts";
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

/** What is the same in a request from the data port, and in one that a function makes. */
export interface AskRequest {
  readonly headers: HeaderList;
  /** Opens the body once its limits are known. */
  openBody(limits: Limits): Body | Promise<Body>;
  readonly trailers?: Promise<HeaderList | undefined> | undefined;
  /** The protocol that the client would rather speak. */
  readonly upgrade?: string | undefined;
  readonly signal: AbortSignal;
}

/** A request as the gateway read it. */
export interface InvokeRequest extends AskRequest {
  readonly method: string;
  /** The Host header's value. */
  readonly host: string;
  /** With its leading slash, without the query. */
  readonly path: string;
  /** With its question mark, or empty. */
  readonly query: string;
}

/**
 * Answers one request from the data port, and writes into `trace` what it learns on the way.
 *
 * @throws {NebulaError} any code of the table that has a place in the story above; the gateway makes a response of it.
 */
export async function invoke(request: InvokeRequest, trace: Trace, parts: InvokeParts): Promise<Answer> {
  const { router, clock } = parts;
  const arrivedAtMs = clock.nowMs();
  const { method, host, path, query, headers } = request;
  const match = router.match(host, path);
  if (match === undefined) throw notFound(host);
  const url = `http://${host}${match.path}${query}`;
  const head = { method, url, headers, ...(match.basePath !== "" && { basePath: match.basePath }) };
  const find = () => router.match(host, path)?.target;
  return await ask(match.target, { ...request, head, find, arrivedAtMs }, trace, parts);
}

/** A request that has found its function. */
export interface FoundRequest extends AskRequest, Pick<Call, "callers" | "rootId" | "target"> {
  readonly head: RequestHead;
  /** Finds the function again, when time has passed. */
  find(): LiveFunction | undefined;
  readonly arrivedAtMs: number;
}

/**
 * Has a function answer: the second half of the story, the same for requests from outside and from other functions.
 *
 * @throws {NebulaError} as `invoke` does.
 */
export async function ask(
  live: LiveFunction,
  request: FoundRequest,
  trace: Trace,
  { clock, log }: Omit<InvokeParts, "router">,
): Promise<Answer> {
  const { head, signal, target } = request;
  trace.function = live.deployment.spec.name;
  trace.deployment = live.deployment.id;
  trace.engine = live.engine;

  const { limits } = live.deployment.spec;
  checkHeaders(head.headers, limits);
  const { trailers, callers, rootId } = request;
  const upgrade = request.upgrade !== undefined && live.chain?.mayUpgrade ? request.upgrade : undefined;
  trace.routeMs = clock.nowMs() - request.arrivedAtMs;

  // What is asked for by its name is code.
  const isFile = live.chain === undefined || (!isNamed(target) && live.assets?.answers(head) === true);
  if (isFile && live.assets !== undefined) {
    trace.engine = "assets";
    const answer = await live.assets.fetch({ head, body: null, signal });
    trace.runMs = clock.nowMs() - request.arrivedAtMs - trace.routeMs;
    return underBasePath(answer, head.basePath);
  }
  if (live.chain === undefined) throw notFound(URL.parse(head.url)?.host ?? "");

  const opened = request.openBody(limits);
  const body = opened instanceof Promise ? await opened : opened;
  const chain = opened instanceof Promise ? findSuccessor(request, trace) : undefined;
  return await (chain ?? live.chain).fetch({
    call: { head, body, signal, trailers, upgrade, callers, rootId, target },
    requestId: trace.requestId,
    onLog: toGuestLog(trace, log),
    trace,
  });
}

function isNamed(target: Call["target"]): boolean {
  return target?.entrypoint !== undefined || target?.isRpc === true;
}

/** Another deployment may have taken over while the body came, and the one before it takes no more. */
function findSuccessor({ find }: FoundRequest, trace: Trace): Chain | undefined {
  const now = find();
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
function underBasePath(answer: Answer, basePath = ""): Answer {
  if (basePath === "") return answer;
  const { status, headers } = answer.head;
  const moved = headers.map((text, i) =>
    headers[i - 1] === "location" && i % 2 === 1 && text.startsWith("/") ? basePath + text : text,
  );
  return { ...answer, head: { status, headers: moved } };
}

function notFound(host: string): NebulaError {
  return new NebulaError("NEBULA_ROUTE_NOT_FOUND", `Cannot find a function for this path on "${host}"`, {
    hint: "nebula list shows every function with its URL",
  });
}
