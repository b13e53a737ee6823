/**
 * The requests that one guest process is answering, seen from the host, whatever engine the process belongs to.
 *
 * Carries calls both ways, holds each request to the limits of its function, and checks everything that the guest
 * says before it goes further. Knows neither how code gets into the process nor how many functions are in it.
 */

import { ConnectionClosed, ProtocolError } from "../../frames/frame.ts";
import type { IncomingCall, OutgoingAnswer } from "../../frames/incoming-call.ts";
import { type OutgoingCall, RemoteError } from "../../frames/outgoing-call.ts";
import { NebulaError, toNebulaError } from "../../model/errors.ts";
import type { Body, Call, HeaderList, ResponseHead } from "../../model/exchange.ts";
import type { FunctionSpec } from "../../model/function.ts";
import type { Capabilities, Clock, GuestLog } from "../../model/ports.ts";
import type { FetchOptions, InstanceAnswer } from "../engine.ts";
import { clientGone, describeFailed, guestExited, responseInvalid, responseTooLarge, wallBroken } from "../failures.ts";
import { guardBody } from "./guard-body.ts";
import type { GuestProcess } from "./guest-process.ts";
import { findCallHead, findNote, readPhases, readResponseHead, readTrailers } from "./guest-words.ts";
import type { Meter, Metered } from "./meter.ts";
import type { StackMapper } from "./stack-mapper.ts";

/** A function as those see it who carry its requests. */
export interface Tenant {
  readonly spec: FunctionSpec;
  readonly capabilities: Capabilities;
  readonly mapStack: StackMapper;
  /** Turns what the guest said of a failure into the error of the table. */
  toError(error: RemoteError, failure: Failure): Promise<NebulaError>;
}

/** What could not be done, for whoever finds the words for it. */
export interface Failure {
  readonly code: "NEBULA_GUEST_THREW" | "NEBULA_START_FAILED";
  /** `Cannot answer with "hello"`. */
  readonly what: string;
}

/** A guest process as those see it who talk to it once it is there. */
export type LiveGuest = Pick<GuestProcess, "adopt" | "end" | "ended" | "ending" | "findUsage" | "kill" | "peer">;

/** What the requests of a process work with. */
export interface InvocationsOptions {
  readonly guest: LiveGuest;
  readonly meter: Meter;
  readonly clock: Clock;
  /** Takes what is written outside of any request. */
  readonly onBackgroundLog: GuestLog;
  /** The process does not even take note of a cancelled request. */
  onHung(reason: NebulaError): void;
}

/** One request to a function. */
export interface FetchRequest extends FetchOptions {
  readonly call: Call;
  /** What the guest must know besides, in the head of the call. */
  readonly extra?: Readonly<Record<string, string>>;
  /** Called before the request first reaches anything outside of its process. */
  onReach?(): void;
  /** Called with what the meter knows the request by, and with the way to give it up. */
  onMetered?(metered: Metered, giveUp: (error: NebulaError) => void): void;
  /** Called when the guest is done with a request that was metered, or is given up. */
  onSettled?(): void;
}

/** An answer, and what the guest says of the time it took. */
export interface GuestAnswer extends InstanceAnswer {
  /** Making the instance, and being busy until the head was known. */
  readonly startMs: number;
  readonly busyMs: number;
}

/** How long a guest may take to acknowledge that a request is cancelled, before it counts as hung. */
const ACKNOWLEDGE_MS = 1_000;
/** Log bytes on the wire beyond the limit that a correct guest would never send. */
const LOG_SLACK_BYTES = 65_536;
/** As many invocations that are over may still write what they have not written: without `waitUntil` nobody waits for it. */
const LATE_LOGS = 16;

/** Requests that were given up and that the guest has still not settled: each costs the host some memory. */
const MAX_UNSETTLED = 20_000;

/** One request on its way through the process. */
interface Invocation {
  readonly tenant: Tenant;
  readonly request: FetchRequest;
  readonly onAbort: () => void;
  readonly outgoing: OutgoingCall;
  readonly log: LogSink;
  /** Ends the calls that it made and that are still open when it is over. */
  over: AbortController | undefined;
  isOver: boolean;
  subrequests: number;
}

/** Where console output goes, and how much a correct guest may still send there. */
interface LogSink {
  readonly write: GuestLog;
  readonly mapStack: StackMapper | undefined;
  leftBytes: number;
}

/** The requests of one guest process. */
export class Invocations {
  readonly #options: InvocationsOptions;
  readonly #invocations = new Map<number, Invocation>();
  readonly #backgroundLog: LogSink;

  /** Adopts the process: its calls and notes come here from now on. */
  constructor(options: InvocationsOptions) {
    this.#options = options;
    this.#backgroundLog = { write: options.onBackgroundLog, mapStack: undefined, leftBytes: LOG_SLACK_BYTES };
    options.guest.adopt({
      onCall: (call) => this.#onCall(call),
      onNote: (stream, note, bytes) => this.#onNote(stream, note, bytes),
    });
  }

  /** Lets a function write outside of any request; its stacks are mapped. */
  admit({ spec, mapStack }: Tenant): void {
    const { leftBytes } = this.#backgroundLog;
    Object.assign(this.#backgroundLog, { mapStack, leftBytes: leftBytes + 6 * spec.limits.logBytes });
  }

  /** Answers one request; throws as `Instance.fetch` does. */
  async fetch(tenant: Tenant, request: FetchRequest): Promise<GuestAnswer> {
    const { guest, clock } = this.#options;
    const { spec } = tenant;
    const { call, requestId, extra } = request;
    if (guest.peer.openCalls > MAX_UNSETTLED) {
      const why = `Cannot go on with "${spec.name}": it leaves requests unsettled for ever`;
      guest.kill(guestExited(spec, why));
    }
    // The guest would be asked and told to stop in one breath.
    if (call.signal.aborted) throw clientGone("response");
    const { target } = call;
    const head = { op: "fetch", requestId, ...extra, ...call.head, ...(target !== undefined && { target }) };
    const outgoing = guest.peer.call(head, call.body, call.trailers);
    // What the function still does for a client that left is held to the limit that it had anyway.
    const onAbort = () => {
      // A function that gave up, or was, takes with it all that others ask on its behalf: they might go on without end.
      if (call.callers !== undefined) this.#endCalls(outgoing);
      this.#cancel(outgoing, { spec, error: clientGone("response"), graceMs: spec.limits.wallMs });
    };
    const log = { write: request.onLog, mapStack: tenant.mapStack, leftBytes: logAllowance(spec) };
    const settled = this.#track({
      tenant,
      request,
      onAbort,
      outgoing,
      log,
      over: undefined,
      isOver: false,
      subrequests: 0,
    });
    const timer = clock.after(spec.limits.wallMs, () => this.#overrun(outgoing, spec));
    try {
      const answer = await outgoing.answer;
      const head = this.#readHead(answer.head, { outgoing, spec });
      const trailers = answer.trailers && this.#readTrailers(answer.trailers, spec);
      const body = this.#guard(answer.body, { outgoing, tenant });
      return { head, body, trailers, settled, ...readPhases(answer.head) };
    } catch (thrown) {
      throw await this.explain(thrown, tenant, {
        code: "NEBULA_GUEST_THREW",
        what: describeFailed(spec.name, { hasHead: false }),
      });
    } finally {
      timer[Symbol.dispose]();
    }
  }

  /** Turns whatever ended a call into the error of the table. */
  async explain(thrown: unknown, tenant: Tenant, failure: Failure): Promise<NebulaError> {
    const { guest } = this.#options;
    const { spec } = tenant;
    if (thrown instanceof NebulaError) return thrown;
    if (thrown instanceof RemoteError) return await tenant.toError(thrown, failure);
    if (!(thrown instanceof ConnectionClosed || thrown instanceof ProtocolError)) {
      return clientGone("request", thrown);
    }
    // The connection broke: the process is ending, and knows why.
    const { what } = failure;
    const reason = (await guest.ended) ?? guestExited(spec, `${what}: its instance was stopped`);
    if (reason.details.function === spec.name) return reason;
    if (reason.details.function !== undefined) {
      return guestExited(spec, `${what}: another function broke a limit in its process`);
    }
    return new NebulaError(reason.code, `${what}: ${reason.message}`, {
      details: { ...reason.details, function: spec.name },
      cause: reason,
    });
  }

  /** Counts the invocation until the guest has settled it, or until its time after the response is up. */
  async #track(invocation: Invocation): Promise<void> {
    const { tenant, request, outgoing, onAbort } = invocation;
    const { meter, clock } = this.#options;
    const { limits } = tenant.spec;
    const metered = meter.begin(limits.cpuMs);
    const graceMs = limits.wallMs;
    request.onMetered?.(metered, (error) => this.#cancel(outgoing, { spec: tenant.spec, error, graceMs }));
    request.call.signal.addEventListener("abort", onAbort);
    this.#invocations.set(outgoing.id, invocation);
    outgoing.onWork((giveUp) => clock.after(limits.waitUntilMs, () => this.#whenAlive(giveUp)));
    await outgoing.settled;
    request.call.signal.removeEventListener("abort", onAbort);
    this.#invocations.delete(outgoing.id);
    const late = this.#backgroundLog.leftBytes + invocation.log.leftBytes;
    this.#backgroundLog.leftBytes = Math.min(late, LATE_LOGS * logAllowance(tenant.spec));
    invocation.isOver = true;
    invocation.over?.abort(requestOver());
    metered.stop();
    request.onSettled?.();
  }

  /** Calls back when the guest has given a sign of life: whatever runs in it until then is not over, and still metered. */
  #whenAlive(callback: () => void): void {
    this.#options.guest.peer.call({ op: "ping" }, null).answer.then(callback, callback);
  }

  /** Cancels a request. A guest that does not even take note of that is hung. */
  #cancel(
    outgoing: OutgoingCall,
    { spec, error, graceMs }: { spec: FunctionSpec; error: NebulaError; graceMs: number },
  ): void {
    // A call that the function never settles keeps its error, and V8 all that an error's stack touched until it is text.
    void error.stack;
    outgoing.cancel(error);
    const timer = this.#options.clock.after(graceMs, () => {
      if (!outgoing.isAcknowledged) this.#options.onHung(wallBroken(spec));
    });
    void outgoing.settled.then(() => timer[Symbol.dispose]());
  }

  /** The wall limit has passed: what the function asked for is for nobody any more, and it asks for nothing else. */
  #overrun(outgoing: OutgoingCall, spec: FunctionSpec): NebulaError {
    const error = wallBroken(spec);
    this.#endCalls(outgoing);
    this.#cancel(outgoing, { spec, error, graceMs: ACKNOWLEDGE_MS });
    return error;
  }

  /** Ends the calls that an invocation has open, and those that it makes from now on. */
  #endCalls({ id }: OutgoingCall): void {
    const invocation = this.#invocations.get(id);
    if (invocation === undefined) return;
    invocation.over ??= new AbortController();
    invocation.over.abort(new DOMException("The request is given up", "AbortError"));
  }

  #readHead(value: unknown, { outgoing, spec }: { outgoing: OutgoingCall; spec: FunctionSpec }): ResponseHead {
    const head = readResponseHead(value, spec.limits.headerBytes);
    if (typeof head !== "string") return head;
    const error = responseInvalid(spec, head);
    outgoing.cancel(error);
    throw error;
  }

  #readTrailers(coming: Promise<unknown>, spec: FunctionSpec): Promise<HeaderList | undefined> {
    const trailers = coming.then((value) => {
      if (value === undefined) return undefined;
      const list = readTrailers(value, spec.limits.headerBytes);
      if (typeof list !== "string") return list;
      throw responseInvalid(spec, list);
    });
    // because whoever has no use for them does not ask
    trailers.catch(() => {});
    return trailers;
  }

  #guard(body: Body, { outgoing, tenant }: { outgoing: OutgoingCall; tenant: Tenant }): Body {
    const { spec } = tenant;
    const { clock } = this.#options;
    const limitBytes = spec.limits.responseBodyBytes;
    if (body instanceof Uint8Array && body.byteLength > limitBytes) throw responseTooLarge(spec);
    if (!(body instanceof ReadableStream)) return body;
    const what = describeFailed(spec.name, { hasHead: true });
    return guardBody(body, {
      limitBytes,
      idleMs: spec.limits.wallMs,
      after: (ms, callback) => clock.after(ms, callback),
      onTooLarge: () => responseTooLarge(spec),
      onIdle: () => this.#overrun(outgoing, spec),
      onFailure: (error) => this.explain(error, tenant, { code: "NEBULA_GUEST_THREW", what }),
      onBreak: (error) => outgoing.cancel(error),
    });
  }

  #onNote(stream: number, value: unknown, bytes: number): void {
    const note = findNote(value);
    const invocation = this.#invocations.get(stream);
    const log = invocation?.log ?? this.#backgroundLog;
    log.leftBytes -= bytes;
    if (note?.note !== "log" || log.leftBytes < 0) {
      const whose = invocation === undefined ? "the guest process" : `"${invocation.tenant.spec.name}"`;
      const details = invocation === undefined ? {} : { function: invocation.tenant.spec.name };
      this.#options.guest.kill(
        new NebulaError("NEBULA_PROTOCOL_BROKEN", `Cannot go on with ${whose}: it floods the log`, { details }),
      );
      return;
    }
    const { level, text } = note;
    if (log.mapStack === undefined || !text.includes("\n    at ")) log.write(level, text);
    else void log.mapStack(text).then((mapped) => log.write(level, mapped));
  }

  async #onCall(call: IncomingCall): Promise<OutgoingAnswer> {
    const head = findCallHead(call.head);
    if (head === undefined) throw new NebulaError("NEBULA_PROTOCOL_BROKEN", "Cannot understand a call of the guest");
    const invocation = this.#invocations.get(head.parent);
    if (invocation === undefined) throw new TypeError("Cannot call out: no request is being answered");
    countSubrequest(invocation);
    const { capabilities } = invocation.tenant;
    const { method, url, headers, redirect, connectTimeoutMs } = head;
    let signal: AbortSignal | undefined;
    const request: Call = {
      head: { method, url, headers },
      body: call.takeBody(),
      // Made when somebody looks: most bindings answer sooner than a signal is made.
      get signal() {
        signal ??= toSignal(call, invocation);
        return signal;
      },
    };
    try {
      if (head.op === "binding") {
        const { requestId, call: own } = invocation.request;
        const context = { requestId, callers: own.callers ?? [], rootId: own.rootId };
        return { ...(await capabilities.binding(head.binding, request, context)), explain: toGuest };
      }
      const answer = await capabilities.outbound(request, { redirect, connectTimeoutMs });
      return {
        head: { ...answer.head, url: answer.url },
        body: answer.body,
        trailers: answer.trailers,
        explain: (thrown) => toGuest(answer.explain?.(thrown) ?? thrown),
      };
    } catch (thrown) {
      throw toGuest(thrown);
    }
  }
}

/** Without its cause and stack, which may name addresses and paths of the host: a guest may print what it gets. */
function toGuest(thrown: unknown): Error {
  const { code, message, details } = toNebulaError(thrown);
  return Object.assign(new Error(message), { name: code, stack: undefined, reason: details.reason });
}

/** What a guest threw, with its stack mapped to the function's sources. */
export async function toGuestError(
  { wire }: RemoteError,
  { code, what }: Failure,
  { spec, mapStack }: Pick<Tenant, "spec" | "mapStack">,
): Promise<NebulaError> {
  const { name, message, stack, thrown } = wire;
  const mapped = await mapStack(stack ?? `${name}: ${message}`);
  const cause = Object.assign(new Error(message), { name, stack: mapped, ...(thrown !== undefined && { thrown }) });
  return new NebulaError(code, `${what}: ${name}: ${message}`, { details: { function: spec.name }, cause });
}

/** Ends what a call asks for when the call is cancelled, and when the request that makes it is over. */
function toSignal(call: IncomingCall, invocation: Invocation): AbortSignal {
  invocation.over ??= new AbortController();
  if (invocation.isOver) invocation.over.abort(requestOver());
  return AbortSignal.any([call.signal, invocation.over.signal]);
}

function requestOver(): DOMException {
  return new DOMException("The request is over", "AbortError");
}

/** @throws {NebulaError} NEBULA_SUBREQUEST_LIMIT when it is one too many. */
function countSubrequest(invocation: Invocation): void {
  const { spec } = invocation.tenant;
  const { subrequests } = spec.limits;
  if (invocation.subrequests === 0) invocation.request.onReach?.();
  invocation.subrequests += 1;
  if (invocation.subrequests <= subrequests) return;
  throw new NebulaError(
    "NEBULA_SUBREQUEST_LIMIT",
    `Cannot call out: "${spec.name}" has used its limit of ${subrequests} subrequests`,
    { details: { limit: "subrequests", value: subrequests, function: spec.name } },
  );
}

/** JSON needs up to six bytes for one character. */
function logAllowance({ limits }: FunctionSpec): number {
  return 6 * limits.logBytes + LOG_SLACK_BYTES;
}
