/**
 * The resource `outgoing-body` of `wasi:http/types`.
 *
 * A body whose headers promise a length must have it: a write beyond it fails, and so does a `finish` before it.
 * One that is dropped without `finish` fails for whoever reads it.
 *
 * @see https://github.com/WebAssembly/wasi-http/blob/v0.2.0/wit/types.wit
 */

import type { HeaderList } from "../../../model/exchange.ts";
import type { HostFunctions } from "../component/host-function.guest.ts";
import { BodyPipe } from "./body-pipe.guest.ts";
import { Fields } from "./fields.guest.ts";
import { type ErrorCode, errorCode, HttpError } from "./http-error-code.guest.ts";
import { Children, err, FAILED, method, OK, ok, type Result, resource } from "./result.guest.ts";
import { OutputStream } from "./streams.guest.ts";
import { Writer } from "./writer.guest.ts";

/** Whose body it is, which names the error of a wrong length. */
export type BodyOwner = "request" | "response";

/** The resource `outgoing-body`. */
export class OutgoingBody implements Disposable {
  /** Where the bytes go. */
  readonly pipe = new BodyPipe();
  readonly #owner: BodyOwner;
  readonly #expected: bigint | undefined;
  readonly #trailers = Promise.withResolvers<HeaderList | undefined>();
  readonly #children = new Children();
  readonly #writer: Writer;
  #written = 0n;
  #isTaken = false;
  #isOver = false;
  #hasNoTrailers = false;

  /** `expected` is what `content-length` says. */
  constructor(owner: BodyOwner, expected: bigint | undefined) {
    this.#owner = owner;
    this.#expected = expected;
    this.#writer = new Writer({ write: (bytes) => this.#accept(bytes) });
  }

  /** Fulfils when the body is over; undefined at once when it is, and there are none. */
  get trailers(): Promise<HeaderList | undefined> | undefined {
    return this.#hasNoTrailers ? undefined : this.#trailers.promise;
  }

  write(): Result<OutputStream, undefined> {
    if (this.#isTaken) return FAILED;
    this.#isTaken = true;
    this.#children.add();
    return ok(new OutputStream(this.#writer, () => this.#children.remove()));
  }

  /** @throws {WebAssembly.RuntimeError} when its stream is alive. */
  finish(trailers: Fields | undefined): Result<undefined, ErrorCode> {
    this.#children.expectNone("an outgoing-body");
    const error = this.#findSizeError();
    if (error !== undefined) {
      this.end(error);
      return err(error.code);
    }
    this.#close(trailers?.toList(), () => this.pipe.finish());
    return OK;
  }

  /** The guest is over and has not finished it: the body ends here if it is as long as promised, or fails. */
  end(failure: unknown): void {
    const cause = failure ?? this.#findSizeError();
    this.#close(undefined, () => (cause === undefined ? this.pipe.finish() : this.pipe.fail(cause)));
  }

  /** @throws {WebAssembly.RuntimeError} when its stream is alive. */
  [Symbol.dispose](): void {
    this.#children.expectNone("an outgoing-body");
    this.end(new HttpError(errorCode("HTTP-protocol-error"), "the body was dropped before it was finished"));
  }

  #close(trailers: HeaderList | undefined, then: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#writer.whenIdle(() => {
      then();
      this.#hasNoTrailers = trailers === undefined;
      this.#trailers.resolve(trailers);
    });
  }

  #accept(bytes: Uint8Array): void | Promise<void> {
    this.#written += BigInt(bytes.length);
    if (this.#expected !== undefined && this.#written > this.#expected) throw this.#sizeError();
    return this.pipe.write(bytes);
  }

  #findSizeError(): HttpError | undefined {
    return this.#expected === undefined || this.#written === this.#expected ? undefined : this.#sizeError();
  }

  #sizeError(): HttpError {
    return new HttpError({ tag: `HTTP-${this.#owner}-body-size`, val: this.#written });
  }
}

/** The functions of the resource. */
export const OUTGOING_BODY: HostFunctions = {
  "[method]outgoing-body.write": method(OutgoingBody, (self) => self.write()),
  "[static]outgoing-body.finish": (body: unknown, trailers: unknown) =>
    resource(OutgoingBody, body).finish(trailers === undefined ? undefined : resource(Fields, trailers)),
};
