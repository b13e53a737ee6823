/**
 * The place of one request in a lane, from when it is given until the process is done with what was asked.
 *
 *     admitted ─▶ loading ─▶ asked ─▶ told and settled ─▶ released
 */

import type { FetchRequest, GuestAnswer } from "../guest/invocations.ts";
import type { Metered } from "../guest/meter.ts";
import type { HostedProgram } from "./hosted-program.ts";

/** Where a job has its place, as far as that is asked of by whoever has the job. */
export interface JobPlace {
  /** Has its program there, unless it is. @throws {NebulaError} NEBULA_START_FAILED. */
  loadFor(job: Job): Promise<void>;
  /** Answers its request, and gives the place back when that is over; throws as `Instance.fetch` does. */
  fetch(job: Job, request: FetchRequest): Promise<GuestAnswer>;
  /** Gives the place back. */
  release(job: Job): void;
  /** Whether it failed there because of others, or may have. */
  isInnocent(job: Job): boolean;
}

/** A request, or the loading of a program ahead of any, and what is known of it in its lane. */
export interface Job {
  readonly lane: JobPlace;
  readonly program: HostedProgram;
  /** No other request of its process is busy, and none is put beside it. */
  readonly isAlone: boolean;
  /** What the process works on for it now, to the meter: its program first, then its request. */
  metered: Metered | undefined;
  /** The request itself has gone to the process. */
  isAsked: boolean;
  /** It has reached something outside, or told the client something: it cannot be repeated. */
  isSpent: boolean;
  /** Whoever asked has the answer, or the failure. */
  isTold: boolean;
  /** The process is done with it. */
  isSettled: boolean;
  /** Gives it up here, where it has begun, so that it can be repeated elsewhere; absent while that is out of the question. */
  leave: (() => void) | undefined;
  /** It was given up here because of what others did. */
  hasLeft: boolean;
}

/** Nothing has been done for it yet. */
export function createJob(how: Pick<Job, "lane" | "program" | "isAlone">): Job {
  return {
    ...how,
    metered: undefined,
    isAsked: false,
    isSpent: false,
    isTold: false,
    isSettled: false,
    leave: undefined,
    hasLeft: false,
  };
}
