/**
 * The right to each directory that persists, by the name of its function: all deployments of a function share one.
 *
 * It is there as long as anything still has it, a request under way included, and goes with the last: kept for longer it
 * would keep a program and a process with it.
 */

import type { StateHold } from "./hosted-program.ts";

/** The rights to the directories of one node. */
export class StateHolds {
  readonly #holds = new Map<string, WeakRef<StateHold>>();
  readonly #gone = new FinalizationRegistry((name: string) => {
    // because there may be a new one of that name by then
    if (this.#holds.get(name)?.deref() === undefined) this.#holds.delete(name);
  });

  /** How many are known. */
  get size(): number {
    return this.#holds.size;
  }

  /** The one of that name, for as long as it is kept by whoever gets it. */
  find(name: string): StateHold {
    const known = this.#holds.get(name)?.deref();
    if (known !== undefined) return known;
    const hold: StateHold = { job: undefined, program: undefined, lane: undefined };
    this.#holds.set(name, new WeakRef(hold));
    this.#gone.register(hold, name);
    return hold;
  }
}
