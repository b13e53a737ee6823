/**
 * Calls that leave a guest: the global `fetch`, and bindings that are reached through it. All of them go to the host.
 */

import type { Body, HeaderList } from "../../model/exchange.ts";
import type { OutgoingCall } from "../frames/outgoing-call.ts";
import { RemoteError } from "../frames/outgoing-call.ts";
import type { GuestAnswerHead, GuestCallHead } from "./protocol.ts";
import { toHeaderList, toResponse } from "./web.guest.ts";

/** How a call reaches the host. */
export interface OutboundOptions {
  call(head: GuestCallHead, body: Body): OutgoingCall;
  /** The stream of the invocation that is running, or 0. */
  parent(): number;
}

/** URLs that name something inside the isolate: Node answers them without a network. */
const LOCAL = /^(?:data|blob|about):/i;

/** The global `fetch` of a guest: the host asks the network for it. */
export function createOutbound(options: OutboundOptions) {
  const nodeFetch = globalThis.fetch;

  const send = async (request: Request, target: { op: "binding" | "outbound"; binding: string }): Promise<Response> => {
    const { signal } = request;
    signal.throwIfAborted();
    const headers: HeaderList = toHeaderList(request.headers);
    const head = {
      ...target,
      parent: options.parent(),
      method: request.method,
      url: request.url,
      headers,
      redirect: request.redirect,
    };
    const call = options.call(head, request.body);
    const onAbort = () => call.cancel(signal.reason);
    signal.addEventListener("abort", onAbort);
    void call.settled.then(() => signal.removeEventListener("abort", onAbort));
    try {
      const answer = await call.answer;
      const answerHead = answer.head as GuestAnswerHead;
      const url = answerHead.url ?? request.url;
      return toResponse(answerHead, { body: answer.body, url, isRedirected: url !== request.url });
    } catch (error) {
      if (error instanceof RemoteError) throw new TypeError(error.wire.message);
      throw error;
    }
  };

  return {
    fetch: async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
      const request = new Request(input, init);
      return LOCAL.test(request.url) ? await nodeFetch(request) : await send(request, { op: "outbound", binding: "" });
    },
    /** A binding that answers requests: `env.NAME.fetch`. */
    binding: (name: string) => ({
      fetch: async (input: string | URL | Request, init?: RequestInit): Promise<Response> =>
        await send(new Request(input, init), { op: "binding", binding: name }),
    }),
  };
}
