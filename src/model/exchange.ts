/**
 * One request and its answer as plain data: what crosses process borders.
 *
 * The host never builds web Request and Response objects on the way through; a guest makes them on its side.
 */

import type { Target } from "./service.ts";

/** Names and values in turn, as on the wire: `["content-type", "text/plain", "set-cookie", "a=1"]`. Names are lower case. */
export type HeaderList = readonly string[];

/** Nothing, everything at once, or bytes as they come. A stream is cancelled by whoever stops reading it. */
export type Body = null | Uint8Array | ReadableStream<Uint8Array>;

/** A request without its body. */
export interface RequestHead {
  readonly method: string;
  /** Absolute: `http://host/path?query`. */
  readonly url: string;
  readonly headers: HeaderList;
  /** What a client has before the URL's path, `/fn/hello`; absent where the function has a host of its own. */
  readonly basePath?: string;
}

/** A response without its body. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: HeaderList;
}

/** A request with its body. `signal` aborts when whoever asked has left. */
export interface Call {
  readonly head: RequestHead;
  readonly body: Body;
  readonly signal: AbortSignal;
  /** What comes after the body, once that is over. Never rejects; absent when nothing can come. */
  readonly trailers?: Promise<HeaderList | undefined> | undefined;
  /** The functions through which it came, the first first; absent when it came from outside. */
  readonly callers?: readonly string[] | undefined;
  /** The id of the request from outside that it belongs to; absent when it is that one. */
  readonly rootId?: string | undefined;
  /** What of the function is asked, if not its default export with a request. */
  readonly target?: Target | undefined;
  /** The protocol that the client would rather speak from here on (RFC 9110, section 7.8): `websocket`. */
  readonly upgrade?: string | undefined;
}

/** Bytes both ways, after the answer 101. Whoever ends one side or cancels it says so to the other. */
export interface Tunnel {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** A response whose body may still be coming. */
export interface Answer {
  readonly head: ResponseHead;
  readonly body: Body;
  /** What comes after the body, once that is over: undefined when nothing does. Rejects as the body does. */
  readonly trailers?: Promise<HeaderList | undefined> | undefined;
  /** With status 101 only, in place of the body. */
  readonly tunnel?: Tunnel | undefined;
}

/** Methods that ask for no change, so that a request may be made twice (RFC 9110, section 9.2.1). */
export const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** The first value of a header, by its lower-case name. */
export function findHeader(headers: HeaderList, name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === name) return headers[i + 1];
  }
  return undefined;
}
