/**
 * Holds one guest process to its CPU and memory limits, from outside.
 *
 * CPU time between two looks is shared equally by the requests in flight; a request that has had more than its
 * limit breaks it. A loop that never yields shows sooner: a ping goes unanswered while the processor runs, and
 * then that whole stretch counts. Work with no request in flight is held to the same limit in sum.
 */

import { NebulaError } from "../../model/errors.ts";
import type { Limits } from "../../model/function.ts";
import { formatBytes, formatMs } from "../../model/units.ts";
import type { Usage } from "./usage.ts";

/** What the whole process is held to, and from where. */
export interface MeterOptions {
  /** `cpuMs` is for work without a request, and for requests that bring no limit of their own. */
  readonly limits: Pick<Limits, "cpuMs" | "memoryBytes">;
  /** Usage of the process while it was blank: what is its own, and not the function's. */
  readonly blank: Usage;
  /** Asks the process for a sign of life. */
  ping(): Promise<unknown>;
  /** Called when it has given one. */
  onAlive?(): void;
}

/** One request as the meter sees it. */
export interface Metered {
  readonly cpuMs: number;
  /** To be called when it is over; quiet when repeated. */
  stop(): void;
}

/** A limit that is broken, and the requests that may have done it; none when nobody was asking. */
export interface Broken {
  readonly limit: "cpuMs" | "memoryBytes";
  readonly suspects: readonly Metered[];
}

/** What one guest process has used, held against its limits. */
export class Meter {
  readonly #options: MeterOptions;
  /** With the share counter when the request was first seen; `undefined` until then. */
  readonly #metered = new Map<Metered, number | undefined>();
  #last: Usage;
  /** What one request that was always there would have had. */
  #shareMs = 0;
  #idleMs = 0;
  #unansweredMs = 0;
  #isPinging = false;

  constructor(options: MeterOptions) {
    this.#options = options;
    this.#last = options.blank;
  }

  get inFlight(): number {
    return this.#metered.size;
  }

  /** Memory that the function holds. */
  get memoryBytes(): number {
    return Math.max(0, this.#last.memoryBytes - this.#options.blank.memoryBytes);
  }

  /** Whether the last question for a sign of life has been answered, or none was due. */
  get isAlive(): boolean {
    return !this.#isPinging;
  }

  /** Processor time since the last question for a sign of life; 0 when that has been answered. */
  get unansweredCpuMs(): number {
    return this.#unansweredMs;
  }

  /** Counts a request from now on. */
  begin(cpuMs = this.#options.limits.cpuMs): Metered {
    const metered: Metered = { cpuMs, stop: () => void this.#metered.delete(metered) };
    this.#metered.set(metered, undefined);
    return metered;
  }

  /** Takes a look; gives the limit that is broken, if one is. */
  sample(usage: Usage): Broken | undefined {
    const spentMs = usage.cpuMs - this.#last.cpuMs;
    this.#last = usage;
    const { limits } = this.#options;
    if (this.memoryBytes > limits.memoryBytes) return { limit: "memoryBytes", suspects: [...this.#metered.keys()] };
    if (this.#isPinging) this.#unansweredMs += spentMs;
    else if (spentMs > 0) this.#ping();
    if (this.#metered.size === 0) {
      this.#idleMs += spentMs;
      const isBroken = Math.max(this.#idleMs, this.#unansweredMs) > limits.cpuMs;
      return isBroken ? { limit: "cpuMs", suspects: [] } : undefined;
    }
    this.#idleMs = 0;
    const suspects = this.#share(spentMs);
    return suspects.length === 0 ? undefined : { limit: "cpuMs", suspects };
  }

  /** Charges everybody with an equal share; gives those who have had more than their limit. */
  #share(spentMs: number): Metered[] {
    this.#shareMs += spentMs / this.#metered.size;
    const suspects: Metered[] = [];
    let isSilent = false;
    for (const [metered, since] of this.#metered) {
      if (since === undefined) this.#metered.set(metered, this.#shareMs);
      const usedMs = since === undefined ? 0 : this.#shareMs - since;
      if (usedMs > metered.cpuMs) suspects.push(metered);
      isSilent ||= this.#unansweredMs > metered.cpuMs;
    }
    // Nobody knows whose that stretch was, and least of all does it follow from who may have the least.
    return isSilent ? [...this.#metered.keys()] : suspects;
  }

  #ping(): void {
    this.#isPinging = true;
    const answered = () => {
      this.#isPinging = false;
      this.#unansweredMs = 0;
      this.#options.onAlive?.();
    };
    this.#options.ping().then(answered, answered);
  }
}

/** The error of the table for a limit that a function broke. */
export function limitBroken(
  { name, limits }: { name: string; limits: Pick<Limits, "cpuMs" | "memoryBytes"> },
  limit: Broken["limit"],
): NebulaError {
  const details = { limit, value: limits[limit], function: name };
  return limit === "memoryBytes"
    ? new NebulaError(
        "NEBULA_MEMORY_LIMIT",
        `Cannot go on with "${name}": it holds more than its memory limit of ${formatBytes(limits.memoryBytes)}`,
        { details },
      )
    : new NebulaError(
        "NEBULA_CPU_LIMIT",
        `Cannot go on with "${name}": it used more than its CPU limit of ${formatMs(limits.cpuMs)}`,
        { details },
      );
}
