/**
 * One request to a program that reads standard input and writes standard output: a container from beginning to end.
 *
 *     created ─▶ running ─▶ ended ─▶ removed
 *
 * What it writes is kept until it ends, is much, or nothing more comes for a moment; until then a failure is still a
 * clean one.
 */

import type { Duplex } from "node:stream";
import { NebulaError, toNebulaError } from "../../model/errors.ts";
import type { Body, Call } from "../../model/exchange.ts";
import type { FunctionSpec } from "../../model/function.ts";
import type { Clock } from "../../model/ports.ts";
import { toStdioHead } from "../../model/stdio.ts";
import type { FetchOptions, InstanceAnswer } from "../engine.ts";
import { clientGone, describeFailed, guestExited, responseTooLarge, wallBroken } from "../failures.ts";
import type { Container } from "./container.ts";
import { attachContainer, inspectContainer, startContainer, waitForExit } from "./containers.ts";
import type { Docker } from "./docker.ts";
import { findTrouble } from "./docker-error.ts";
import { drained } from "./drained.ts";
import { toExitError } from "./exit-error.ts";
import { LineCutter } from "./lines.ts";
import { Demultiplexer, type OutputName } from "./output.ts";
import { toStartFailed } from "./start-failed.ts";

/** What is run, for whom. */
export interface StdioRunParts extends FetchOptions {
  readonly docker: Docker;
  readonly container: Container;
  readonly spec: FunctionSpec;
  readonly clock: Clock;
  readonly call: Call;
  /** Standard input in place of an empty body. */
  readonly input: string | undefined;
  /** What is left of `limits.wallMs` for the head. */
  readonly wallMs: number;
}

/** This much is kept before the head is sent, and then at most between the program and its reader. */
const KEPT_BYTES = 65_536;
/** A program that has written something and then nothing for so long has something to be read. */
const QUIET_MS = 100;
const TAIL_CHARS = 1_000;

/** One request on its way through its container. */
export class StdioRun {
  readonly #parts: StdioRunParts;
  readonly #answer = Promise.withResolvers<InstanceAnswer>();
  readonly #settled = Promise.withResolvers<void>();
  readonly #stop = new AbortController();
  readonly #onAbort = () => this.break(clientGone("response"));
  readonly #lines = new LineCutter();
  #kept: Uint8Array[] = [];
  #bytes = 0;
  #leftLogBytes: number;
  #tail = "";
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #socket: Duplex | undefined;
  #timer: Disposable | undefined;
  #quiet: Disposable | undefined;
  #broken: NebulaError | undefined;
  #startMs = 0;
  /** Whoever makes the request again may do so twice: what Docker says no more of may have been done. */
  #mayHaveRun = false;

  constructor(parts: StdioRunParts) {
    this.#parts = parts;
    this.#leftLogBytes = parts.spec.limits.logBytes;
    // because the body may be the first to know
    this.#answer.promise.catch(() => {});
  }

  /** What its start took, once it is up. */
  get startMs(): number {
    return this.#startMs;
  }

  /** Fulfils when nothing of it goes on any more, and its container is gone. */
  get whenOver(): Promise<void> {
    return this.#settled.promise;
  }

  /** Runs it; settles when the head is known. */
  async run(): Promise<InstanceAnswer> {
    const { call, wallMs } = this.#parts;
    this.#limitWall(wallMs);
    if (call.signal.aborted) this.#onAbort();
    call.signal.addEventListener("abort", this.#onAbort);
    void this.#run();
    return await this.#answer.promise;
  }

  /** Ends it, whatever it is doing. */
  break(error: NebulaError): void {
    this.#broken ??= error;
    this.#answer.reject(this.#broken);
    this.#stop.abort(this.#broken);
    this.#socket?.destroy();
  }

  async #run(): Promise<void> {
    const { container, call } = this.#parts;
    try {
      await this.#runProgram();
      this.#finish();
    } catch (thrown) {
      this.#finish(this.#broken ?? this.#toFailure(thrown));
    } finally {
      this.#timer?.[Symbol.dispose]();
      this.#quiet?.[Symbol.dispose]();
      call.signal.removeEventListener("abort", this.#onAbort);
      await container.remove();
      this.#settled.resolve();
    }
  }

  async #runProgram(): Promise<void> {
    const { docker, container, call, input, spec } = this.#parts;
    const { signal } = this.#stop;
    const { clock } = this.#parts;
    const beganAtMs = clock.nowMs();
    const socket = await attachContainer(docker, container.id, { hasInput: true, signal });
    this.#socket = socket;
    signal.throwIfAborted();
    const printed = this.#read(socket);
    await this.#start();
    this.#startMs = clock.nowMs() - beganAtMs;
    this.#write(socket, toInput(call.body, input)).catch((thrown: unknown) =>
      this.break(clientGone("request", thrown)),
    );
    await waitForExit(docker, container.id, { signal });
    await printed;
    const { exit } = await inspectContainer(docker, container.id, { signal });
    signal.throwIfAborted();
    this.#log(this.#lines.flush());
    if (exit.code === 0) return;
    const what = describeFailed(spec.name, { hasHead: this.#controller !== undefined });
    if (exit.wasOutOfMemory) throw toExitError(exit, { spec, what });
    throw new NebulaError("NEBULA_EXIT_CODE", `${what}: its program ended with exit code ${exit.code}`, {
      details: { function: spec.name, exitCode: exit.code, ...(this.#tail !== "" && { stderr: this.#tail.trimEnd() }) },
    });
  }

  async #start(): Promise<void> {
    const { docker, container } = this.#parts;
    try {
      await startContainer(docker, container.id, { signal: this.#stop.signal });
      this.#mayHaveRun = true;
    } catch (thrown) {
      const trouble = findTrouble(thrown);
      this.#mayHaveRun = trouble === "gone" || trouble === "timeout";
      throw thrown;
    }
  }

  /** Fulfils when it has printed everything. */
  async #read(socket: Duplex): Promise<void> {
    const ended = Promise.withResolvers<void>();
    const demultiplexer = new Demultiplexer((name, bytes) => this.#take(name, bytes));
    socket.on("data", (chunk: Buffer) => {
      try {
        demultiplexer.push(chunk);
      } catch (thrown) {
        this.break(toNebulaError(thrown));
      }
    });
    // because what it means is told by the end of the container
    socket.on("error", () => {});
    socket.once("end", ended.resolve);
    socket.once("close", ended.resolve);
    await ended.promise;
  }

  #take(name: OutputName, bytes: Buffer): void {
    if (name === "stderr") {
      this.#tail = (this.#tail + bytes.subarray(-4 * TAIL_CHARS).toString()).slice(-TAIL_CHARS);
      if (this.#leftLogBytes > 0) for (const line of this.#lines.push(bytes)) this.#log(line);
      return;
    }
    const { spec, call } = this.#parts;
    this.#bytes += bytes.byteLength;
    if (this.#bytes > spec.limits.responseBodyBytes) this.break(responseTooLarge(spec));
    if (this.#broken !== undefined || call.head.method === "HEAD") return;
    const copy = Uint8Array.from(bytes);
    if (this.#controller !== undefined) this.#pass(copy);
    else this.#keep(copy);
  }

  #keep(bytes: Uint8Array): void {
    this.#kept.push(bytes);
    if (this.#bytes > KEPT_BYTES) this.#sendHead();
    else this.#whenQuiet();
  }

  #pass(bytes: Uint8Array): void {
    this.#limitWall();
    this.#controller?.enqueue(bytes);
    if ((this.#controller?.desiredSize ?? 1) > 0) return;
    this.#timer?.[Symbol.dispose]();
    this.#socket?.pause();
  }

  /** It may be waiting for something: what it has written so far goes out. */
  #whenQuiet(): void {
    this.#quiet?.[Symbol.dispose]();
    this.#quiet = this.#parts.clock.after(QUIET_MS, () => {
      if (this.#broken === undefined && this.#controller === undefined) this.#sendHead();
    });
  }

  #sendHead(): void {
    this.#quiet?.[Symbol.dispose]();
    const first = Buffer.concat(this.#kept);
    this.#kept = [];
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
          controller.enqueue(Uint8Array.from(first));
        },
        pull: () => {
          if (this.#socket?.isPaused() === true) this.#limitWall();
          this.#socket?.resume();
        },
        cancel: () => this.break(clientGone("response")),
      },
      { highWaterMark: KEPT_BYTES, size: (chunk) => chunk.byteLength },
    );
    this.#limitWall();
    this.#answer.resolve({ head: toStdioHead(first), body, settled: this.#settled.promise });
  }

  #finish(failure?: NebulaError): void {
    const controller = this.#controller;
    if (controller !== undefined) {
      try {
        if (failure === undefined) controller.close();
        else controller.error(failure);
      } catch {
        // because whoever has cancelled it needs no end
      }
    } else if (failure !== undefined) this.#answer.reject(failure);
    else {
      const whole = Buffer.concat(this.#kept);
      const body = whole.byteLength === 0 ? null : whole;
      this.#answer.resolve({ head: toStdioHead(whole), body, settled: this.#settled.promise });
    }
  }

  #toFailure(thrown: unknown): NebulaError {
    const { spec } = this.#parts;
    const error = toNebulaError(thrown);
    if (error.code !== "NEBULA_START_FAILED") return error;
    if (!this.#mayHaveRun) return toStartFailed(error, spec);
    const what = describeFailed(spec.name, { hasHead: this.#controller !== undefined });
    return guestExited(spec, `${what}: ${error.message}`, error);
  }

  #limitWall(ms = this.#parts.spec.limits.wallMs): void {
    const { clock, spec } = this.#parts;
    this.#timer?.[Symbol.dispose]();
    this.#timer = clock.after(ms, () => this.break(wallBroken(spec)));
  }

  #log(line: string): void {
    const { onLog, spec } = this.#parts;
    if (this.#leftLogBytes <= 0) return;
    // An empty line is found like any other.
    this.#leftLogBytes -= Buffer.byteLength(line) + 1;
    if (line === "") return;
    if (this.#leftLogBytes > 0) onLog("error", line);
    else onLog("warn", `output was dropped: the log limit is ${spec.limits.logBytes} bytes for one request`);
  }

  /** A program that does not read its input to the end is not held up by it. */
  async #write(socket: Duplex, body: Body): Promise<void> {
    if (!(body instanceof ReadableStream)) {
      socket.end(body ?? undefined);
      return;
    }
    const reader = body.getReader();
    // because a stream that nobody reads from needs no answer
    const cancel = () => void reader.cancel().catch(() => {});
    socket.once("close", cancel);
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      if (socket.destroyed) return;
      if (!socket.write(next.value)) await drained(socket);
    }
    socket.off("close", cancel);
    socket.end();
  }
}

function toInput(body: Body, input: string | undefined): Body {
  const isEmpty = body === null || (body instanceof Uint8Array && body.byteLength === 0);
  return isEmpty && input !== undefined ? Buffer.from(input) : body;
}
