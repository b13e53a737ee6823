/**
 * `wasi:io/streams`: the two resources, over a Reader and a Writer.
 *
 * What may block answers at once whenever it can: then the program is not suspended.
 *
 * @see https://github.com/WebAssembly/wasi-io/blob/v0.2.0/wit/streams.wit
 */

import { type HostFunctions, suspending } from "../component/host-function.guest.ts";
import type { StreamError } from "./io-error.guest.ts";
import { childPollable, type Pollable } from "./poll.guest.ts";
import { LOOK_AHEAD_BYTES, type Reader } from "./reader.guest.ts";
import { whenReady } from "./readiness.guest.ts";
import { Children, err, method, OK, ok, type Result, resource, toLength, trap } from "./result.guest.ts";
import { BUDGET_BYTES, type Writer } from "./writer.guest.ts";

/** What `blocking-write-and-flush` takes at once. */
const BLOCKING_WRITE_BYTES = 4096;

type Later<T> = T | Promise<T>;

/** The resource `input-stream`. */
export class InputStream implements Disposable {
  readonly #reader: Reader;
  readonly #children = new Children();
  #onDrop: (() => void) | undefined;

  constructor(reader: Reader, onDrop?: () => void) {
    this.#reader = reader;
    this.#onDrop = onDrop;
  }

  /** What it reads from, for those who wait for it. */
  get reader(): Reader {
    return this.#reader;
  }

  read(length: bigint): Result<Uint8Array, StreamError> {
    return this.#reader.read(toLength(length, LOOK_AHEAD_BYTES));
  }

  blockingRead(length: bigint): Later<Result<Uint8Array, StreamError>> {
    if (length === 0n) return this.read(length);
    return whenReady(this.#reader, () => this.read(length));
  }

  skip(length: bigint): Result<bigint, StreamError> {
    return toSkipped(this.read(length));
  }

  blockingSkip(length: bigint): Later<Result<bigint, StreamError>> {
    const result = this.blockingRead(length);
    return result instanceof Promise ? result.then(toSkipped) : toSkipped(result);
  }

  subscribe(): Pollable {
    return childPollable(this.#reader, this.#children);
  }

  /** @throws {WebAssembly.RuntimeError} when a pollable of it is alive. */
  [Symbol.dispose](): void {
    this.#children.expectNone("an input-stream");
    const onDrop = this.#onDrop;
    this.#onDrop = undefined;
    onDrop?.();
  }
}

function toSkipped(result: Result<Uint8Array, StreamError>): Result<bigint, StreamError> {
  return result.tag === "ok" ? ok(BigInt(result.val.length)) : result;
}

/** The resource `output-stream`. */
export class OutputStream implements Disposable {
  readonly #writer: Writer;
  readonly #children = new Children();
  #onDrop: (() => void) | undefined;

  constructor(writer: Writer, onDrop?: () => void) {
    this.#writer = writer;
    this.#onDrop = onDrop;
  }

  checkWrite(): Result<bigint, StreamError> {
    return this.#writer.checkWrite();
  }

  write(bytes: Uint8Array): Result<undefined, StreamError> {
    return this.#writer.write(bytes);
  }

  writeZeroes(length: bigint): Result<undefined, StreamError> {
    // One more than can be permitted is enough to break the contract.
    return this.#writer.write(new Uint8Array(toLength(length, BUDGET_BYTES + 1)));
  }

  flush(): Result<undefined, StreamError> {
    return this.#writer.flush();
  }

  blockingFlush(): Later<Result<undefined, StreamError>> {
    const result = this.#writer.flush();
    return result.tag === "err" ? result : whenReady(this.#writer, () => this.#outcome());
  }

  blockingWriteAndFlush(bytes: Uint8Array): Later<Result<undefined, StreamError>> {
    if (bytes.length > BLOCKING_WRITE_BYTES) trap("blocking-write-and-flush: more than 4096 bytes");
    return this.#writeAllAndFlush(bytes);
  }

  blockingWriteZeroesAndFlush(length: bigint): Later<Result<undefined, StreamError>> {
    if (length > BigInt(BLOCKING_WRITE_BYTES)) trap("blocking-write-zeroes-and-flush: more than 4096 bytes");
    return this.#writeAllAndFlush(new Uint8Array(Number(length)));
  }

  splice(source: InputStream, length: bigint): Result<bigint, StreamError> {
    const permit = this.#writer.checkWrite();
    if (permit.tag === "err") return permit;
    const bytes = source.read(length < permit.val ? length : permit.val);
    if (bytes.tag === "err") return bytes;
    const written = this.#writer.write(bytes.val.slice());
    return written.tag === "err" ? written : ok(BigInt(bytes.val.length));
  }

  blockingSplice(source: InputStream, length: bigint): Later<Result<bigint, StreamError>> {
    const splice = () => this.splice(source, length);
    return whenReady(this.#writer, () => (length === 0n ? splice() : whenReady(source.reader, splice)));
  }

  subscribe(): Pollable {
    return childPollable(this.#writer, this.#children);
  }

  /** @throws {WebAssembly.RuntimeError} when a pollable of it is alive. */
  [Symbol.dispose](): void {
    this.#children.expectNone("an output-stream");
    const onDrop = this.#onDrop;
    this.#onDrop = undefined;
    onDrop?.();
  }

  #writeAllAndFlush(bytes: Uint8Array): Later<Result<undefined, StreamError>> {
    return whenReady(this.#writer, () => {
      const permit = this.#writer.checkWrite();
      if (permit.tag === "err") return permit;
      const count = Math.min(bytes.length, Number(permit.val));
      const result = this.#writer.write(bytes.subarray(0, count));
      if (result.tag === "err") return result;
      return count < bytes.length ? this.#writeAllAndFlush(bytes.subarray(count)) : this.#flushWritten();
    });
  }

  /** A sink that closes over these bytes has taken them: that is no failure of this call. */
  #flushWritten(): Later<Result<undefined, StreamError>> {
    const result = this.#writer.flush();
    if (result.tag === "err") return forgiveClosed(result);
    return whenReady(this.#writer, () => forgiveClosed(this.#outcome()));
  }

  /** Whether the writer has failed by now. */
  #outcome(): Result<undefined, StreamError> {
    const result = this.#writer.checkWrite();
    return result.tag === "err" ? result : OK;
  }
}

function forgiveClosed(result: Result<undefined, StreamError>): Result<undefined, StreamError> {
  return result.tag === "err" && result.val.tag === "last-operation-failed" ? err(result.val) : OK;
}

/** `wasi:io/streams`. */
export const STREAMS: HostFunctions = {
  "[method]input-stream.read": method(InputStream, (self, length: bigint) => self.read(length)),
  "[method]input-stream.blocking-read": suspending(
    method(InputStream, (self, length: bigint) => self.blockingRead(length)),
  ),
  "[method]input-stream.skip": method(InputStream, (self, length: bigint) => self.skip(length)),
  "[method]input-stream.blocking-skip": suspending(
    method(InputStream, (self, length: bigint) => self.blockingSkip(length)),
  ),
  "[method]input-stream.subscribe": method(InputStream, (self) => self.subscribe()),
  "[method]output-stream.check-write": method(OutputStream, (self) => self.checkWrite()),
  "[method]output-stream.write": method(OutputStream, (self, bytes: Uint8Array) => self.write(bytes)),
  "[method]output-stream.blocking-write-and-flush": suspending(
    method(OutputStream, (self, bytes: Uint8Array) => self.blockingWriteAndFlush(bytes)),
  ),
  "[method]output-stream.flush": method(OutputStream, (self) => self.flush()),
  "[method]output-stream.blocking-flush": suspending(method(OutputStream, (self) => self.blockingFlush())),
  "[method]output-stream.subscribe": method(OutputStream, (self) => self.subscribe()),
  "[method]output-stream.write-zeroes": method(OutputStream, (self, length: bigint) => self.writeZeroes(length)),
  "[method]output-stream.blocking-write-zeroes-and-flush": suspending(
    method(OutputStream, (self, length: bigint) => self.blockingWriteZeroesAndFlush(length)),
  ),
  "[method]output-stream.splice": method(OutputStream, (self, source: unknown, length: bigint) =>
    self.splice(resource(InputStream, source), length),
  ),
  "[method]output-stream.blocking-splice": suspending(
    method(OutputStream, (self, source: unknown, length: bigint) =>
      self.blockingSplice(resource(InputStream, source), length),
    ),
  ),
};
