/**
 * The lanes of a node, and which request gets which: one queue for each program, served in turn, so that a program
 * with many requests delays none with few.
 *
 *     one lane per core; more while all of them are held up by long work; those end when they are not needed
 *
 * A request whose process ended because of another, or was held up by one that was expected to be quick, is repeated with
 * no other beside it, as long as it has reached nothing outside and its body is still whole.
 */

import { NebulaError, toNebulaError } from "../../model/errors.ts";
import type { Clock, Log } from "../../model/ports.ts";
import { sumUsage } from "../../model/top.ts";
import { Backoff } from "../backoff.ts";
import type { FetchRequest, GuestAnswer } from "../guest/invocations.ts";
import type { Usage } from "../guest/usage.ts";
import { FairQueue } from "./fair-queue.ts";
import type { HostedProgram } from "./hosted-program.ts";
import type { Job } from "./job.ts";
import type { Lane } from "./lane.ts";

/** What lanes are made with, and how many there may be. */
export interface LanesOptions {
  /** Starts a process. `onRoom` is to be called when it can take more; `signal` aborts when none is wanted. */
  open(onRoom: () => void, signal: AbortSignal): Promise<Lane>;
  /** Kept open. */
  readonly count: number;
  /** Open at the most. */
  readonly maxCount: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** An answer, and how long it waited for a lane. */
export interface LanesAnswer extends GuestAnswer {
  readonly queueMs: number;
}

/** All lanes are held up when nothing has moved for this long. */
const HELD_UP_MS = 15;
/** How long an extra lane is kept without work. */
const EXTRA_IDLE_MS = 10_000;
const BACKOFF_MS = { firstMs: 50, lastMs: 5_000 };
/** How often a request is given to a lane at the most. */
const MAX_ATTEMPTS = 3;

/** The lanes of one node. */
export class Lanes implements AsyncDisposable {
  readonly #options: LanesOptions;
  readonly #lanes: Lane[] = [];
  readonly #queue: FairQueue;
  readonly #backoff: Backoff;
  readonly #closed = new AbortController();
  readonly #pending = new Set<Promise<void>>();
  #opening = 0;
  #heldUp: Disposable | undefined;
  #sweep: Disposable | undefined;

  constructor(options: LanesOptions) {
    const { clock } = options;
    this.#options = options;
    this.#backoff = new Backoff({ clock, ...BACKOFF_MS });
    this.#queue = new FairQueue({ clock, admit: (program, how) => this.#admit(program, how) });
  }

  /** Opens lanes ahead of time. */
  warm(): void {
    while (this.#lanes.length + this.#opening < this.#options.count) this.#open();
  }

  /** Has the program in one lane. @throws {NebulaError} NEBULA_START_FAILED. */
  async load(program: HostedProgram, { signal }: { signal: AbortSignal }): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const job = await this.#take(program, { isAlone: attempt > 1, signal });
      try {
        return await job.lane.loadFor(job);
      } catch (thrown) {
        if (!job.lane.isInnocent(job) || signal.aborted || attempt === MAX_ATTEMPTS) throw thrown;
      } finally {
        job.lane.release(job);
      }
    }
  }

  /** Lets the program go everywhere. */
  unload(program: HostedProgram): void {
    for (const lane of this.#lanes) lane.unload(program);
  }

  /** Answers a request; throws as `Instance.fetch` does, and NEBULA_OVERLOADED when no lane has room in time. */
  async fetch(program: HostedProgram, request: FetchRequest): Promise<LanesAnswer> {
    const { clock } = this.#options;
    const { signal, body } = request.call;
    const arrivedAtMs = clock.nowMs();
    for (let attempt = 1; ; attempt++) {
      const taken = this.#take(program, { isAlone: attempt > 1, signal });
      const job = taken instanceof Promise ? await taken : taken;
      const queueMs = clock.nowMs() - arrivedAtMs;
      try {
        return { ...(await job.lane.fetch(job, request)), queueMs };
      } catch (thrown) {
        const isWhole = !job.isAsked || !(body instanceof ReadableStream);
        const isRepeatable = !job.isSpent && isWhole && !signal.aborted;
        if (!job.lane.isInnocent(job) || !isRepeatable || attempt === MAX_ATTEMPTS) throw thrown;
      }
    }
  }

  /** What all of them use. */
  findUsage(): Usage {
    return sumUsage(this.#lanes.flatMap((lane) => lane.findUsage() ?? []));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    this.#heldUp?.[Symbol.dispose]();
    this.#sweep?.[Symbol.dispose]();
    this.#queue.failAll(closed());
    await Promise.all(this.#pending);
    await Promise.all(this.#lanes.splice(0).map((lane) => lane[Symbol.asyncDispose]()));
  }

  /** A place in a lane: at once when there is one and nobody of the same program has waited for longer. */
  #take(program: HostedProgram, { isAlone, signal }: { isAlone: boolean; signal: AbortSignal }): Job | Promise<Job> {
    if (this.#closed.signal.aborted) throw closed();
    const job = this.#queue.isWaiting(program) ? undefined : this.#admit(program, { isAlone });
    if (job !== undefined) return job;
    const waiting = this.#queue.join(program, { isAlone, signal });
    this.#grow();
    return waiting;
  }

  #admit(program: HostedProgram, how: { isAlone: boolean }): Job | undefined {
    // One lane is left to those who want to be alone, as long as any wait: it would never be free otherwise.
    const kept = !how.isAlone && this.#queue.isWaitingAlone ? this.#lanes.find((lane) => lane.isOpen) : undefined;
    let mayHoldMore: boolean | undefined;
    for (const lane of this.#inOrder(program, how)) {
      if (lane === kept) continue;
      if (lane.isFree) {
        mayHoldMore ??= this.#mayHoldMore(program);
        if (!mayHoldMore) continue;
      }
      const job = lane.admit(program, how);
      if (job !== undefined) return job;
    }
    return undefined;
  }

  /** What may take long, or must not be disturbed, is best where nobody is: there all that happens is its own. */
  #inOrder({ expectedMs }: HostedProgram, { isAlone }: { isAlone: boolean }): readonly Lane[] {
    if (!isAlone && Number.isFinite(expectedMs)) return this.#lanes;
    return this.#lanes.toSorted((a, b) => Number(b.isIdle) - Number(a.isIdle));
  }

  /** Whoever keeps lanes busy gets one more as long as more than that are left to others. */
  #mayHoldMore(program: HostedProgram): boolean {
    const { count, maxCount } = this.#options;
    const busy = this.#lanes.filter((lane) => !lane.isFree);
    if (busy.length < count) return true;
    return busy.filter((lane) => lane.isHeldBy(program)).length < maxCount - busy.length;
  }

  /** Somebody waits. Lanes that are always there are opened at once, others when all are held up. */
  #grow(): void {
    const { count, maxCount, clock } = this.#options;
    const open = this.#lanes.length + this.#opening;
    // because whoever waits beside a free lane may not have it
    if (this.#queue.wanting === 0 || this.#lanes.some((lane) => lane.isFree)) return;
    if (open < count) this.#open();
    if (open < count || open >= maxCount || this.#heldUp !== undefined) return;
    const servedBefore = this.#queue.served;
    this.#heldUp = clock.after(HELD_UP_MS, () => {
      this.#heldUp = undefined;
      if (this.#queue.wanting === 0) return;
      if (this.#queue.served === servedBefore && this.#lanes.length + this.#opening < maxCount) this.#open();
      this.#grow();
    });
  }

  #open(): void {
    this.#opening += 1;
    const opening = this.#openOne().finally(() => this.#pending.delete(opening));
    this.#pending.add(opening);
  }

  async #openOne(): Promise<void> {
    const { signal } = this.#closed;
    try {
      await this.#backoff.wait(signal);
      signal.throwIfAborted();
      const lane = await this.#options.open(() => this.#onRoom(), signal);
      this.#backoff.succeed();
      this.#lanes.push(lane);
      void lane.ended.then((reason) => this.#onEnded(lane, reason));
    } catch (thrown) {
      if (signal.aborted) return;
      this.#backoff.fail();
      const error = toNebulaError(thrown);
      this.#options.log.write("error", "lane not opened", { code: error.code, error: error.message });
      if (this.#lanes.length === 0) this.#queue.failAll(error);
    } finally {
      this.#opening -= 1;
    }
    this.#onRoom();
  }

  #onEnded(lane: Lane, reason: NebulaError | undefined): void {
    const at = this.#lanes.indexOf(lane);
    if (at < 0) return;
    this.#lanes.splice(at, 1);
    if (reason !== undefined) {
      const fields = { code: reason.code, reason: reason.message };
      this.#options.log.write("warn", "lane ended", fields);
    }
    if (this.#lanes.length + this.#opening < this.#options.count) this.#open();
    this.#onRoom();
  }

  #onRoom(): void {
    this.#queue.serve();
    if (this.#queue.wanting > 0) this.#grow();
    else if (this.#lanes.length > this.#options.count) this.#scheduleSweep();
  }

  /** Ends a lane that is not needed any more, one at a time. */
  #scheduleSweep(): void {
    if (this.#closed.signal.aborted) return;
    this.#sweep ??= this.#options.clock.after(EXTRA_IDLE_MS, () => {
      this.#sweep = undefined;
      const at = this.#lanes.findLastIndex((lane) => lane.isIdle);
      if (this.#lanes.length <= this.#options.count || at < 0) return;
      const [lane] = this.#lanes.splice(at, 1);
      void lane?.[Symbol.asyncDispose]();
      if (this.#lanes.length > this.#options.count) this.#scheduleSweep();
    });
  }
}

function closed(): NebulaError {
  return new NebulaError("NEBULA_DRAINING", "Cannot take a request: the node is stopping");
}
