/**
 * A circuit breaker: what keeps failing is left alone for a while, then tried with one request.
 *
 *     closed ─▶ open          5 failures in a row, or half of the last 20
 *     open ─▶ half-open       after 1 s, twice as long each time up to 30 s
 *     half-open ─▶ closed     the one request that was let through went well
 *               └▶ open       it did not
 */

import type { Clock } from "../../model/ports.ts";

/** Time and chance. */
export interface BreakerOptions {
  readonly clock: Clock;
  /** From 0 to 1: so that nodes that lost the same thing do not come back together. */
  random(): number;
}

/** Where it is in the picture above. */
export type BreakerState = "closed" | "open" | "half-open";

/** Names the state that a request was let through in: what becomes of it later counts there only. */
export type Pass = number;

const FAILURES_IN_A_ROW = 5;
const WINDOW = 20;
const FAILURES_IN_WINDOW = WINDOW / 2;
const FIRST_PAUSE_MS = 1_000;
const LAST_PAUSE_MS = 30_000;
/** A pause is up to so much shorter. */
const JITTER_RATIO = 0.2;

/** The breaker of one thing. */
export class Breaker {
  readonly #options: BreakerOptions;
  /** Of the last requests, the latest in the lowest bit: 1 is a failure. */
  #outcomes = 0;
  #seen = 0;
  #inARow = 0;
  #isOpen = false;
  #opensAtMs = 0;
  #pauseMs = 0;
  #isProbing = false;
  /** Counts changes of state, and probes. */
  #pass: Pass = 0;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  get state(): BreakerState {
    if (!this.#isOpen) return "closed";
    return this.opensInMs > 0 ? "open" : "half-open";
  }

  /** How long it stays open; 0 when it is not. */
  get opensInMs(): number {
    return this.#isOpen ? Math.max(0, this.#opensAtMs - this.#options.clock.nowMs()) : 0;
  }

  /** Whether a request would be let through now. */
  get wouldAdmit(): boolean {
    return !this.#isOpen || (!this.#isProbing && this.opensInMs === 0);
  }

  /** Lets a request through, where `wouldAdmit` or because there is no other hope. Its outcome is to be told to `settle`. */
  admit(): Pass {
    if (this.#isOpen && this.wouldAdmit) {
      this.#isProbing = true;
      this.#pass += 1;
    }
    return this.#pass;
  }

  /** Takes note of how a request went; `undefined` when that says nothing of the thing itself. */
  settle(pass: Pass, isWell: boolean | undefined): void {
    if (pass !== this.#pass) return;
    if (this.#isOpen) this.#settleOpen(isWell);
    else if (isWell !== undefined) this.#count(isWell);
  }

  #settleOpen(isWell: boolean | undefined): void {
    if (isWell === true) this.#close();
    else if (this.#isProbing) {
      this.#isProbing = false;
      if (isWell === false) this.#open();
    }
  }

  #count(isWell: boolean): void {
    this.#inARow = isWell ? 0 : this.#inARow + 1;
    this.#outcomes = ((this.#outcomes << 1) | (isWell ? 0 : 1)) & (2 ** WINDOW - 1);
    this.#seen = Math.min(WINDOW, this.#seen + 1);
    const isHalf = this.#seen === WINDOW && countOnes(this.#outcomes) >= FAILURES_IN_WINDOW;
    if (this.#inARow >= FAILURES_IN_A_ROW || isHalf) this.#open();
  }

  #open(): void {
    const { clock, random } = this.#options;
    this.#isOpen = true;
    this.#pass += 1;
    this.#pauseMs = Math.min(LAST_PAUSE_MS, this.#pauseMs === 0 ? FIRST_PAUSE_MS : 2 * this.#pauseMs);
    this.#opensAtMs = clock.nowMs() + this.#pauseMs * (1 - JITTER_RATIO * random());
  }

  #close(): void {
    this.#pass += 1;
    this.#isOpen = false;
    this.#isProbing = false;
    this.#outcomes = 0;
    this.#seen = 0;
    this.#inARow = 0;
    this.#pauseMs = 0;
  }
}

function countOnes(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}
