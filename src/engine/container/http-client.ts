/**
 * The way of requests to one container that serves HTTP/1.1.
 *
 *     keep-alive connections ─▶ an exchange each (exchange.ts) ─▶ plain data
 *
 * On `node:http`: measured against undici's pool a request costs the same over one connection and 6 µs of
 * processor more over 32; it can send trailers, keeps its connection after HEAD, and takes any answer to an upgrade.
 */

import { Agent } from "node:http";
import { type Call, SAFE_METHODS } from "../../model/exchange.ts";
import type { Clock } from "../../model/ports.ts";
import { clientGone, instanceStopped } from "../failures.ts";
import { Exchange, type HttpAnswer, type HttpFetchOptions } from "./exchange.ts";

/** Where the container serves. */
export interface HttpClientOptions {
  /** An address, never a name: nothing is looked up. */
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
}

/** The connections to one container. Disposed, it ends all of them, and what is in flight fails as if the container had. */
export interface HttpClient extends AsyncDisposable {
  /**
   * Sends a request; settles when the head of its response is known. With `call.upgrade` the answer may be 101 and a
   * tunnel, which no limit of time or size holds any more.
   *
   * @throws {NebulaError} NEBULA_GUEST_EXITED when nobody listens, or the connection breaks before the head.
   * @throws {NebulaError} NEBULA_RESPONSE_INVALID when what comes back is not HTTP/1.1, or its head is too large.
   * @throws {NebulaError} NEBULA_RESPONSE_TOO_LARGE, at once or as the error of the body.
   * @throws {NebulaError} NEBULA_WALL_LIMIT when there is no head in `limits.wallMs`; later the same as the body's error.
   * @throws {NebulaError} NEBULA_CLIENT_GONE when `call.signal` aborts first.
   */
  fetch(call: Call, options: HttpFetchOptions): Promise<HttpAnswer>;
}

/** Shorter than servers keep a connection without a request (gunicorn 2 s, Node 5 s), so that few are found closed. */
const IDLE_MS = 1_500;

/** Makes the way to a container. Connects when there is something to send. */
export function openHttpClient({ host, port, clock }: HttpClientOptions): HttpClient {
  const kept = new Agent({ keepAlive: true, timeout: IDLE_MS });
  const unkept = new Agent();
  const live = new Live();
  let isClosed = false;

  const begin = (
    call: Call,
    options: HttpFetchOptions,
    { agent, wallMs }: { agent: Agent; wallMs: number },
  ): Exchange => {
    const exchange = new Exchange(call, { ...options, host, port, clock, agent, wallMs });
    live.add(exchange);
    return exchange;
  };

  return {
    fetch: async (call, options) => {
      const { wallMs } = options.limits;
      if (isClosed) throw instanceStopped(options);
      if (call.signal.aborted) throw clientGone("response");
      const startedAtMs = clock.nowMs();
      const exchange = begin(call, options, { agent: call.upgrade === undefined ? kept : unkept, wallMs });
      try {
        return await exchange.answer;
      } catch (thrown) {
        if (!exchange.wasStale || !mayRepeat(call) || isClosed) throw thrown;
      }
      // Other kept connections may be no better.
      const leftMs = Math.max(0, wallMs - (clock.nowMs() - startedAtMs));
      return await begin(call, options, { agent: unkept, wallMs: leftMs }).answer;
    },
    [Symbol.asyncDispose]: async () => {
      isClosed = true;
      const exchanges = live.all;
      for (const exchange of exchanges) exchange.break(instanceStopped(exchange));
      kept.destroy();
      unkept.destroy();
      await Promise.all(exchanges.map(({ settled }) => settled));
    },
  };
}

/**
 * What is in flight. Not a Set: when much passes through one, each of its tables holds on to the next, and what was in
 * them is kept until the next full garbage collection. With 32 connections that was 6 µs of each request, and pauses of
 * 20 ms.
 */
class Live {
  readonly #places: (Exchange | undefined)[] = [];
  readonly #free: number[] = [];

  get all(): readonly Exchange[] {
    return this.#places.filter((exchange) => exchange !== undefined);
  }

  /** Adds one until it is settled. */
  add(exchange: Exchange): void {
    const place = this.#free.pop() ?? this.#places.length;
    this.#places[place] = exchange;
    void exchange.settled.then(() => {
      this.#places[place] = undefined;
      this.#free.push(place);
    });
  }
}

/** A request that changes nothing and can be sent again as a whole. */
function mayRepeat({ head, body }: Call): boolean {
  return SAFE_METHODS.has(head.method) && !(body instanceof ReadableStream);
}
