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

/** Whose limits count, and from where. */
export interface MeterOptions {
  /** The function, for messages. */
  readonly name: string;
  readonly limits: Pick<Limits, "cpuMs" | "memoryBytes">;
  /** Usage of the process while it was blank: what is its own, and not the function's. */
  readonly blank: Usage;
  /** Asks the process for a sign of life. */
  ping(): Promise<unknown>;
}

/** One request as the meter sees it. */
interface Metered {
  /** The share counter when the request was first seen; `undefined` until then. */
  since: number | undefined;
}

/** What one guest process has used, held against its limits. */
export class Meter {
  readonly #options: MeterOptions;
  readonly #metered = new Set<Metered>();
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

  /** Counts a request from now on; call the result once, when it is over. */
  begin(): () => void {
    const metered: Metered = { since: undefined };
    this.#metered.add(metered);
    return () => void this.#metered.delete(metered);
  }

  /** Takes a look; gives the limit that is broken, if one is. */
  sample(usage: Usage): NebulaError | undefined {
    const spentMs = usage.cpuMs - this.#last.cpuMs;
    this.#last = usage;
    const { name, limits } = this.#options;
    if (this.memoryBytes > limits.memoryBytes) {
      return new NebulaError(
        "NEBULA_MEMORY_LIMIT",
        `Cannot go on with "${name}": it holds more than its memory limit of ${formatBytes(limits.memoryBytes)}`,
        {
          details: { limit: "memoryBytes", value: limits.memoryBytes, function: name },
        },
      );
    }
    if (this.#longestMs(spentMs) <= limits.cpuMs) return undefined;
    return new NebulaError(
      "NEBULA_CPU_LIMIT",
      `Cannot go on with "${name}": it used more than its CPU limit of ${formatMs(limits.cpuMs)}`,
      {
        details: { limit: "cpuMs", value: limits.cpuMs, function: name },
      },
    );
  }

  #longestMs(spentMs: number): number {
    if (this.#isPinging) this.#unansweredMs += spentMs;
    else if (spentMs > 0) this.#ping();
    if (this.#metered.size === 0) {
      this.#idleMs += spentMs;
      return Math.max(this.#idleMs, this.#unansweredMs);
    }
    this.#idleMs = 0;
    let longestMs = this.#unansweredMs;
    this.#shareMs += spentMs / this.#metered.size;
    for (const metered of this.#metered) {
      if (metered.since === undefined) metered.since = this.#shareMs;
      else longestMs = Math.max(longestMs, this.#shareMs - metered.since);
    }
    return longestMs;
  }

  #ping(): void {
    this.#isPinging = true;
    const answered = () => {
      this.#isPinging = false;
      this.#unansweredMs = 0;
    };
    this.#options.ping().then(answered, answered);
  }
}
