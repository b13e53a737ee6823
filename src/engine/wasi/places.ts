/**
 * The jobs in one process: how many it takes, and which of them keep it busy.
 *
 *     busy ─▶ waiting ─▶ gone          one that waits leaves the process to others, and may be busy again
 *
 * Knows what each is expected to take and nothing of how that comes about.
 */

import type { Metered } from "../guest/meter.ts";
import type { HostedProgram } from "./hosted-program.ts";
import type { Job } from "./job.ts";

/** At once in one process, waiting ones included. */
const MAX_JOBS = 256;
/** More is given to a process only while it is expected to be done with what it has after this. */
const AHEAD_MS = 2;

/** The jobs of one lane. */
export class Places {
  readonly #jobs = new Set<Job>();
  /** With what they are expected to take. */
  readonly #busy = new Map<Job, number>();

  /** Jobs whose instance is not through, waiting ones included. */
  get size(): number {
    return this.#jobs.size;
  }

  /** Whether as many are there as may be. */
  get isFull(): boolean {
    return this.#jobs.size >= MAX_JOBS;
  }

  /** Whether any keeps the process busy, as far as is known. */
  get isBusy(): boolean {
    return this.#busy.size > 0;
  }

  /** Those that do, with what each is expected to take. */
  get busy(): Iterable<readonly [Job, number]> {
    return this.#busy;
  }

  /** What the process works on for them, to its meter: any of it may run when the process turns to nothing else. */
  get metered(): Metered[] {
    return this.findAll(() => true).flatMap(({ metered }) => (metered === undefined ? [] : [metered]));
  }

  add(job: Job): void {
    this.#jobs.add(job);
    this.#busy.set(job, job.program.expectedMs);
  }

  /** It waits, or is through. */
  leaveToOthers(job: Job): void {
    this.#busy.delete(job);
  }

  remove(job: Job): void {
    this.#jobs.delete(job);
    this.#busy.delete(job);
  }

  /** Whether one more would be answered about as soon as anywhere, besides those that keep the process busy. */
  hasRoomBeside({ expectedMs }: HostedProgram, { isAlone }: { isAlone: boolean }): boolean {
    let aheadMs = isAlone ? Number.POSITIVE_INFINITY : 0;
    for (const [job, ms] of this.#busy) aheadMs += job.isAlone ? Number.POSITIVE_INFINITY : ms;
    return aheadMs + expectedMs <= AHEAD_MS;
  }

  /** Whether any is of the program; of those that are busy where that is asked. */
  has(program: HostedProgram, { isBusy }: { isBusy: boolean }): boolean {
    for (const job of isBusy ? this.#busy.keys() : this.#jobs) if (job.program === program) return true;
    return false;
  }

  /** Those that the process has been asked for and that keep it busy. */
  findAsked(): Job[] {
    return [...this.#busy.keys()].filter(({ isAsked }) => isAsked);
  }

  findAll(fits: (job: Job) => boolean): Job[] {
    return [...this.#jobs].filter(fits);
  }
}
