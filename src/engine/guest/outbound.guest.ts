/**
 * Calls that leave a guest: the global `fetch`, and bindings that are reached through it. All of them go to the host.
 */

import type { AskAnswer, AskCall } from "../../env/ask.ts";
import type { EnvParts } from "../../env/env.ts";
import type { OutgoingCall } from "../../frames/outgoing-call.ts";
import { RemoteError } from "../../frames/outgoing-call.ts";
import type { Body } from "../../model/exchange.ts";
import type { OutboundRequest, Platform } from "./platform.guest.ts";
import type { GuestAnswerHead, GuestCallHead } from "./protocol.ts";
import { HEADERS_LIMIT, toHeaderList, toResponse } from "./web.guest.ts";

/** How a call reaches the host. */
export interface OutboundOptions {
  readonly platform: Platform;
  call(head: GuestCallHead, body: Body): OutgoingCall;
  /** The stream of the invocation that is running, or 0. */
  parent(): number;
}

type Target = Pick<GuestCallHead, "op" | "binding" | "redirect">;

/** Calls of one process at once; more wait their turn. The host ends a guest that has many more open than this. */
const MAX_CALLS = 200;

/** A number of places, taken in the order asked for. */
class Slots {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** Waits for a place; the result gives it back. */
  async take(): Promise<() => void> {
    if (this.#free > 0) this.#free -= 1;
    else {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      await promise;
    }
    return () => this.#release();
  }

  #release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}

/** The ways out of a guest. */
export interface Outbound extends EnvParts {
  /** The global fetch. */
  readonly fetch: typeof globalThis.fetch;
}

/** Puts the host at the bottom of the runtime's fetch. Called once, before the guest's code. */
export function createOutbound(options: OutboundOptions): Outbound {
  const slots = new Slots(MAX_CALLS);

  const open = async (request: OutboundRequest, target: Target): Promise<OutgoingCall> => {
    const { method, url, headers, body } = request;
    const length = headers.reduce((sum, text) => sum + text.length, url.length + method.length);
    if (length > HEADERS_LIMIT) throw new TypeError("Cannot call out: URL and headers are too long");
    const parent = options.parent();
    const release = await slots.take();
    const call = options.call({ ...target, parent, method, url, headers }, body);
    void call.settled.then(release);
    return call;
  };
  const platformFetch = options.platform.createFetch((request) =>
    open(request, { op: "outbound", binding: "", redirect: "manual" }),
  );

  const askBinding = async (binding: string, { signal, body, ...asked }: AskCall): Promise<AskAnswer> => {
    signal?.throwIfAborted();
    const call = await open({ ...asked, body }, { op: "binding", binding, redirect: "manual" });
    if (signal !== undefined) {
      const onAbort = () => call.cancel(signal.reason);
      if (signal.aborted) onAbort();
      signal.addEventListener("abort", onAbort);
      void call.settled.then(() => signal.removeEventListener("abort", onAbort));
    }
    const answer = await call.answer;
    const { status, headers } = answer.head as GuestAnswerHead;
    return { status, headers, body: answer.body };
  };

  const fetchBinding = async (binding: string, request: Request): Promise<Response> => {
    const { signal, method, body } = request;
    const url = request.url.replace(/#.*/s, "");
    if (!/^https?:/.test(url)) throw new TypeError("Cannot fetch: only URLs of http and https lead to a binding");
    const headers = toHeaderList(request.headers);
    const answer = await askBinding(binding, { method, url, headers, body, signal });
    return toResponse(answer, { body: answer.body, url, isRedirected: false });
  };

  const fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> =>
    await platformFetch(input, init).catch(rethrow);
  // As Web IDL counts: arguments that may be left out do not.
  Object.defineProperty(fetch, "length", { value: 1 });

  return {
    fetch,
    ask: (name) => (call) => askBinding(name, call).catch(rethrow),
    fetcher: (name) => ({
      fetch: async (input: string | URL | Request, init?: RequestInit): Promise<Response> =>
        await fetchBinding(name, new Request(input, init)).catch(rethrow),
    }),
  };
}

/** What the host says of a failed call, as the TypeError that fetch promises. */
function rethrow(error: unknown): never {
  const cause = error instanceof TypeError && error.cause !== undefined ? error.cause : error;
  throw cause instanceof RemoteError ? new TypeError(cause.wire.message) : error;
}
