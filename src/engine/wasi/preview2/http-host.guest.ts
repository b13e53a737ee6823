/**
 * The way out of a guest: what carries the requests that it makes.
 *
 * Whoever implements it decides what is allowed. A failure that should have a code of `wasi:http` is an HttpError;
 * everything else that is thrown becomes `internal-error` with its message.
 */

import type { Body, HeaderList, ResponseHead } from "../../../model/exchange.ts";

/** Where a request goes: to the network, or with `nebula-binding` to the binding that its authority names. */
export type HttpHostScheme = "http" | "https" | "nebula-binding";

/** A request that a guest makes. */
export interface HttpHostRequest {
  /** As on the wire: `GET`. */
  readonly method: string;
  /** `http`, `https`, or `nebula-binding`: then the authority is the name of a binding. */
  readonly scheme: HttpHostScheme;
  /** `example.com:8080`, or the name of a binding. */
  readonly authority: string;
  /** It begins with a slash. */
  readonly pathWithQuery: string;
  /** Without `host` and without what concerns one connection only. */
  readonly headers: HeaderList;
  /** A stream fails when the guest breaks the body off. */
  readonly body: Body;
  /** What comes after the body, if the guest sends something there. Undefined without a body. */
  readonly trailers: Promise<HeaderList | undefined> | undefined;
}

/** What a request may take. */
export interface HttpHostOptions {
  /** Aborts when the guest does not want the answer any more, or is over; the body of the answer ends then too. */
  readonly signal: AbortSignal;
  /** The longest that connecting may take; the other times are kept by the caller. Fails as `connection-timeout`. */
  readonly connectTimeoutMs: number | undefined;
}

/** What came back. */
export interface HttpHostAnswer {
  readonly head: ResponseHead;
  readonly body: Body;
  /** Settles after the last byte of the body. */
  readonly trailers?: Promise<HeaderList | undefined> | undefined;
  /** What a failure of the body means: an HttpError where it has a code of `wasi:http`. */
  explain?(thrown: unknown): unknown;
}

/** Carries requests. */
export interface HttpHost {
  /** Settles when the answer's head is known. @throws {HttpError} with the code that the guest gets. */
  send(request: HttpHostRequest, options: HttpHostOptions): Promise<HttpHostAnswer>;
}
