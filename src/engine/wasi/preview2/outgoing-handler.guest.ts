/**
 * `wasi:http/outgoing-handler`: requests that a guest makes, through the HttpHost that its request was given.
 *
 * A request is sent once the guest waits: a small body that it has written by then goes in one piece. `connect-timeout`
 * is kept by the host, `first-byte-timeout` and `between-bytes-timeout` here.
 *
 * @see https://github.com/WebAssembly/wasi-http/blob/v0.2.0/wit/handler.wit
 */

import type { WasiClock } from "../clock.guest.ts";
import type { HostFunctions } from "../component/host-function.guest.ts";
import { type ErrorCode, errorCode, HttpError, toErrorCode } from "./http-error-code.guest.ts";
import type { HttpHost, HttpHostAnswer, HttpHostRequest, HttpHostScheme } from "./http-host.guest.ts";
import { fromMethod, fromScheme } from "./http-words.guest.ts";
import { toSource } from "./incoming-body.guest.ts";
import { FutureIncomingResponse, IncomingResponse } from "./incoming-messages.guest.ts";
import { OutgoingRequest, RequestOptions } from "./outgoing-messages.guest.ts";
import type { InputSource } from "./reader.guest.ts";
import { err, ok, type Result, resource } from "./result.guest.ts";
import type { Scope } from "./scope.guest.ts";

const NS_PER_MS = 1e6;
/** What the host takes, with all their headers, in one message; beyond that the guest hears of it here. */
const MAX_URL_LENGTH = 65_536;
const MAX_METHOD_LENGTH = 32;
/** Requests of one instance at once, with answers that it has not dropped or read. */
const MAX_OPEN = 1_000;
const SCHEMES: ReadonlyMap<string, HttpHostScheme> = new Map(
  (["http", "https", "nebula-binding"] as const).map((scheme) => [scheme, scheme]),
);

/** What requests need. Without `http` all of them are denied. */
export interface OutgoingHandlerOptions {
  readonly http: HttpHost | undefined;
  readonly clock: WasiClock;
  readonly scope: Scope;
}

type Target = Pick<HttpHostRequest, "method" | "scheme" | "authority" | "pathWithQuery" | "headers">;

/** `wasi:http/outgoing-handler`. */
export function createOutgoingHandler(options: OutgoingHandlerOptions): HostFunctions {
  const { http } = options;
  let open = 0;
  const handle = (request: OutgoingRequest, limits: RequestOptions): Result<FutureIncomingResponse, ErrorCode> => {
    const target = toTarget(request);
    if (target.tag === "err") return target;
    if (http === undefined) return err(errorCode("HTTP-request-denied"));
    if (open >= MAX_OPEN) return err(errorCode("connection-limit-reached"));
    open += 1;
    const onOver = () => {
      open -= 1;
    };
    return ok(new Sending({ ...options, http, limits, onOver }).start(request, target.val));
  };
  return {
    handle: (request: unknown, limits: unknown) =>
      handle(
        resource(OutgoingRequest, request),
        limits === undefined ? new RequestOptions() : resource(RequestOptions, limits),
      ),
  };
}

/** Where it goes. Without a scheme it goes by HTTPS, as in wasmtime. */
function toTarget(request: OutgoingRequest): Result<Target, ErrorCode> {
  const scheme = request.scheme === undefined ? "https" : SCHEMES.get(fromScheme(request.scheme).toLowerCase());
  if (scheme === undefined) return err(errorCode("HTTP-protocol-error"));
  const { authority } = request;
  const path = request.pathWithQuery ?? "/";
  const pathWithQuery = path.startsWith("?") ? `/${path}` : path;
  if (authority === undefined || !pathWithQuery.startsWith("/")) return err(errorCode("HTTP-request-URI-invalid"));
  if (authority.length + pathWithQuery.length > MAX_URL_LENGTH) return err(errorCode("HTTP-request-URI-too-long"));
  const method = fromMethod(request.method);
  if (method.length > MAX_METHOD_LENGTH) return err(errorCode("HTTP-request-method-invalid"));
  return ok({ method, scheme, authority, pathWithQuery, headers: request.message.headers.toList() });
}

interface SendingOptions extends OutgoingHandlerOptions {
  readonly http: HttpHost;
  readonly limits: RequestOptions;
  /** Called once when the request and its answer are over. */
  onOver(): void;
}

/** One request under way, until its answer's body is over. */
class Sending implements Disposable {
  readonly #http: HttpHost;
  readonly #clock: WasiClock;
  readonly #limits: RequestOptions;
  readonly #abort = new AbortController();
  readonly #scope: Scope;
  readonly #release: () => void;
  readonly #future = new FutureIncomingResponse(() => this[Symbol.dispose]());

  constructor(options: SendingOptions) {
    this.#http = options.http;
    this.#clock = options.clock;
    this.#limits = options.limits;
    this.#scope = options.scope;
    const remove = options.scope.add(this);
    let isOver = false;
    this.#release = () => {
      if (isOver) return;
      isOver = true;
      remove();
      options.onOver();
    };
  }

  start(request: OutgoingRequest, target: Target): FutureIncomingResponse {
    this.#scope.whenWaiting(() => void this.#send(request, target));
    return this.#future;
  }

  [Symbol.dispose](): void {
    this.#release();
    this.#abort.abort();
  }

  async #send(request: OutgoingRequest, target: Target): Promise<void> {
    const body = request.message.taken;
    const { signal } = this.#abort;
    try {
      signal.throwIfAborted();
      const answer = this.#http.send(
        { ...target, body: body?.pipe.toBody() ?? null, trailers: body?.trailers },
        { signal, connectTimeoutMs: toMs(this.#limits.connectTimeout) },
      );
      const answered = await this.#within(this.#limits.firstByteTimeout, answer);
      const { head, trailers } = answered;
      if (signal.aborted) return;
      this.#future.settle(ok(new IncomingResponse(head, { body: this.#guard(answered), trailers })));
    } catch (thrown) {
      body?.pipe.cancel();
      // Whoever aborted does not wait for an answer, and must not wake up because of it.
      if (!signal.aborted) this.#future.settle(err(toErrorCode(thrown)));
      this[Symbol.dispose]();
    }
  }

  /** The answer's body: kept to its times, its failures in the words of `wasi:http`. */
  #guard(answer: HttpHostAnswer): InputSource {
    const source = toSource(answer.body);
    const read = async (coming: Promise<Uint8Array>): Promise<Uint8Array> => {
      try {
        return this.#checkEnd(await this.#within(this.#limits.betweenBytesTimeout, coming));
      } catch (thrown) {
        source.cancel?.();
        this[Symbol.dispose]();
        throw new HttpError(toErrorCode(answer.explain?.(thrown) ?? thrown));
      }
    };
    return {
      read: (max) => {
        const bytes = source.read(max);
        return bytes instanceof Uint8Array ? this.#checkEnd(bytes) : read(bytes);
      },
      cancel: () => {
        source.cancel?.();
        this[Symbol.dispose]();
      },
    };
  }

  #checkEnd(bytes: Uint8Array): Uint8Array {
    if (bytes.length === 0) this.#release();
    return bytes;
  }

  /** What comes, unless it takes longer. */
  async #within<T>(ns: bigint | undefined, coming: Promise<T>): Promise<T> {
    if (ns === undefined) return await coming;
    const stop = new AbortController();
    const expiry = this.#clock.sleep(ns, stop.signal).then(() => {
      if (stop.signal.aborted) return coming;
      throw new HttpError(errorCode("connection-read-timeout"));
    });
    try {
      return await Promise.race([coming, expiry]);
    } finally {
      stop.abort();
    }
  }
}

function toMs(ns: bigint | undefined): number | undefined {
  return ns === undefined ? undefined : Number(ns) / NS_PER_MS;
}
