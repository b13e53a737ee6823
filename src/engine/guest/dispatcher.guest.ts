/**
 * The bottom of Node's fetch: where it would open a socket, a guest calls its host instead.
 *
 * Everything above stays Node's own: redirects, integrity, content codings, abortion, the type of a response and
 * the guards of its headers. Each hop of a redirect is a call of its own, so the host sees and checks them all.
 *
 * @see https://undici.nodejs.org/#/docs/api/Dispatcher
 */

import type { OutgoingCall } from "../../frames/outgoing-call.ts";
import type { Body } from "../../model/exchange.ts";
import type { SendOut } from "./platform.guest.ts";
import type { GuestAnswerHead } from "./protocol.ts";

/** What Node's fetch asks for. */
interface DispatchOptions {
  readonly origin: string;
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array> | null;
}

interface DispatchController {
  readonly rawHeaders: readonly Uint8Array[];
  readonly aborted: boolean;
  abort(reason: unknown): void;
  pause(): void;
  resume(): void;
}

/** How Node's fetch takes the answer. */
interface DispatchHandler {
  onRequestStart(controller: DispatchController): void;
  onResponseStart(controller: DispatchController, status: number, headers: object, statusText: string): void;
  onResponseData(controller: DispatchController, chunk: Uint8Array): void;
  onResponseEnd(controller: DispatchController): void;
  onResponseError(controller: DispatchController, error: unknown): void;
}

/** Bodies of up to this many bytes, where the length is known, go with their request in one piece. */
const WHOLE_BODY_BYTES = 65_536;

/** Where Node's fetch looks for the dispatcher of a process. */
const GLOBAL_DISPATCHER = ["undici.globalDispatcher.1", "undici.globalDispatcher.2"];

/** Makes `send` the only way out of Node's fetch, for good. Called once, before the guest's code. */
export function installDispatcher(send: SendOut): void {
  const dispatch = (options: DispatchOptions, handler: DispatchHandler): boolean => {
    void run(options, { handler, send });
    return true;
  };
  const dispatcher = Object.freeze({ dispatch });
  for (const name of GLOBAL_DISPATCHER) {
    Object.defineProperty(globalThis, Symbol.for(name), { value: dispatcher, writable: false });
  }
}

async function run(
  options: DispatchOptions,
  { handler, send }: { handler: DispatchHandler; send: SendOut },
): Promise<void> {
  const exchange = new Exchange();
  try {
    handler.onRequestStart(exchange);
    const { method, origin, path } = options;
    const body = await toBody(options);
    exchange.throwIfAborted();
    const headers = Object.entries(options.headers).flatMap(([name, value]) => [name.toLowerCase(), value]);
    const call = await send({ method, url: `${origin}${path}`, headers, body });
    exchange.adopt(call);
    const answer = await call.answer;
    const head = answer.head as GuestAnswerHead;
    exchange.rawHeaders = head.headers.map((text) => Buffer.from(text, "latin1"));
    handler.onResponseStart(exchange, head.status, {}, head.statusText ?? "");
    for await (const chunk of toChunks(answer.body)) {
      handler.onResponseData(exchange, chunk);
      await exchange.resumed;
      exchange.throwIfAborted();
    }
    handler.onResponseEnd(exchange);
  } catch (error) {
    handler.onResponseError(exchange, error);
  }
}

/** One request and its answer, as Node's fetch steers it. */
class Exchange implements DispatchController {
  rawHeaders: readonly Uint8Array[] = [];
  #call: OutgoingCall | undefined;
  #aborted: { reason: unknown } | undefined;
  #paused: PromiseWithResolvers<void> | undefined;

  get aborted(): boolean {
    return this.#aborted !== undefined;
  }

  /** Fulfils when more of the body is wanted. */
  get resumed(): Promise<void> | undefined {
    return this.#paused?.promise;
  }

  throwIfAborted(): void {
    if (this.#aborted !== undefined) throw this.#aborted.reason;
  }

  /** The call that is aborted when the exchange is, also when that has happened while the call waited its turn. */
  adopt(call: OutgoingCall): void {
    this.#call = call;
    if (this.#aborted !== undefined) call.cancel(this.#aborted.reason);
  }

  abort(reason: unknown): void {
    this.#aborted ??= { reason };
    this.#call?.cancel(reason);
    this.resume();
  }

  pause(): void {
    this.#paused ??= Promise.withResolvers();
  }

  resume(): void {
    this.#paused?.resolve();
    this.#paused = undefined;
  }
}

async function toBody({ body, headers }: DispatchOptions): Promise<Body> {
  if (body === null) return null;
  const length = headers["content-length"];
  if (length === undefined || Number(length) > WHOLE_BODY_BYTES) return ReadableStream.from(body);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* toChunks(body: Body): AsyncIterable<Uint8Array> {
  if (body === null) return;
  if (body instanceof Uint8Array) yield body;
  else yield* body;
}
