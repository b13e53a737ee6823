/**
 * The resources `incoming-body` and `future-trailers` of `wasi:http/types`.
 *
 *     incoming-body ── stream() ──▶ input-stream        once; it must be dropped before the body
 *           └──────── finish() ──▶ future-trailers      what was not read is read and dropped first
 *
 * @see https://github.com/WebAssembly/wasi-http/blob/v0.2.0/wit/types.wit
 */

import type { Body, HeaderList } from "../../../model/exchange.ts";
import type { HostFunctions } from "../component/host-function.guest.ts";
import { type ByteSource, bytesSource, emptySource, streamSource } from "../streams.guest.ts";
import { Fields } from "./fields.guest.ts";
import { type ErrorCode, toErrorCode } from "./http-error-code.guest.ts";
import { Pollable } from "./poll.guest.ts";
import { type InputSource, Reader } from "./reader.guest.ts";
import { type Waitable, Waiters } from "./readiness.guest.ts";
import { Children, err, FAILED, method, ok, type Result, resource } from "./result.guest.ts";
import { InputStream } from "./streams.guest.ts";

/** A body that comes, and what comes after it. */
export interface IncomingContent {
  readonly body: Body | ByteSource;
  /** Settles after the last byte of the body. */
  readonly trailers?: Promise<HeaderList | undefined> | undefined;
}

/** A source over whatever form a body has. Cancelling it cancels the stream. */
export function toSource(body: Body | ByteSource): InputSource {
  if (body === null) return emptySource();
  if (body instanceof Uint8Array) return bytesSource(body);
  return body instanceof ReadableStream ? streamSource(body) : body;
}

/** The resource `incoming-body`. */
export class IncomingBody implements Disposable {
  readonly #content: IncomingContent;
  readonly #reader: Reader;
  readonly #children = new Children();
  #isTaken = false;
  #isDone = false;

  constructor(content: IncomingContent) {
    this.#content = content;
    this.#reader = new Reader(toSource(content.body));
  }

  stream(): Result<InputStream, undefined> {
    if (this.#isTaken) return FAILED;
    this.#isTaken = true;
    this.#children.add();
    return ok(new InputStream(this.#reader, () => this.#children.remove()));
  }

  /** @throws {WebAssembly.RuntimeError} when its stream is alive. */
  finish(): FutureTrailers {
    this.#children.expectNone("an incoming-body");
    this.#isDone = true;
    return new FutureTrailers(this.#reader, this.#content.trailers);
  }

  /** Nobody reads it any more. */
  cancel(): void {
    this.#reader.cancel();
  }

  /** @throws {WebAssembly.RuntimeError} when its stream is alive. */
  [Symbol.dispose](): void {
    this.#children.expectNone("an incoming-body");
    if (!this.#isDone) this.#reader.cancel();
    this.#isDone = true;
  }
}

type Trailers = Result<Fields | undefined, ErrorCode>;

/** The resource `future-trailers`. The rest of the body is read once somebody asks. */
export class FutureTrailers implements Waitable, Disposable {
  readonly waiters = new Waiters();
  readonly #reader: Reader;
  readonly #trailers: Promise<HeaderList | undefined> | undefined;
  #hasStarted = false;
  #outcome: Trailers | undefined;
  #isTaken = false;

  constructor(reader: Reader, trailers: Promise<HeaderList | undefined> | undefined) {
    this.#reader = reader;
    this.#trailers = trailers;
  }

  isReady(): boolean {
    this.#start();
    return this.#outcome !== undefined;
  }

  get(): Result<Trailers, undefined> | undefined {
    this.#start();
    if (this.#outcome === undefined) return undefined;
    if (this.#isTaken) return FAILED;
    this.#isTaken = true;
    return ok(this.#outcome);
  }

  [Symbol.dispose](): void {
    if (this.#outcome === undefined) this.#reader.cancel();
  }

  #start(): void {
    if (this.#hasStarted) return;
    this.#hasStarted = true;
    if (this.#reader.isOver && this.#trailers === undefined) this.#outcome = ok(undefined);
    else void this.#collect();
  }

  async #collect(): Promise<void> {
    try {
      await this.#reader.drain();
      const list = await this.#trailers;
      this.#outcome = ok(list === undefined ? undefined : Fields.fromList(list));
    } catch (thrown) {
      this.#outcome = err(toErrorCode(thrown));
    }
    this.waiters.wakeAll();
  }
}

/** The functions of both resources. */
export const INCOMING_BODY: HostFunctions = {
  "[method]incoming-body.stream": method(IncomingBody, (self) => self.stream()),
  "[static]incoming-body.finish": (body: unknown) => resource(IncomingBody, body).finish(),
  "[method]future-trailers.subscribe": method(FutureTrailers, (self) => new Pollable(self)),
  "[method]future-trailers.get": method(FutureTrailers, (self) => self.get()),
};
