/**
 * One request to a program that reads standard input and writes standard output, whatever kind of Wasm it is.
 *
 *     made ─▶ running ─▶ answered          it may wait in between: for its input, a reader of its output, a clock
 *
 * What the program writes is kept until it ends, is much, or waits; until then a failure is still a clean one.
 */

import type { Body, RequestHead, ResponseHead } from "../../model/exchange.ts";
import type { WasiSettings } from "../../model/function.ts";
import { ANY_VARIABLE, toStdio, toStdioHead } from "../../model/stdio.ts";
import { readCgiHead, toCgi } from "./cgi.guest.ts";
import type { WasiClock } from "./clock.guest.ts";
import { explainTrap, ProgramFailure } from "./failures.guest.ts";
import { keepState } from "./keep-state.guest.ts";
import { LogLines } from "./log-lines.guest.ts";
import { Output } from "./output.guest.ts";
import type { ProgramAnswer, ProgramCall } from "./program.guest.ts";
import type { ProgramFiles } from "./program-files.guest.ts";
import type { ProgramIo } from "./program-io.guest.ts";
import { Stopwatch } from "./stopwatch.guest.ts";
import { type ByteSource, bytesSource, emptySource, streamSource } from "./streams.guest.ts";

/** What a program is given, and what it is watched by. */
export interface InvocationIo extends ProgramIo {
  /** Knows when the program waits; streams and clock tell it themselves. */
  readonly watch: Stopwatch;
}

/** A fresh instance. */
export interface ProgramInstance {
  /** Runs it to its end and gives its exit code. Rejects with what stopped it. */
  run(options: { signal: AbortSignal }): Promise<number>;
  /** What its memory has grown to and may grow to, where that is known. */
  memory(): { readonly bytes: number; readonly limitBytes: number } | undefined;
  /** Takes back what it was made of; nothing of it runs any more. */
  release(): void;
}

/** What is the same for all requests to a program. */
export interface ProgramSettings {
  readonly name: string;
  readonly settings: WasiSettings;
  /** Variables of the configuration, as text. */
  readonly vars: Readonly<Record<string, string>>;
  readonly logBytes: number;
  readonly clock: WasiClock;
  random(bytes: Uint8Array): void;
  readonly files: ProgramFiles;
}

/** A program as an invocation sees it. */
export interface InvocationParts extends ProgramSettings {
  /** Makes an instance. Throws what V8 throws, or a ProgramFailure. */
  make(io: InvocationIo, call: ProgramCall): ProgramInstance;
}

/** Answers one request with a fresh instance. */
export async function invokeProgram(
  parts: InvocationParts,
  head: RequestHead,
  call: ProgramCall,
): Promise<ProgramAnswer> {
  return await new Invocation(parts, head, call).run();
}

class Invocation {
  readonly #parts: InvocationParts;
  readonly #head: RequestHead;
  readonly #call: ProgramCall;
  readonly #watch = new Stopwatch();
  readonly #output = new Output();
  readonly #stderr: LogLines;
  readonly #answer = Promise.withResolvers<ProgramAnswer>();
  #startMs = 0;
  #isAnswered = false;
  #isListening = false;

  constructor(parts: InvocationParts, head: RequestHead, call: ProgramCall) {
    this.#parts = parts;
    this.#head = head;
    this.#call = call;
    this.#stderr = new LogLines(call.log, parts.logBytes);
    this.#watch.onWait = () => this.#onWait();
    this.#output.wait = (drained) => this.#watch.wait(drained);
    this.#output.onCancel = () => this.#watch.stop(nobodyWaits());
  }

  async run(): Promise<ProgramAnswer> {
    // The request is over when the program is, whoever has left before.
    this.#call.hold(this.#run());
    return await this.#answer.promise;
  }

  async #run(): Promise<void> {
    let instance: ProgramInstance | undefined;
    try {
      const made = this.#parts.make(this.#createIo(), this.#call);
      instance = made;
      this.#startMs = this.#watch.busyMs;
      const code = await this.#watch.run(() => made.run(this.#call));
      if (code !== 0) throw new ProgramFailure("exited", String(code), this.#stderr.tail);
      await this.#keep();
      this.#finish();
    } catch (thrown) {
      this.#parts.files.state?.revert();
      this.#finish(explainTrap(thrown, instance?.memory()));
    }
    instance?.release();
  }

  #createIo(): InvocationIo {
    const { name, settings, vars, clock, random, files } = this.#parts;
    const body = this.#call.takeBody();
    const url = new URL(this.#head.url);
    const bodyBytes = body === null ? 0 : body instanceof Uint8Array ? body.byteLength : undefined;
    const asked = { head: this.#head, url, settings, vars, name, bodyBytes };
    const start =
      settings.interface === "cgi"
        ? { ...toCgi(asked), input: undefined }
        : toStdio({ ...asked, args: [name, ...settings.args], variable: ANY_VARIABLE });
    return {
      args: start.args,
      env: start.env,
      stdin: this.#watch.source(toSource(body, start.input)),
      stdout: this.#output,
      stderr: this.#stderr,
      preopens: files.open(),
      clock: this.#watch.clock(clock),
      random,
      watch: this.#watch,
    };
  }

  /** What is acknowledged is kept: the answer ends when the host has the state directory on disk. */
  async #keep(): Promise<void> {
    const kept = keepState(this.#parts.files.state, this.#call);
    if (kept === undefined) return;
    // The answer waits for this too: until then the request may still fail.
    this.#watch.onWait = () => {};
    await this.#watch.wait(kept);
  }

  /** The program waits. What it has written so far may go out, if that says how the answer begins. */
  #onWait(): void {
    this.#listen();
    if (this.#isAnswered || this.#output.keptBytes === 0) return;
    const kept = this.#output.take();
    try {
      const found = this.#readHead(kept, { isWhole: false });
      if (found !== undefined) this.#send(found.head, this.#output.stream(found.bodyStart));
    } catch (thrown) {
      this.#watch.stop(thrown);
    }
  }

  /** A program that waits can be stopped. One that does not wait is not held up by asking for the signal. */
  #listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    const { signal } = this.#call;
    const stop = () => this.#watch.stop(nobodyWaits());
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop);
  }

  #readHead(
    kept: Uint8Array,
    { isWhole }: { isWhole: boolean },
  ): { head: ResponseHead; bodyStart: number } | undefined {
    if (this.#parts.settings.interface === "cgi") return readCgiHead(kept, { isWhole });
    return { head: toStdioHead(kept), bodyStart: 0 };
  }

  #finish(failure?: unknown): void {
    this.#stderr.flush();
    if (this.#isAnswered) this.#output.end(failure);
    else if (failure !== undefined) this.#answer.reject(failure);
    else this.#sendWhole();
  }

  #sendWhole(): void {
    try {
      const kept = this.#output.take();
      const found = this.#readHead(kept, { isWhole: true });
      if (found !== undefined) this.#send(found.head, kept.subarray(found.bodyStart));
    } catch (thrown) {
      this.#answer.reject(thrown);
    }
  }

  #send(head: ResponseHead, body: Uint8Array | ReadableStream<Uint8Array>): void {
    this.#isAnswered = true;
    const isEmpty = body instanceof Uint8Array && body.byteLength === 0;
    if (this.#head.method === "HEAD") this.#output.discard();
    this.#answer.resolve({
      head: { ...head, startMs: this.#startMs, busyMs: this.#watch.busyMs },
      body: isEmpty || this.#head.method === "HEAD" ? null : body,
    });
  }
}

/** What a program is stopped with when its answer has nowhere to go. */
function nobodyWaits(): Error {
  return new DOMException("Nobody waits for the answer any more", "AbortError");
}

/** Standard input: the request's body, or the text that stands in for it. */
function toSource(body: Body, input: string | undefined): ByteSource {
  if (body instanceof Uint8Array && body.byteLength > 0) return bytesSource(body);
  if (body instanceof ReadableStream) return streamSource(body);
  return input === undefined ? emptySource() : bytesSource(new TextEncoder().encode(input));
}
