/**
 * `wasi:io/error`: why a stream failed, and what `wasi:filesystem` and `wasi:http` can read out of it.
 *
 * @see https://github.com/WebAssembly/wasi-io/blob/v0.2.0/wit/error.wit
 */

import type { HostFunctions } from "../component/host-function.guest.ts";
import { FileError } from "../files/file-error.guest.ts";
import { method, type Variant } from "./result.guest.ts";

/** The resource `error`. `cause` is what was thrown: another interface may know more of it. */
export class IoError {
  readonly cause: unknown;

  constructor(cause: unknown) {
    this.cause = cause;
  }

  /** Words for people. */
  toDebugString(): string {
    if (this.cause instanceof FileError) return this.cause.code;
    return this.cause instanceof Error ? this.cause.message : String(this.cause);
  }
}

/** What a stream is thrown by its source or sink when the other end is gone: no failure, only the end. */
export class StreamClosed extends Error {
  override readonly name = "StreamClosed";
}

/** The variant `stream-error`. */
export type StreamError = Variant<"last-operation-failed", IoError> | Variant<"closed">;

/** The case `closed`. */
export const CLOSED: StreamError = Object.freeze({ tag: "closed", val: undefined });

/** What a stream answers of a failure: once what happened, from then on `closed`. */
export class Failure {
  #isOver = false;
  #cause: unknown;
  #hasCause = false;

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The stream ends, with a failure or without. */
  end(cause?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cause = cause;
    this.#hasCause = cause !== undefined && !(cause instanceof StreamClosed);
  }

  /** The error of the next operation on a stream that is over. */
  take(): StreamError {
    if (!this.#hasCause) return CLOSED;
    this.#hasCause = false;
    return { tag: "last-operation-failed", val: new IoError(this.#cause) };
  }
}

/** `wasi:io/error`. */
export const ERROR: HostFunctions = {
  "[method]error.to-debug-string": method(IoError, (self) => self.toDebugString()),
};
