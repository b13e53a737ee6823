/**
 * STORY 1 from inside: a function asks another one of the same node, without a socket.
 *
 *     binding   name of a function ─▶ what serves under it now      NEBULA_FUNCTION_NOT_FOUND
 *               the functions it came through                       NEBULA_SUBREQUEST_LIMIT when they are too many
 *     ask       as from outside: static files, chain, pool, engine  what invoke.ts fails with
 *     answer    the head now, the body as it comes; then one log line and one sample, with the callers in it
 *
 * No route is looked at: host and URL are what the caller wrote. The callee's limits hold for the callee, and the place
 * that the caller has in its own pool stays taken meanwhile.
 */

import type { FindResource } from "./bindings/bindings.ts";
import { ask, type InvokeParts } from "./invoke.ts";
import type { Artifact } from "./model/artifact.ts";
import type { Deployment } from "./model/deployment.ts";
import { NebulaError, toNebulaError } from "./model/errors.ts";
import { type Answer, type Body, type Call, findHeader, type HeaderList, type RequestHead } from "./model/exchange.ts";
import type { ServiceBinding } from "./model/function.ts";
import { findNamed, HOP_BY_HOP } from "./model/hop-by-hop.ts";
import type { CallContext } from "./model/ports.ts";
import { MAX_FUNCTIONS, RPC_STATUS, RPC_URL, type Target, type Thrown } from "./model/service.ts";
import { createTrace, type Trace } from "./model/trace.ts";
import { formatBytes } from "./model/units.ts";
import type { Metrics } from "./telemetry/metrics.ts";
import { logRequest } from "./telemetry/request-log.ts";

/** What functions are found and asked with. */
export interface ServiceParts extends InvokeParts {
  readonly metrics: Pick<Metrics, "observe">;
  randomId(): string;
}

/** One request of one function to another. */
interface Asking {
  readonly binding: ServiceBinding;
  readonly call: Call;
  readonly context: CallContext;
  /** The functions through which it comes, whoever asks now as the last. */
  readonly callers: readonly string[];
}

/** As much of a URL as the data port takes. */
const URL_LIMIT = 16_384;
const NOT_SERVED: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);

/** Makes the way from one function to another. The other need not be there before it is asked. */
export function createServices(parts: ServiceParts): FindResource<"service"> {
  return (binding, owner) => ({
    fetch: (call, context) => askService({ binding, call, context, callers: [...context.callers, owner.name] }, parts),
  });
}

/** Answers, and tells of it when the body is over. */
async function askService(asking: Asking, parts: ServiceParts): Promise<Answer> {
  const { call, callers, context } = asking;
  const { clock, log, metrics } = parts;
  const startedAtMs = clock.nowMs();
  const rootId = context.rootId ?? context.requestId;
  const trace = createTrace(parts.randomId(), call.head.method, { callers, rootId });
  trace.function = asking.binding.service;
  let status = 0;
  const end = (thrown?: unknown) => {
    const error = thrown === undefined ? undefined : toNebulaError(thrown);
    if (error !== undefined) trace.code = error.code;
    const endedAtMs = clock.nowMs();
    metrics.observe(trace, endedAtMs);
    logRequest(trace, { status: error?.status ?? status, totalMs: endedAtMs - startedAtMs, error, log });
  };
  try {
    const answer = await route(asking, trace, { ...parts, startedAtMs, rootId });
    status = answer.head.status;
    const { body } = answer;
    if (body instanceof ReadableStream) return { ...answer, body: watch(body, { trace, end }) };
    trace.bytesOut = body?.byteLength ?? 0;
    end();
    return answer;
  } catch (thrown) {
    end(thrown);
    const told = call.head.url === RPC_URL ? findThrown(thrown) : undefined;
    if (told !== undefined) return told;
    throw thrown;
  }
}

/** Finds the function, and has it answer. */
async function route(
  { binding, call, callers }: Asking,
  trace: Trace,
  parts: ServiceParts & { startedAtMs: number; rootId: string },
): Promise<Answer> {
  const { service, entrypoint, props } = binding;
  if (callers.length >= MAX_FUNCTIONS) throw tooDeep(service);
  const find = () => parts.router.entries.get(service)?.target;
  const live = find();
  if (live === undefined) throw notFound(service);
  const isRpc = call.head.url === RPC_URL;
  const target: Target = {
    ...(entrypoint !== undefined && { entrypoint }),
    ...(props !== undefined && { props }),
    ...(isRpc && { isRpc }),
  };
  if ((isRpc || entrypoint !== undefined) && !isScript(live.deployment)) throw noScript(service);
  const head = isRpc ? toRpcHead(service) : toHead(call, service);
  const request = {
    head,
    headers: head.headers,
    openBody: ({ requestBodyBytes }: { requestBodyBytes: number }) =>
      limitBody(call.body, { trace, service, limitBytes: requestBodyBytes }),
    trailers: call.trailers,
    signal: call.signal,
    callers,
    rootId: parts.rootId,
    target,
    find,
    arrivedAtMs: parts.startedAtMs,
  };
  return await ask(live, request, trace, parts);
}

/** Whether it is JavaScript: anything else has neither exports nor methods. */
function isScript({ forms }: Deployment): boolean {
  const artifacts = forms.flatMap((form) => ("artifact" in form ? form.artifact : []));
  const isOne = (artifact: Artifact) =>
    artifact.kind === "js" || (artifact.kind === "component" && artifact.sourceMap !== undefined);
  return artifacts.length > 0 && artifacts.every(isOne);
}

/** What a function sees of a call of its methods, should it look: nothing. */
function toRpcHead(service: string): RequestHead {
  return { method: "POST", url: `http://${service}/`, headers: [] };
}

/** The head as the data port would have read it: one host, and only fields that are no connection's. */
function toHead({ head: { method, url, headers }, body }: Call, service: string): RequestHead {
  if (NOT_SERVED.has(method)) throw refused(service, `the method ${method} is not served`);
  const parsed = url.length > URL_LIMIT ? null : URL.parse(url);
  if (parsed === null || (parsed.protocol !== "http:" && parsed.protocol !== "https:")) {
    throw refused(service, `what it is asked for is no URL of http or https with at most ${URL_LIMIT} characters`);
  }
  if (parsed.username !== "" || parsed.password !== "") throw refused(service, "the URL names a user");
  parsed.hash = "";
  return { method, url: parsed.href, headers: toFields(headers, { body, host: parsed.host }) };
}

function toFields(headers: HeaderList, { body, host }: { body: Body; host: string }): HeaderList {
  const connection = findHeader(headers, "connection");
  const named = connection === undefined ? undefined : findNamed(connection);
  const fields = findHeader(headers, "host") === undefined ? ["host", host] : [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? "";
    if (HOP_BY_HOP.has(name) || name === "content-length" || named?.has(name)) continue;
    fields.push(name, headers[i + 1] ?? "");
  }
  if (body instanceof Uint8Array) fields.push("content-length", String(body.byteLength));
  return fields;
}

/** Counts what the callee is sent, and ends it where that is more than it takes. */
function limitBody(
  body: Body,
  { trace, service, limitBytes }: { trace: Trace; service: string; limitBytes: number },
): Body {
  const count = (chunk: Uint8Array) => {
    trace.bytesIn += chunk.byteLength;
    if (trace.bytesIn > limitBytes) throw tooLarge(service, limitBytes);
  };
  if (!(body instanceof ReadableStream)) {
    if (body !== null) count(body);
    return body;
  }
  return passOn(body, { onChunk: count });
}

/** The same body; `end` is called once it is over, however that comes. */
function watch(
  body: ReadableStream<Uint8Array>,
  { trace, end }: { trace: Trace; end(thrown?: unknown): void },
): ReadableStream<Uint8Array> {
  const onChunk = (chunk: Uint8Array) => {
    trace.bytesOut += chunk.byteLength;
  };
  return passOn(body, { onChunk, onEnd: end });
}

/** Chunk after chunk as the reader asks for them; cancelled with it. */
function passOn(
  body: ReadableStream<Uint8Array>,
  { onChunk, onEnd }: { onChunk(chunk: Uint8Array): void; onEnd?(thrown?: unknown): void },
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          const { done, value } = await reader.read();
          if (!done) {
            onChunk(value);
            controller.enqueue(value);
            return;
          }
          controller.close();
        } catch (thrown) {
          onEnd?.(thrown);
          // because the source may be what failed
          reader.cancel(thrown).catch(() => {});
          throw thrown;
        }
        onEnd?.();
      },
      cancel: async (reason) => {
        onEnd?.();
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

/** What a method threw is an answer to whoever called it; everything else that fails is not. */
function findThrown(failure: unknown): Answer | undefined {
  const { code, cause } = toNebulaError(failure);
  if (code !== "NEBULA_GUEST_THREW" || !(cause instanceof Error)) return undefined;
  const { name, message, stack } = cause;
  const thrown = "thrown" in cause && typeof cause.thrown === "string" ? { thrown: cause.thrown } : {};
  const told: Thrown = { name, message, ...(stack !== undefined && { stack }), ...thrown };
  return { head: { status: RPC_STATUS.threw, headers: [] }, body: Buffer.from(JSON.stringify(told)) };
}

function notFound(service: string): NebulaError {
  return new NebulaError("NEBULA_FUNCTION_NOT_FOUND", `Cannot ask "${service}": no function of that name is deployed`);
}

function tooDeep(service: string): NebulaError {
  const why = `the request has come through ${MAX_FUNCTIONS} functions, and may go through no more`;
  return new NebulaError("NEBULA_SUBREQUEST_LIMIT", `Cannot ask "${service}": ${why}`, {
    details: { limit: "functions", value: MAX_FUNCTIONS, function: service },
  });
}

function noScript(service: string): NebulaError {
  return refused(service, "only JavaScript has methods and entry points; anything else can be fetched from");
}

function refused(service: string, why: string): NebulaError {
  return new NebulaError("NEBULA_OUTBOUND_DENIED", `Cannot ask "${service}": ${why}`);
}

function tooLarge(service: string, limitBytes: number): NebulaError {
  const message = `Cannot ask "${service}": the request body is larger than its limit of ${formatBytes(limitBytes)}`;
  return new NebulaError("NEBULA_BODY_TOO_LARGE", message, {
    details: { limit: "requestBodyBytes", value: limitBytes, function: service },
  });
}
