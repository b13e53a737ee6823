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
import { type InstancesTop, type StartKind, sumUsage } from "../model/top.ts";
import { Backoff } from "./backoff.ts";
import type { Instance, Prepared, StartReport, Usage } from "./engine.ts";
import { WaitingLine } from "./waiting-line.ts";

/** What is pooled, and how far it may grow. */
export interface PoolOptions {
  readonly prepared: Prepared;
  readonly spec: Pick<FunctionSpec, "name" | "scaling">;
  /** The engine answers many requests at once on one instance. */
  readonly isConcurrent: boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when an instance has come up. */
  onStarted?(kind: StartReport["kind"], ms: number): void;
}

/** An instance for one request. Released when the request's body and its work have ended. */
export interface Lease {
  readonly instance: Instance;
  /** `cold`: this request waited for a start; `thaw`: for one of an instance that was kept in memory. */
  readonly startKind: StartKind;
  /** What the start took; 0 when warm. */
  readonly startMs: number;
  /** The parts of that start, where the engine tells them. */
  readonly startPhases?: StartReport["phases"] | undefined;
  readonly queueMs: number;
  release(): void;
}

/** An instance that is up. */
interface Member {
  readonly instance: Instance;
  readonly startMs: number;
  inFlight: number;
  /** When it last became idle. */
  idleAtMs: number;
  /** Whether any request has come back from it: one that dies before counts as a failed start. */
  isProven: boolean;
}

const BACKOFF_MS = { firstMs: 50, lastMs: 5_000 };
const NONE_RESTING = { frozen: 0, stopped: 0 };

/** The instances of one deployment. */
export class Pool implements AsyncDisposable {
  readonly #options: PoolOptions;
  readonly #members: Member[] = [];
  readonly #line: WaitingLine<Lease>;
  readonly #backoff: Backoff;
  readonly #closing = new AbortController();
  readonly #concurrency: number;
  readonly #pending = new Set<Promise<void>>();
  #starting = 0;
  #sweep: Disposable | undefined;
  #drained: PromiseWithResolvers<void> | undefined;

  constructor(options: PoolOptions) {
    const { spec, clock, isConcurrent } = options;
    this.#options = options;
    this.#concurrency = isConcurrent ? spec.scaling.concurrency : 1;
    this.#backoff = new Backoff({ clock, ...BACKOFF_MS });
    this.#line = new WaitingLine({ name: spec.name, limits: spec.scaling, clock, onLeft: () => this.#checkDrained() });
    this.#grow();
  }

  get status(): InstancesTop {
    const { frozen, stopped } = this.#options.prepared.resting ?? NONE_RESTING;
    let busy = 0;
    let inFlight = 0;
    for (const member of this.#members) {
      if (member.inFlight > 0) busy += 1;
      inFlight += member.inFlight;
    }
    const idle = this.#members.length - busy;
    return { starting: this.#starting, idle, busy, frozen, stopped, inFlight, waiting: this.#line.length };
  }

  /** Whether an instance is up, so that nobody has to wait for a start. */
  get isWarm(): boolean {
    return this.#members.length > 0;
  }

  /** Starts an instance beside all requests, unless one is up or on its way. */
  warm(): void {
    if (!this.isWarm && this.#starting === 0 && !this.#closing.signal.aborted) this.#start();
  }

  /** What those instances use that can tell; undefined when none can. */
  async findUsage(): Promise<Usage | undefined> {
    const found = await Promise.all(this.#members.map(({ instance }) => instance.findUsage?.()));
    const usages = found.filter((usage) => usage !== undefined);
    return usages.length === 0 ? undefined : sumUsage(usages);
  }

  /**
   * An instance for one request; at once and without a promise when one has room.
   *
   * @throws {NebulaError} NEBULA_OVERLOADED when the queue is full, or the wait is longer than `scaling.queueMs`.
   * @throws {NebulaError} NEBULA_START_FAILED when the start that it waited for failed.
   * @throws {NebulaError} NEBULA_CLIENT_GONE when `signal` aborts first.
   * @throws {NebulaError} NEBULA_DRAINING when the pool is closed.
   */
  acquire({ signal }: { signal: AbortSignal }): Lease | Promise<Lease> {
    if (this.#closing.signal.aborted) throw this.#closed();
    const member = this.#line.length === 0 ? this.#findRoom() : undefined;
    if (member !== undefined) return this.#lease(member, { startKind: "warm", queueMs: 0 });
    this.#grow({ arriving: 1 });
    return this.#line.join({ signal, expected: this.#starting * this.#concurrency });
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
    this.#line.failAll(this.#closed());
    await Promise.all(this.#pending);
    await Promise.all(this.#members.splice(0).map((member) => member.instance[Symbol.asyncDispose]()));
    await this.#options.prepared[Symbol.asyncDispose]();
    this.#checkDrained();
  }

  get #name(): string {
    return this.#options.spec.name;
  }

  get #isQuiet(): boolean {
    return this.#line.length === 0 && this.#members.every((member) => member.inFlight === 0);
  }

  #checkDrained(): void {
    if (this.#drained !== undefined && this.#isQuiet) this.#drained.resolve();
  }

  #closed(): NebulaError {
    return new NebulaError(
      "NEBULA_DRAINING",
      `Cannot take a request for "${this.#name}": it has been replaced or the node is stopping`,
    );
  }

  // ── requests ───────────────────────────────────────────────────────────────────────────────────────────

  /** The instance with the fewest requests in flight, if it may take one more. */
  #findRoom(): Member | undefined {
    let best: Member | undefined;
    for (const member of this.#members) {
      if (member.inFlight < this.#concurrency && (best === undefined || member.inFlight < best.inFlight)) best = member;
    }
    return best;
  }

  #lease(member: Member, { startKind, queueMs }: Pick<Lease, "startKind" | "queueMs">): Lease {
    member.inFlight += 1;
    let isReleased = false;
    return {
      instance: member.instance,
      startKind,
      startMs: startKind === "warm" ? 0 : member.startMs,
      startPhases: startKind === "warm" ? undefined : member.instance.started?.phases,
      queueMs,
      release: () => {
        if (!isReleased) this.#release(member);
        isReleased = true;
      },
    };
  }

  #release(member: Member): void {
    const { clock } = this.#options;
    member.inFlight -= 1;
    member.isProven = true;
    this.#backoff.succeed();
    const next = this.#members.includes(member) ? this.#line.next() : undefined;
    if (next !== undefined) {
      next.serve(this.#lease(member, { startKind: "warm", queueMs: clock.nowMs() - next.sinceMs }));
    } else if (member.inFlight === 0) {
      member.idleAtMs = clock.nowMs();
      this.#scheduleSweep();
    }
    this.#checkDrained();
  }

  // ── instances ──────────────────────────────────────────────────────────────────────────────────────────

  /** Starts as many instances as those that wait can fill, between the function's minimum and maximum. */
  #grow({ arriving } = { arriving: 0 }): void {
    const { minInstances, maxInstances } = this.#options.spec.scaling;
    const count = () => this.#members.length + this.#starting;
    const isWanted = () => count() < minInstances || this.#starting * this.#concurrency < this.#line.length + arriving;
    while (!this.#closing.signal.aborted && isWanted() && count() < Math.max(minInstances, maxInstances)) this.#start();
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
      await this.#backoff.wait(signal);
      signal.throwIfAborted();
      const startedAtMs = clock.nowMs();
      const instance = await prepared.start({ signal });
      this.#starting -= 1;
      const startMs = clock.nowMs() - startedAtMs;
      this.#options.onStarted?.(instance.started?.kind ?? "cold", startMs);
      this.#admit({
        instance,
        startMs,
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
      const waiter = this.#line.next();
      if (waiter === undefined) break;
      const queueMs = Math.max(0, this.#options.clock.nowMs() - waiter.sinceMs - member.startMs);
      waiter.serve(this.#lease(member, { startKind: member.instance.started?.kind ?? "cold", queueMs }));
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
      if (!member.isProven) this.#backoff.fail();
    }
    this.#grow();
    this.#checkDrained();
  }

  /** Whoever has no other instance to hope for learns why; the others wait on. */
  #onStartFailed(error: NebulaError): void {
    this.#backoff.fail();
    this.#options.log.write("warn", "start failed", { function: this.#name, code: error.code, reason: error.message });
    if (this.#members.length === 0 && this.#starting === 0) this.#line.failAll(error);
    // because nobody else may come to ask for the instances that are always to be there
    this.#grow();
  }

  // ── scale to zero ──────────────────────────────────────────────────────────────────────────────────────

  /** One timer for all: it looks when the instance that has been idle longest may be due. */
  #scheduleSweep(): void {
    if (this.#sweep !== undefined || this.#closing.signal.aborted) return;
    const { clock, spec } = this.#options;
    const idle = this.#members.filter((member) => member.inFlight === 0);
    if (idle.length === 0 || this.#members.length <= spec.scaling.minInstances) return;
    const dueAtMs = Math.min(...idle.map((member) => member.idleAtMs)) + spec.scaling.idleMs;
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
