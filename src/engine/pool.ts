/**
 * The pool: which instances of one deployment there are, and which request gets which.
 *
 *     starting ─▶ idle ⇄ busy ─▶ stopped          idle for too long: stopped; all of them: scaled to zero
 *
 * A request takes the instance with the fewest in flight, or waits, first come first served. Those that wait
 * together share a start. Sits between invoke.ts and an engine; knows no engine kind and no HTTP.
 */

import { NebulaError, toNebulaError } from "../model/errors.ts";
import type { FunctionSpec } from "../model/function.ts";
import type { Clock, Log } from "../model/ports.ts";
import type { Instance, Prepared } from "./engine.ts";

/** What is pooled, and how far it may grow. */
export interface PoolOptions {
  readonly prepared: Prepared;
  readonly spec: Pick<FunctionSpec, "name" | "scaling">;
  /** The engine answers many requests at once on one instance. */
  readonly isConcurrent: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** An instance for one request. Released when the request's body and its work have ended. */
export interface Lease {
  readonly instance: Instance;
  /** `cold`: this request waited for a start. */
  readonly startKind: "cold" | "warm";
  /** What the start took; 0 when warm. */
  readonly startMs: number;
  readonly queueMs: number;
  release(): void;
}

/** Instances by state, and requests that wait. */
export interface PoolStatus {
  readonly starting: number;
  readonly idle: number;
  readonly busy: number;
  readonly waiting: number;
}

interface Member {
  readonly instance: Instance;
  readonly startMs: number;
  inFlight: number;
  /** When it last became idle. */
  idleAtMs: number;
  /** Whether any request has come back from it: one that dies before counts as a failed start. */
  isProven: boolean;
}

interface Waiter {
  readonly sinceMs: number;
  /** What settles when the request leaves the queue. */
  readonly leave: (outcome: Lease | NebulaError) => void;
}

/** Pauses between starts after failures: none, then from the first to the last, doubling. */
const BACKOFF_MS = { first: 50, last: 5_000 };

/** The instances of one deployment. */
export class Pool implements AsyncDisposable {
  readonly #options: PoolOptions;
  readonly #members: Member[] = [];
  readonly #waiters: Waiter[] = [];
  readonly #closing = new AbortController();
  readonly #concurrency: number;
  readonly #pending = new Set<Promise<void>>();
  #starting = 0;
  #failures = 0;
  #mayStartAtMs = 0;
  #sweep: Disposable | undefined;
  #drained: PromiseWithResolvers<void> | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#concurrency = options.isConcurrent ? options.spec.scaling.concurrency : 1;
    for (let i = 0; i < options.spec.scaling.minInstances; i += 1) this.#start();
  }

  get status(): PoolStatus {
    const busy = this.#members.filter((member) => member.inFlight > 0).length;
    return { starting: this.#starting, idle: this.#members.length - busy, busy, waiting: this.#waiters.length };
  }

  /**
   * An instance for one request; at once and without a promise when one has room.
   *
   * @throws {NebulaError} NEBULA_OVERLOADED when the queue is full, or the wait is longer than `scaling.queueMs`.
   * @throws {NebulaError} NEBULA_START_FAILED when the start that it waited for failed.
   * @throws {NebulaError} NEBULA_CLIENT_GONE when `signal` aborts first.
   * @throws {NebulaError} NEBULA_DRAINING when the pool is closing.
   */
  acquire(options: { signal: AbortSignal }): Lease | Promise<Lease> {
    if (this.#closing.signal.aborted) throw draining(this.#name);
    const member = this.#waiters.length === 0 ? this.#findRoom() : undefined;
    return member === undefined ? this.#enqueue(options) : this.#lease(member, { startKind: "warm", queueMs: 0 });
  }

  /** Fulfils when nobody waits, nothing is in flight and every instance is gone. The router leads nobody here any more. */
  async drain(): Promise<void> {
    if (!this.#isQuiet) {
      this.#drained ??= Promise.withResolvers();
      await this.#drained.promise;
    }
    await this[Symbol.asyncDispose]();
  }

  /** Ends every instance now, whatever it is doing. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#sweep?.[Symbol.dispose]();
    for (const waiter of this.#waiters.splice(0)) waiter.leave(draining(this.#name));
    this.#checkDrained();
    await Promise.all(this.#pending);
    await Promise.all(this.#members.splice(0).map((member) => member.instance[Symbol.asyncDispose]()));
    await this.#options.prepared[Symbol.asyncDispose]();
  }

  get #isQuiet(): boolean {
    return this.#waiters.length === 0 && this.#members.every((member) => member.inFlight === 0);
  }

  #checkDrained(): void {
    if (this.#drained !== undefined && this.#isQuiet) this.#drained.resolve();
  }

  get #name(): string {
    return this.#options.spec.name;
  }

  /** The instance with the fewest requests in flight, if it may take one more. */
  #findRoom(): Member | undefined {
    let best: Member | undefined;
    for (const member of this.#members) {
      if (member.inFlight < this.#concurrency && (best === undefined || member.inFlight < best.inFlight)) best = member;
    }
    return best;
  }

  #lease(member: Member, { startKind, queueMs }: { startKind: "cold" | "warm"; queueMs: number }): Lease {
    member.inFlight += 1;
    let isReleased = false;
    return {
      instance: member.instance,
      startKind,
      startMs: startKind === "cold" ? member.startMs : 0,
      queueMs,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        this.#release(member);
      },
    };
  }

  #release(member: Member): void {
    member.inFlight -= 1;
    member.isProven = true;
    this.#failures = 0;
    const next = this.#members.includes(member) && this.#waiters.length > 0 ? this.#waiters.shift() : undefined;
    if (next !== undefined) {
      next.leave(this.#lease(member, { startKind: "warm", queueMs: this.#options.clock.nowMs() - next.sinceMs }));
    } else if (member.inFlight === 0) {
      member.idleAtMs = this.#options.clock.nowMs();
      this.#scheduleSweep();
    }
    this.#checkDrained();
  }

  #enqueue({ signal }: { signal: AbortSignal }): Promise<Lease> {
    const { clock, spec } = this.#options;
    const { queueDepth, queueMs } = spec.scaling;
    if (this.#waiters.length >= queueDepth) {
      throw overloaded(`Cannot take a request for "${spec.name}": ${queueDepth} are waiting already`);
    }
    const { promise, resolve, reject } = Promise.withResolvers<Lease>();
    const leaveQueue = (error: NebulaError) => {
      const at = this.#waiters.indexOf(waiter);
      if (at < 0) return;
      this.#waiters.splice(at, 1);
      waiter.leave(error);
      this.#checkDrained();
    };
    const timer = clock.after(queueMs, () =>
      leaveQueue(overloaded(`Cannot take a request for "${spec.name}": it has waited for ${queueMs} ms`)),
    );
    const onAbort = () =>
      leaveQueue(new NebulaError("NEBULA_CLIENT_GONE", "The client left while its request was waiting"));
    signal.addEventListener("abort", onAbort, { once: true });
    const waiter: Waiter = {
      sinceMs: clock.nowMs(),
      leave: (outcome) => {
        timer[Symbol.dispose]();
        signal.removeEventListener("abort", onAbort);
        if (outcome instanceof NebulaError) reject(outcome);
        else resolve(outcome);
      },
    };
    this.#waiters.push(waiter);
    this.#grow();
    return promise;
  }

  /** Starts as many instances as those that wait can fill, up to the function's maximum. */
  #grow(): void {
    const { maxInstances } = this.#options.spec.scaling;
    while (
      this.#starting * this.#concurrency < this.#waiters.length &&
      this.#members.length + this.#starting < maxInstances &&
      !this.#closing.signal.aborted
    ) {
      this.#start();
    }
  }

  #start(): void {
    this.#starting += 1;
    this.#follow(this.#startOne());
  }

  /** Work that dispose has to wait for. */
  #follow(work: Promise<void>): void {
    const pending = work.finally(() => this.#pending.delete(pending));
    this.#pending.add(pending);
  }

  async #startOne(): Promise<void> {
    const { clock, prepared } = this.#options;
    const { signal } = this.#closing;
    try {
      await this.#backOff(signal);
      signal.throwIfAborted();
      const startedAtMs = clock.nowMs();
      const instance = await prepared.start({ signal });
      this.#starting -= 1;
      this.#admit({
        instance,
        startMs: clock.nowMs() - startedAtMs,
        inFlight: 0,
        idleAtMs: clock.nowMs(),
        isProven: false,
      });
    } catch (thrown) {
      this.#starting -= 1;
      if (!signal.aborted) this.#onStartFailed(toNebulaError(thrown));
    }
  }

  #admit(member: Member): void {
    this.#members.push(member);
    void member.instance.ended.then((reason) => this.#onEnded(member, reason));
    while (member.inFlight < this.#concurrency) {
      const waiter = this.#waiters.shift();
      if (waiter === undefined) break;
      const queueMs = Math.max(0, this.#options.clock.nowMs() - waiter.sinceMs - member.startMs);
      waiter.leave(this.#lease(member, { startKind: "cold", queueMs }));
    }
    if (member.inFlight === 0) this.#scheduleSweep();
    this.#grow();
  }

  #onEnded(member: Member, reason: NebulaError | undefined): void {
    const at = this.#members.indexOf(member);
    if (at < 0) return;
    this.#members.splice(at, 1);
    if (reason !== undefined) {
      this.#options.log.write("warn", "instance ended", {
        function: this.#name,
        code: reason.code,
        reason: reason.message,
      });
      if (!member.isProven) this.#countFailure();
    }
    this.#grow();
    this.#checkDrained();
  }

  /** Whoever has no other instance to hope for learns why; the others wait on. */
  #onStartFailed(error: NebulaError): void {
    this.#countFailure();
    this.#options.log.write("warn", "start failed", { function: this.#name, code: error.code, reason: error.message });
    if (this.#members.length > 0 || this.#starting > 0) return;
    for (const waiter of this.#waiters.splice(0)) waiter.leave(error);
    this.#checkDrained();
  }

  #countFailure(): void {
    this.#failures += 1;
    const pauseMs = this.#failures < 2 ? 0 : Math.min(BACKOFF_MS.last, BACKOFF_MS.first * 2 ** (this.#failures - 2));
    this.#mayStartAtMs = this.#options.clock.nowMs() + pauseMs;
  }

  async #backOff(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const waitMs = this.#mayStartAtMs - clock.nowMs();
    if (waitMs <= 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    using _timer = clock.after(waitMs, resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
  }

  /** One timer for all: it looks when the instance that has been idle longest may be due. */
  #scheduleSweep(): void {
    if (this.#sweep !== undefined || this.#closing.signal.aborted) return;
    const { clock, spec } = this.#options;
    const { idleMs, minInstances } = spec.scaling;
    const idle = this.#members.filter((member) => member.inFlight === 0);
    if (idle.length === 0 || this.#members.length <= minInstances) return;
    const dueAtMs = Math.min(...idle.map((member) => member.idleAtMs)) + idleMs;
    this.#sweep = clock.after(Math.max(1, dueAtMs - clock.nowMs()), () => {
      this.#sweep = undefined;
      this.#stopIdle();
      this.#scheduleSweep();
    });
  }

  #stopIdle(): void {
    const { clock, spec } = this.#options;
    const { idleMs, minInstances } = spec.scaling;
    const nowMs = clock.nowMs();
    for (const member of [...this.#members]) {
      if (this.#members.length <= minInstances) return;
      if (member.inFlight > 0 || nowMs - member.idleAtMs < idleMs) continue;
      this.#members.splice(this.#members.indexOf(member), 1);
      this.#follow(Promise.resolve(member.instance[Symbol.asyncDispose]()));
    }
  }
}

function overloaded(message: string): NebulaError {
  return new NebulaError("NEBULA_OVERLOADED", message, { details: { retryAfterSeconds: 1 } });
}

function draining(name: string): NebulaError {
  return new NebulaError(
    "NEBULA_DRAINING",
    `Cannot take a request for "${name}": it is being replaced or the node is stopping`,
  );
}
