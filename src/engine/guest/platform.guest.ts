/**
 * What the guest code needs of the JavaScript runtime that it runs on, beyond what all of them have: the web's API and the
 * `node:` modules. One file for each runtime; everything else in a guest is the same on all of them.
 */

import type { OutgoingCall } from "../../frames/outgoing-call.ts";
import type { Body } from "../../model/exchange.ts";

/** A request on the way to the host. */
export interface OutboundRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly string[];
  readonly body: Body;
}

/** Takes one request to the host; a redirect comes back as the answer that it is. */
export type SendOut = (request: OutboundRequest) => Promise<OutgoingCall>;

/** Who learns of what nobody caught. */
export interface UncaughtListener {
  onException(error: unknown): void;
  onRejection(reason: unknown, promise: Promise<unknown>): void;
  /** A rejection that was told of has been handled after all. */
  onRejectionHandled(promise: Promise<unknown>): void;
}

/** One runtime. Each method is called once, before the function's code and in this order. */
export interface Platform {
  /** The runtime's look-up of its `node:` modules, to be kept from the function. */
  takeBuiltins(): (name: string) => unknown;
  catchUncaught(listener: UncaughtListener): void;
  /** The runtime's `fetch`, with `send` as its only way out from now on. */
  createFetch(send: SendOut): typeof globalThis.fetch;
  /** Takes from the global scope, and from `process` itself, what no function may use. */
  removeGlobals(): void;
}
