/**
 * Places for calls of this process to its host, shared by its programs.
 *
 * The host ends a process that has many more calls open than these: what would be too many waits here. A program has
 * half of them at the most, and a place that becomes free goes to the program that has fewest, so that one whose calls
 * hang for long keeps nobody else from calling.
 */

/** Calls of the process at once; the host's limit is higher. */
const MAX_CALLS = 200;
const MAX_CALLS_OF_ONE = 100;

/** The calls of one program. */
interface Caller {
  open: number;
  readonly waiting: Set<() => void>;
}

/** A number of places. */
export class CallSlots {
  readonly #callers = new Map<string, Caller>();
  #free = MAX_CALLS;

  /** Waits for a place; the result gives it back. Rejects with the signal's reason when it aborts before. */
  async take(program: string, signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    const caller = this.#callers.get(program) ?? { open: 0, waiting: new Set() };
    this.#callers.set(program, caller);
    if (this.#free === 0 || caller.open >= MAX_CALLS_OF_ONE) await this.#wait(caller, signal);
    else this.#give(caller);
    return () => {
      caller.open -= 1;
      this.#free += 1;
      this.#next();
      if (caller.open === 0 && caller.waiting.size === 0) this.#callers.delete(program);
    };
  }

  #give(caller: Caller): void {
    caller.open += 1;
    this.#free -= 1;
  }

  async #wait(caller: Caller, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => {
      caller.waiting.delete(resolve);
      reject(signal?.reason);
    };
    caller.waiting.add(resolve);
    signal?.addEventListener("abort", onAbort);
    await promise;
    signal?.removeEventListener("abort", onAbort);
  }

  #next(): void {
    let next: Caller | undefined;
    for (const caller of this.#callers.values()) {
      if (caller.waiting.size === 0 || caller.open >= MAX_CALLS_OF_ONE) continue;
      if (next === undefined || caller.open < next.open) next = caller;
    }
    const [first] = next?.waiting ?? [];
    if (next === undefined || first === undefined) return;
    next.waiting.delete(first);
    this.#give(next);
    first();
  }
}
