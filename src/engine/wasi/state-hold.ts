/**
 * The right to a directory that persists: one request at a time has it, in whatever deployment of its function.
 */

/** Who has the directory of one function, and which process has it as it was saved last. */
export class StateHold {
  #job: object | undefined;
  #program: object | undefined;
  #lane: object | undefined;

  /** Whether a request has it now. */
  get isTaken(): boolean {
    return this.#job !== undefined;
  }

  /** Gives it to a request. Says whether the program has it in that lane as it was saved last: else it is to be loaded anew. */
  take(job: { readonly program: object; readonly lane: object }): boolean {
    const { program, lane } = job;
    const isFresh = this.#program === program && this.#lane === lane;
    this.#job = job;
    this.#program = program;
    this.#lane = lane;
    return isFresh;
  }

  /** Quiet when another has it. */
  release(job: object): void {
    if (this.#job === job) this.#job = undefined;
  }
}

/**
 * The rights to the directories of one node, by the name of the function. One is there as long as anything still has it, a
 * request under way included, and goes with the last: kept for longer it would keep a program and a process with it.
 */
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
    const hold = new StateHold();
    this.#holds.set(name, new WeakRef(hold));
    this.#gone.register(hold, name);
    return hold;
  }
}
