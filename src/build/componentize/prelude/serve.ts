/**
 * One request of wasi:http, answered.
 */

import { readAll } from "../../../env/ask.ts";
import type { Entrypoints, ExecutionContext } from "../../../env/entrypoints.ts";
import type { Env } from "../../../env/env.ts";
import { RPC_LIMIT_BYTES, type Target } from "../../../model/service.ts";
import { abortSignal, createSignal, type NebulaAbortSignal } from "./abort.ts";
import { type BodySource, takeBody } from "./body.ts";
import { type BodyIo, openBody, ReaderGone, sendBody } from "./body-io.ts";
import { describeError } from "./errors.ts";
import { type HeaderLine, headersFromWire, type NebulaHeaders } from "./headers.ts";
import type { IncomingRequest, ResponseOutparam } from "./host.ts";
import { inspect } from "./inspect.ts";
import { type NebulaRequest, type RequestParts, received } from "./request.ts";
import { NebulaResponse } from "./response.ts";
import { fromMethod, readFields, writeFields } from "./wire.ts";

/** What answering takes. */
export interface Answering extends BodyIo {
  readonly entrypoints: Entrypoints<NebulaRequest>;
  readonly env: Env;
  /** What of them is asked. */
  readonly target: Target;
  /** Tells of what nobody else will hear of. */
  report(error: unknown): void;
  /** Tells why a body that has begun does not end. */
  fail(error: unknown): void;
  /** Hears of the context of the request. */
  onContext(ctx: ExecutionContext): void;
}

/** Answers, and settles when the body is sent and the work of `ctx.waitUntil` is done. Never rejects. */
export async function answerRequest(incoming: IncomingRequest, out: ResponseOutparam, by: Answering): Promise<void> {
  const work: Promise<unknown>[] = [];
  const ctx: ExecutionContext = {
    waitUntil: (each) => void work.push(Promise.resolve(each).catch(by.report)),
    passThroughOnException: () => {},
    props: by.target.props ?? {},
  };
  by.onContext(ctx);
  const request = toRequest(incoming, by);
  await respond(request, out, { ...by, ctx });
  for (let i = 0; i < work.length; i++) await work[i];
}

async function respond(
  request: NebulaRequest,
  out: ResponseOutparam,
  by: Answering & { ctx: ExecutionContext },
): Promise<void> {
  const { types } = by.host;
  let begun: ReturnType<typeof beginResponse>;
  try {
    begun = beginResponse(await answer(request, by), by);
  } catch (thrown) {
    const val = { tag: "internal-error", val: JSON.stringify(describeError(thrown)) };
    types.ResponseOutparam.set(out, { tag: "err", val });
    return;
  }
  const { response, source } = begun;
  const body = response.body();
  types.ResponseOutparam.set(out, { tag: "ok", val: response });
  try {
    await sendBody(by, body, request.method === "HEAD" ? null : source);
    if (request.method === "HEAD" && typeof source === "object" && source !== null && "cancel" in source)
      await source.cancel();
  } catch (thrown) {
    if (thrown instanceof ReaderGone) abortSignal(request.signal);
    else by.fail(thrown);
  }
}

async function answer(
  request: NebulaRequest,
  { entrypoints, target, env, ctx }: Answering & { ctx: ExecutionContext },
): Promise<unknown> {
  const around = { env, ctx };
  if (!target.isRpc) return await entrypoints.fetch(request, around, target.entrypoint);
  const asked = await readAll(toShared(request.body), RPC_LIMIT_BYTES);
  return new NebulaResponse(await entrypoints.call(asked, around, target.entrypoint));
}

/** Streams are of a class of our own here: one thing under two declarations. */
function toShared(body: unknown): ReadableStream<Uint8Array> | null {
  return body as ReadableStream<Uint8Array> | null;
}

function beginResponse(given: unknown, { host }: BodyIo) {
  if (!(given instanceof NebulaResponse)) {
    throw new TypeError(`Cannot answer: the handler gave ${describe(given)}, not a Response`);
  }
  const source: BodySource | null | undefined = takeBody(given);
  if (source === undefined) throw new TypeError("Cannot answer: the body of this Response has been used already");
  if (given.status === 0) throw new TypeError("Cannot answer: the handler gave a network error (Response.error())");
  const response = new host.types.OutgoingResponse(writeFields(host, given.headers, () => false));
  // It is 200 unless it is set.
  if (given.status !== 200) response.setStatusCode(given.status);
  return { response, source };
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  return inspect(value, 0).slice(0, 100);
}

function toRequest(incoming: IncomingRequest, io: BodyIo): NebulaRequest {
  const method = fromMethod(incoming.method());
  const signal = createSignal();
  const hasBody = method !== "GET" && method !== "HEAD";
  const body = hasBody
    ? openBody(io, { body: incoming.consume(), onFailure: (error) => abortSignal(signal, error) })
    : null;
  return received(new IncomingParts(incoming, { method, signal, body }));
}

/** Asks the host for the rest of the head when somebody wants it: many handlers want none of it. */
class IncomingParts implements RequestParts {
  readonly method: string;
  readonly signal: NebulaAbortSignal;
  readonly body: BodySource | null;
  readonly redirect = "manual";
  readonly #incoming: IncomingRequest;
  #lines: HeaderLine[] | undefined;
  #headers: NebulaHeaders | undefined;
  #url: string | undefined;

  constructor(incoming: IncomingRequest, { method, signal, body }: Pick<RequestParts, "method" | "signal" | "body">) {
    this.#incoming = incoming;
    this.method = method;
    this.signal = signal;
    this.body = body;
  }

  get headers(): NebulaHeaders {
    this.#headers ??= headersFromWire(this.#readLines(), { isImmutable: true });
    return this.#headers;
  }

  get url(): string {
    if (this.#url === undefined) {
      const scheme = this.#incoming.scheme()?.tag === "HTTPS" ? "https" : "http";
      this.#url = `${scheme}://${this.#authority()}${this.#incoming.pathWithQuery() ?? "/"}`;
    }
    return this.#url;
  }

  #authority(): string {
    return this.#incoming.authority() ?? this.#readLines().find(([name]) => name === "host")?.[1] ?? "localhost";
  }

  #readLines(): HeaderLine[] {
    if (this.#lines !== undefined) return this.#lines;
    this.#lines = readFields(this.#incoming.headers());
    if (!this.#lines.some(([name]) => name === "host")) this.#lines.push(["host", this.#authority()]);
    return this.#lines;
  }
}
