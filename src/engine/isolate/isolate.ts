/**
 * One live JavaScript function: an instance of the isolate engine, seen from the host.
 *
 *     blank ─▶ loaded ─▶ ended          many requests at once; each leaves `#invocations` when it is settled
 *
 * Everything that the guest says is checked here before it goes further.
 */

import { NebulaError, toNebulaError } from "../../model/errors.ts";
import type { Body, Call, ResponseHead } from "../../model/exchange.ts";
import type { FunctionSpec } from "../../model/function.ts";
import type { Capabilities, Clock, GuestLog } from "../../model/ports.ts";
import { formatBytes, formatMs } from "../../model/units.ts";
import type { FetchOptions, Instance, InstanceAnswer } from "../engine.ts";
import { ConnectionClosed, ProtocolError } from "../frames/frame.ts";
import type { IncomingCall, OutgoingAnswer } from "../frames/incoming-call.ts";
import { type OutgoingCall, RemoteError } from "../frames/outgoing-call.ts";
import type { GuestProcess } from "../guest/guest-process.ts";
import { findCallHead, findNote, readResponseHead } from "../guest/guest-words.ts";
import { Meter } from "../guest/meter.ts";
import type { LoadHead } from "../guest/protocol.ts";
import type { Watchdog } from "../guest/watchdog.ts";
import { guardBody } from "./guard-body.ts";
import type { StackMapper } from "./stack-mapper.ts";

/** What an isolate is made of. */
export interface IsolateParts {
  readonly guest: GuestProcess;
  readonly spec: FunctionSpec;
  readonly mapStack: StackMapper;
  readonly capabilities: Capabilities;
  readonly watchdog: Watchdog;
  readonly clock: Clock;
  readonly onBackgroundLog: GuestLog;
}

/** How long a guest may take to acknowledge that a request is cancelled, before it counts as hung. */
const ACKNOWLEDGE_MS = 1_000;
/** Log bytes on the wire beyond the limit that a correct guest would never send. */
const LOG_SLACK_BYTES = 65_536;
/** As many invocations that are over may still write what they have not written: without `waitUntil` nobody waits for it. */
const LATE_LOGS = 16;

/** Requests that were given up and that the guest has still not settled: each costs the host some memory. */
const MAX_UNSETTLED = 20_000;

/** One request on its way through the isolate. */
interface Invocation {
  readonly call: Call;
  readonly onAbort: () => void;
  readonly outgoing: OutgoingCall;
  readonly log: LogSink;
  /** Ends the calls that it made and that are still open when it is over. */
  over: AbortController | undefined;
  subrequests: number;
}

/** Where console output goes, and how much a correct guest may still send there. */
interface LogSink {
  readonly write: GuestLog;
  leftBytes: number;
}

/** One live function in its guest process. */
export class Isolate implements Instance {
  readonly ended: Promise<NebulaError | undefined>;
  readonly #parts: IsolateParts;
  readonly #invocations = new Map<number, Invocation>();
  readonly #meter: Meter;
  readonly #watch: Disposable;
  readonly #backgroundLog: LogSink;

  constructor(parts: IsolateParts) {
    const { guest, spec, watchdog } = parts;
    this.#parts = parts;
    this.#backgroundLog = { write: parts.onBackgroundLog, leftBytes: this.#logAllowance };
    const meter = new Meter({
      name: spec.name,
      limits: spec.limits,
      blank: guest.findUsage() ?? { cpuMs: 0, memoryBytes: 0 },
      ping: () => guest.peer.call({ op: "ping" }, null).answer,
    });
    this.#meter = meter;
    this.#watch = watchdog.watch({
      get isBusy() {
        return meter.inFlight > 0;
      },
      look: () => this.#look(),
    });
    this.ended = guest.ending.then((reason) => {
      this.#watch[Symbol.dispose]();
      return reason;
    });
    guest.adopt({
      onCall: (call) => this.#onCall(call),
      onNote: (stream, note, bytes) => this.#onNote(stream, note, bytes),
    });
  }

  /**
   * Sends the code and waits until its top level is evaluated. A failure ends the process.
   * @throws {NebulaError} NEBULA_START_FAILED with the guest's own words.
   */
  async load(head: LoadHead, { code, signal }: { code: Uint8Array; signal: AbortSignal }): Promise<void> {
    const { guest, spec, clock } = this.#parts;
    const stop = this.#meter.begin();
    const call = guest.peer.call(head, code);
    const cancel = (why: string) =>
      call.cancel(this.#error("NEBULA_START_FAILED", `Cannot start "${spec.name}": ${why}`));
    using _timer = clock.after(spec.limits.startMs, () =>
      cancel(`its top level took more than ${formatMs(spec.limits.startMs)}`),
    );
    const onAbort = () => cancel("the start was cancelled");
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await call.answer;
    } catch (thrown) {
      const error = await this.#explain(thrown, "NEBULA_START_FAILED", `Cannot start "${spec.name}"`);
      await this[Symbol.asyncDispose]();
      throw error;
    } finally {
      signal.removeEventListener("abort", onAbort);
      stop();
    }
  }

  async fetch(call: Call, { requestId, onLog }: FetchOptions): Promise<InstanceAnswer> {
    const { guest, spec, clock } = this.#parts;
    if (guest.peer.openCalls > MAX_UNSETTLED) {
      guest.kill(
        this.#error("NEBULA_GUEST_EXITED", `Cannot go on with "${spec.name}": it leaves requests unsettled for ever`),
      );
    }
    const outgoing = guest.peer.call({ op: "fetch", requestId, ...call.head }, call.body);
    // What the function still does for a client that left is held to the limit that it had anyway.
    const onAbort = () => this.#cancel(outgoing, clientGone(), spec.limits.wallMs);
    const settled = this.#track({
      call,
      onAbort,
      outgoing,
      log: { write: onLog, leftBytes: this.#logAllowance },
      over: undefined,
      subrequests: 0,
    });
    if (call.signal.aborted) onAbort();
    const timer = clock.after(spec.limits.wallMs, () => this.#overrun(outgoing));
    try {
      const answer = await outgoing.answer;
      const head = this.#readHead(answer.head, outgoing);
      return { head, body: this.#guard(answer.body, outgoing), settled };
    } catch (thrown) {
      throw await this.#explain(thrown, "NEBULA_GUEST_THREW", `Cannot answer with "${spec.name}"`);
    } finally {
      timer[Symbol.dispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch[Symbol.dispose]();
    await this.#parts.guest.end();
  }

  /** Counts the invocation until the guest has settled it, or until its time after the response is up. */
  async #track(invocation: Invocation): Promise<void> {
    const { call, outgoing, onAbort } = invocation;
    const { spec, clock } = this.#parts;
    const stop = this.#meter.begin();
    call.signal.addEventListener("abort", onAbort);
    this.#invocations.set(outgoing.id, invocation);
    outgoing.onWork((giveUp) => clock.after(spec.limits.waitUntilMs, giveUp));
    await outgoing.settled;
    call.signal.removeEventListener("abort", onAbort);
    this.#invocations.delete(outgoing.id);
    const late = this.#backgroundLog.leftBytes + invocation.log.leftBytes;
    this.#backgroundLog.leftBytes = Math.min(late, LATE_LOGS * this.#logAllowance);
    invocation.over?.abort(new DOMException("The request is over", "AbortError"));
    stop();
  }

  /** JSON needs up to six bytes for one character. */
  get #logAllowance(): number {
    return 6 * this.#parts.spec.limits.logBytes + LOG_SLACK_BYTES;
  }

  #look(): void {
    const { guest } = this.#parts;
    const usage = guest.findUsage();
    const broken = usage && this.#meter.sample(usage);
    if (broken !== undefined) guest.kill(broken);
  }

  /** Cancels a request. A guest that does not even take note of that is hung, and ends. */
  #cancel(outgoing: OutgoingCall, error: NebulaError, graceMs: number): void {
    const { guest, clock } = this.#parts;
    // A call that the function never settles keeps its error, and V8 all that an error's stack touched until it is text.
    void error.stack;
    outgoing.cancel(error);
    const timer = clock.after(graceMs, () => {
      if (!outgoing.isAcknowledged) guest.kill(this.#wallError());
    });
    void outgoing.settled.then(() => timer[Symbol.dispose]());
  }

  /** The wall limit has passed. */
  #overrun(outgoing: OutgoingCall): NebulaError {
    const error = this.#wallError();
    this.#cancel(outgoing, error, ACKNOWLEDGE_MS);
    return error;
  }

  #wallError(): NebulaError {
    const { name, limits } = this.#parts.spec;
    const message = `Cannot wait for "${name}": its wall limit of ${formatMs(limits.wallMs)} has passed`;
    return this.#error("NEBULA_WALL_LIMIT", message, { limit: "wallMs", value: limits.wallMs });
  }

  #readHead(value: unknown, outgoing: OutgoingCall): ResponseHead {
    const { spec } = this.#parts;
    const head = readResponseHead(value, spec.limits.headerBytes);
    if (typeof head !== "string") return head;
    const error = this.#error("NEBULA_RESPONSE_INVALID", `Cannot pass on the response of "${spec.name}": ${head}`);
    outgoing.cancel(error);
    throw error;
  }

  #guard(body: Body, outgoing: OutgoingCall): Body {
    const { spec, clock } = this.#parts;
    const limitBytes = spec.limits.responseBodyBytes;
    const tooLarge = () =>
      this.#error(
        "NEBULA_RESPONSE_TOO_LARGE",
        `Cannot pass on the response of "${spec.name}": its body is larger than its limit of ${formatBytes(limitBytes)}`,
        {
          limit: "responseBodyBytes",
          value: limitBytes,
        },
      );
    if (body instanceof Uint8Array && body.byteLength > limitBytes) throw tooLarge();
    if (!(body instanceof ReadableStream)) return body;
    return guardBody(body, {
      limitBytes,
      idleMs: spec.limits.wallMs,
      after: (ms, callback) => clock.after(ms, callback),
      onTooLarge: tooLarge,
      onIdle: () => this.#overrun(outgoing),
      onFailure: (error) =>
        this.#explain(error, "NEBULA_GUEST_THREW", `Cannot go on with the response of "${spec.name}"`),
      onBreak: (error) => outgoing.cancel(error),
    });
  }

  /** Turns whatever ended a call into the error of the table. */
  async #explain(
    thrown: unknown,
    code: "NEBULA_GUEST_THREW" | "NEBULA_START_FAILED",
    what: string,
  ): Promise<NebulaError> {
    const { guest, spec, mapStack } = this.#parts;
    if (thrown instanceof NebulaError) return thrown;
    if (thrown instanceof RemoteError) {
      const { name, message, stack } = thrown.wire;
      const mapped = await mapStack(stack ?? `${name}: ${message}`);
      const cause = Object.assign(new Error(message), { name, stack: mapped });
      return this.#error(code, `${what}: ${name}: ${message}`, {}, cause);
    }
    if (!(thrown instanceof ConnectionClosed || thrown instanceof ProtocolError)) {
      return new NebulaError("NEBULA_CLIENT_GONE", "The client left before the request was complete", {
        cause: thrown,
      });
    }
    // The connection broke: the process is ending, and knows why.
    const reason = (await guest.ended) ?? this.#error("NEBULA_GUEST_EXITED", `${what}: its instance was stopped`);
    if (reason.details.function !== undefined) return reason;
    return new NebulaError(reason.code, `${what}: ${reason.message}`, {
      details: { ...reason.details, function: spec.name },
      cause: reason,
    });
  }

  #onNote(stream: number, value: unknown, bytes: number): void {
    const { guest, spec } = this.#parts;
    const note = findNote(value);
    const invocation = this.#invocations.get(stream);
    const log = invocation?.log ?? this.#backgroundLog;
    log.leftBytes -= bytes;
    if (note?.note !== "log" || log.leftBytes < 0) {
      guest.kill(this.#error("NEBULA_PROTOCOL_BROKEN", `Cannot go on with "${spec.name}": it floods the log`));
      return;
    }
    this.#log(log.write, note.level, note.text);
  }

  #log(onLog: GuestLog, level: Parameters<GuestLog>[0], text: string): void {
    if (!text.includes("\n    at ")) onLog(level, text);
    else void this.#parts.mapStack(text).then((mapped) => onLog(level, mapped));
  }

  async #onCall(call: IncomingCall): Promise<OutgoingAnswer> {
    const { spec, capabilities } = this.#parts;
    const head = findCallHead(call.head);
    if (head === undefined) throw this.#error("NEBULA_PROTOCOL_BROKEN", `Cannot understand a call of "${spec.name}"`);
    const over = this.#countSubrequest(head.parent);
    const { method, url, headers, redirect } = head;
    const request: Call = {
      head: { method, url, headers },
      body: call.takeBody(),
      signal: AbortSignal.any([call.signal, over]),
    };
    try {
      if (head.op === "binding") return await capabilities.binding(head.binding, request);
      const answer = await capabilities.outbound(request, { redirect });
      return { head: { ...answer.head, url: answer.url }, body: answer.body };
    } catch (thrown) {
      // because a cause may name addresses and paths of the host, and a guest may print what it gets
      throw new Error(toNebulaError(thrown).message);
    }
  }

  /** Gives what ends the call when the request that makes it is over. */
  #countSubrequest(parent: number): AbortSignal {
    const { name, limits } = this.#parts.spec;
    const invocation = this.#invocations.get(parent);
    if (invocation === undefined) throw new TypeError("Cannot call out: no request is being answered");
    invocation.subrequests += 1;
    invocation.over ??= new AbortController();
    if (invocation.subrequests <= limits.subrequests) return invocation.over.signal;
    throw this.#error(
      "NEBULA_SUBREQUEST_LIMIT",
      `Cannot call out: "${name}" has used its limit of ${limits.subrequests} subrequests`,
      {
        limit: "subrequests",
        value: limits.subrequests,
      },
    );
  }

  #error(
    code: ConstructorParameters<typeof NebulaError>[0],
    message: string,
    details: Record<string, string | number> = {},
    cause?: unknown,
  ): NebulaError {
    const options = { details: { ...details, function: this.#parts.spec.name } };
    return new NebulaError(code, message, cause === undefined ? options : { ...options, cause });
  }
}

function clientGone(): NebulaError {
  return new NebulaError("NEBULA_CLIENT_GONE", "The client left before the response was complete");
}
