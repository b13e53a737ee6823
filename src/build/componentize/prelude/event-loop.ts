/**
 * The event loop of one function: jobs, timers, and whatever the host makes it wait for.
 *
 *     run ─▶ jobs ─▶ over? ─▶ due timers ─▶ wait for a timer or the host ─▶ jobs ─▶ …
 *
 * While the function is built nothing can be waited for: timers then come due at once, in their order.
 */

import type { Host, Pollable } from "./host.ts";
import type { Jobs } from "./jobs.ts";

/** A day: what to wait for when nothing will happen; the limits of the function end it before. */
const FOREVER_NS = 86_400e9;
const NS_PER_MS = 1e6;

interface Timer {
  readonly id: number;
  dueMs: number;
  readonly everyMs: number | undefined;
  readonly call: () => void;
}

interface Waiter {
  readonly pollable: Pollable;
  readonly wake: () => void;
}

/** Timers and waiters. One for each guest. */
export class EventLoop {
  readonly #jobs: Jobs;
  readonly #afterJobs: () => void;
  readonly #timers = new Map<number, Timer>();
  #waiters: Waiter[] = [];
  #host: Host | undefined;
  #lastId = 0;
  /** The time while there is no clock. */
  #stillMs = 0;

  constructor(jobs: Jobs, afterJobs: () => void) {
    this.#jobs = jobs;
    this.#afterJobs = afterJobs;
  }

  /** There are clocks and things to wait for from now on. */
  connect(host: Host): void {
    this.#host = host;
    this.#stillMs = 0;
    if (this.#timers.size === 0) return;
    const nowMs = this.#nowMs();
    for (const timer of this.#timers.values()) timer.dueMs = nowMs + (timer.everyMs ?? 0);
  }

  addTimer(call: () => void, options: { delayMs: number; isRepeated: boolean }): number {
    const delayMs = Math.max(0, options.delayMs);
    const everyMs = options.isRepeated ? Math.max(1, delayMs) : undefined;
    const id = ++this.#lastId;
    this.#timers.set(id, { id, dueMs: this.#nowMs() + delayMs, everyMs, call });
    return id;
  }

  removeTimer(id: number): void {
    this.#timers.delete(id);
  }

  /** Fulfils when the pollable is ready, and drops it. Its `cancel` drops it before. */
  wait(pollable: Pollable): { readonly ready: Promise<void>; cancel(): void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter = { pollable, wake: resolve };
    this.#waiters.push(waiter);
    return {
      ready: promise,
      cancel: () => {
        if (!this.#waiters.includes(waiter)) return;
        this.#waiters = this.#waiters.filter((each) => each !== waiter);
        pollable[Symbol.dispose]();
      },
    };
  }

  /** Runs until nothing is left to do, or until `isOver` says so between two turns. */
  run(isOver: () => boolean): void {
    for (;;) {
      this.#runJobs();
      if (isOver()) return;
      const next = this.#firstTimer();
      if (next !== undefined && next.dueMs <= this.#nowMs()) this.#fire(next);
      else if (this.#host !== undefined) this.#waitFor(next, this.#host);
      else if (next === undefined) return;
      else this.#stillMs = next.dueMs;
    }
  }

  #runJobs(): void {
    this.#jobs.drain();
    this.#afterJobs();
  }

  #fire(timer: Timer): void {
    if (timer.everyMs === undefined) this.#timers.delete(timer.id);
    else timer.dueMs = this.#nowMs() + timer.everyMs;
    timer.call();
  }

  #waitFor(timer: Timer | undefined, host: Host): void {
    const waitNs = timer === undefined ? FOREVER_NS : Math.ceil((timer.dueMs - this.#nowMs()) * NS_PER_MS);
    const waiters = this.#waiters;
    // The alarm comes first, so that the others keep their places.
    const needsAlarm = timer !== undefined || waiters.length === 0;
    const alarm = needsAlarm ? host.monotonic.subscribeDuration(Math.max(0, waitNs)) : undefined;
    const pollables = waiters.map(({ pollable }) => pollable);
    const ready = host.poll.poll(alarm === undefined ? pollables : [alarm, ...pollables]);
    alarm?.[Symbol.dispose]();
    const shift = alarm === undefined ? 0 : 1;
    const woken = new Set(Array.from(ready, (index) => waiters[index - shift]));
    this.#waiters = waiters.filter((waiter) => !woken.has(waiter));
    for (const waiter of woken) {
      waiter?.pollable[Symbol.dispose]();
      waiter?.wake();
    }
  }

  #firstTimer(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers.values()) if (first === undefined || timer.dueMs < first.dueMs) first = timer;
    return first;
  }

  #nowMs(): number {
    return this.#host === undefined ? this.#stillMs : this.#host.monotonic.now() / NS_PER_MS;
  }
}
