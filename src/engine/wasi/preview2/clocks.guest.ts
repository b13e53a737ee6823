/**
 * `wasi:clocks`: monotonic-clock, wall-clock, and timezone, which is UTC always.
 *
 * @see https://github.com/WebAssembly/wasi-clocks/tree/v0.2.0/wit
 */

import type { WasiClock } from "../clock.guest.ts";
import type { HostFunctions } from "../component/host-function.guest.ts";
import { Pollable } from "./poll.guest.ts";
import { turn, type Waitable, Waiters } from "./readiness.guest.ts";
import type { Scope } from "./scope.guest.ts";

const NS_PER_S = 1_000_000_000n;
/** Both clocks count in microseconds at best: Node's do. */
const RESOLUTION_NS = 1000;
/** The end of `u64`: what is later never comes. */
const NEVER = 2n ** 64n - 1n;

/** The record `datetime`. */
export interface Datetime {
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

/** Nanoseconds since 1970 as a `datetime`. */
export function toDatetime(ns: bigint): Datetime {
  return { seconds: ns / NS_PER_S, nanoseconds: Number(ns % NS_PER_S) };
}

/** A `datetime` as nanoseconds since 1970. */
export function fromDatetime({ seconds, nanoseconds }: Datetime): bigint {
  return seconds * NS_PER_S + BigInt(nanoseconds);
}

/** A moment of the monotonic clock. Its timer runs from the first time that somebody asks for it. */
class Deadline implements Waitable, Disposable {
  readonly waiters = new Waiters();
  readonly #clock: WasiClock;
  readonly #when: bigint;
  /** There once its timer runs. */
  #abort: AbortController | undefined;
  #hasPassed = false;

  constructor(clock: WasiClock, when: bigint) {
    this.#clock = clock;
    this.#when = when;
  }

  isReady(): boolean {
    if (this.#abort === undefined) this.#start();
    return this.#hasPassed;
  }

  [Symbol.dispose](): void {
    this.#abort?.abort();
  }

  /** Even a moment that has passed takes one turn: a program that polls with no timeout must see what else has come. */
  #start(): void {
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    const left = this.#when - this.#clock.monotonicNs();
    const wait = left > 0n ? this.#clock.sleep(left, signal) : turn();
    void wait.then(() => {
      // Whoever dropped it, or was cancelled, must not wake up because of that.
      if (signal.aborted) return;
      this.#hasPassed = true;
      this.waiters.wakeAll();
    });
  }
}

/** `wasi:clocks/monotonic-clock` over a clock. Timers that run when the scope ends are stopped. */
export function createMonotonicClock(clock: WasiClock, scope: Scope): HostFunctions {
  const subscribe = (when: bigint): Pollable => {
    const deadline = new Deadline(clock, when < NEVER ? when : NEVER);
    const release = scope.add(deadline);
    return new Pollable(deadline, () => {
      release();
      deadline[Symbol.dispose]();
    });
  };
  return {
    now: () => clock.monotonicNs(),
    resolution: () => BigInt(RESOLUTION_NS),
    "subscribe-instant": subscribe,
    "subscribe-duration": (duration: bigint) => subscribe(clock.monotonicNs() + duration),
  };
}

/** `wasi:clocks/wall-clock` over a clock. */
export function createWallClock(clock: WasiClock): HostFunctions {
  return {
    now: () => toDatetime(clock.nowNs()),
    resolution: (): Datetime => ({ seconds: 0n, nanoseconds: RESOLUTION_NS }),
  };
}

/** `wasi:clocks/timezone`. */
export const TIMEZONE: HostFunctions = {
  display: () => ({ utcOffset: 0, name: "UTC", inDaylightSavingTime: false }),
  "utc-offset": () => 0,
};
