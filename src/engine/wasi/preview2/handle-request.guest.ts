/**
 * One HTTP request through `wasi:http/incoming-handler`.
 *
 *     handle() begins ─▶ response-outparam.set ─▶ the head goes out ─▶ the guest writes on ─▶ handle() is over
 *
 * The head waits only until the guest first waits, or is done: a body that is whole by then goes out in one piece.
 *
 * @see https://github.com/WebAssembly/wasi-http/blob/v0.2.0/wit/handler.wit
 */

import type { Body, HeaderList, ResponseHead } from "../../../model/exchange.ts";
import type { ByteSource } from "../streams.guest.ts";
import type { ErrorCode } from "./http-error-code.guest.ts";
import { IncomingRequest, type IncomingRequestHead } from "./incoming-messages.guest.ts";
import type { OutgoingResponse } from "./outgoing-messages.guest.ts";
import type { Preview2 } from "./preview2.guest.ts";
import { type Outcome, ResponseOutparam } from "./response-outparam.guest.ts";

/** What can be called: an instance of a component. */
export interface Callable {
  /** Calls an exported function; the version of the interface does not matter. */
  call(path: string, name: string, args: readonly unknown[]): Promise<unknown>;
}

/** A request for a component. `url` is absolute. */
export interface ComponentRequest extends IncomingRequestHead {
  readonly body: Body | ByteSource;
  readonly trailers?: Promise<HeaderList | undefined> | undefined;
  /** Aborts when whoever asked has left. */
  readonly signal: AbortSignal;
}

/** A request under way. */
export interface Handling {
  /**
   * Settles when the head of the response is known.
   * @throws {HandlerFailure} when there is no response, or the guest failed before its head went out.
   */
  readonly answer: Promise<ComponentAnswer>;
  /**
   * Fulfils when the guest is over, with its failure if it failed; until then it may still run. Never rejects.
   * Soon after `signal` has aborted, since what the guest waits in is broken off.
   */
  readonly settled: Promise<HandlerFailure | undefined>;
}

/** What a component answers. */
export interface ComponentAnswer {
  readonly head: ResponseHead;
  /** All of it when the guest had written it by then. A stream fails with a HandlerFailure. */
  readonly body: Body;
  /** Fulfils when the body is over; undefined at once when there are none. */
  readonly trailers: Promise<HeaderList | undefined> | undefined;
}

/**
 * Why there is no response, or not a whole one.
 *
 *     no-response   the guest was done and had set none
 *     error         the guest set an error-code, which is in `code`
 *     failed        it was stopped by what is in `cause`: a trap, a CliExit, what the host's own functions threw
 *     cancelled     whoever asked has left
 */
export class HandlerFailure extends Error {
  override readonly name = "HandlerFailure";
  readonly kind: "no-response" | "error" | "failed" | "cancelled";
  readonly code: ErrorCode | undefined;

  constructor(kind: HandlerFailure["kind"], message: string, options: { cause?: unknown; code?: ErrorCode } = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.kind = kind;
    this.code = options.code;
  }
}

/** Calls the handler of an instance that was made with `preview2`, which ends with the request. */
export function handleRequest(instance: Callable, request: ComponentRequest, preview2: Preview2): Handling {
  return new Handler(request, preview2).run(instance);
}

class Handler {
  readonly #request: ComponentRequest;
  readonly #preview2: Preview2;
  readonly #answer = Promise.withResolvers<ComponentAnswer>();
  readonly #settled = Promise.withResolvers<HandlerFailure | undefined>();
  readonly #incoming: IncomingRequest;
  #response: OutgoingResponse | undefined;
  #isSent = false;
  #isCancelled = false;

  constructor(request: ComponentRequest, preview2: Preview2) {
    this.#request = request;
    const { method, url, headers, body, trailers } = request;
    this.#incoming = new IncomingRequest({ method, url, headers }, { body, trailers });
    this.#preview2 = preview2;
  }

  run(instance: Callable): Handling {
    // because whoever has heard that the guest is over may not ask for the answer any more
    this.#answer.promise.catch(() => {});
    const handling = { answer: this.#answer.promise, settled: this.#settled.promise };
    const { signal } = this.#request;
    if (signal.aborted) {
      this.#cancel();
      this.#end(cancelled());
      return handling;
    }
    signal.addEventListener("abort", this.#cancel);
    const outparam = new ResponseOutparam((outcome) => this.#take(outcome));
    instance.call("wasi:http/incoming-handler", "handle", [this.#incoming, outparam]).then(
      () => this.#end(undefined),
      (cause: unknown) => this.#end(this.#toFailure(cause)),
    );
    return handling;
  }

  readonly #cancel = (): void => {
    this.#isCancelled = true;
    this.#preview2.end();
    this.#response?.message.taken?.pipe.cancel();
    this.#answer.reject(cancelled());
  };

  #toFailure(cause: unknown): HandlerFailure {
    if (this.#isCancelled) return cancelled();
    return new HandlerFailure("failed", cause instanceof Error ? cause.message : "the guest was stopped", { cause });
  }

  #take(outcome: Outcome): void {
    if (outcome === undefined) this.#answer.reject(noResponse());
    else if (outcome.tag === "err") {
      const { tag, val } = outcome.val;
      const message = typeof val === "string" ? `${tag}: ${val}` : tag;
      this.#answer.reject(new HandlerFailure("error", message, { code: outcome.val }));
    } else {
      const response = outcome.val;
      this.#response = response;
      this.#preview2.whenWaiting(() => this.#send(response));
    }
  }

  #send({ status, message }: OutgoingResponse): void {
    const body = message.taken;
    this.#isSent = true;
    this.#answer.resolve({
      head: { status, headers: message.headers.toList() },
      body: this.#toBody(body?.pipe),
      trailers: this.#request.method === "HEAD" ? undefined : body?.trailers,
    });
  }

  /** What is written of an answer to HEAD is dropped. */
  #toBody(pipe: { toBody(): Body; discard(): void } | undefined): Body {
    if (pipe === undefined) return null;
    if (this.#request.method !== "HEAD") return pipe.toBody();
    pipe.discard();
    return null;
  }

  #end(failure: HandlerFailure | undefined): void {
    this.#request.signal.removeEventListener("abort", this.#cancel);
    this.#preview2.end();
    this.#incoming.message.end();
    this.#response?.message.taken?.end(failure);
    if (this.#response === undefined || (failure !== undefined && !this.#isSent)) {
      this.#answer.reject(failure ?? noResponse());
    } else if (!this.#isSent) this.#send(this.#response);
    this.#settled.resolve(failure);
  }
}

function noResponse(): HandlerFailure {
  return new HandlerFailure("no-response", "the handler set no response");
}

function cancelled(): HandlerFailure {
  return new HandlerFailure("cancelled", "whoever asked has left");
}
