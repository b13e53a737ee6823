/**
 * Abort signals.
 *
 * @see https://dom.spec.whatwg.org/#aborting-ongoing-activities
 */

import { NebulaEvent, NebulaEventTarget } from "./events.ts";

/** Lets this area make and abort signals; scripts cannot. */
const key = Symbol("signal");

/** `AbortSignal`. */
export class NebulaAbortSignal extends NebulaEventTarget {
  #reason: unknown;
  #isAborted = false;
  #dependents: NebulaAbortSignal[] = [];
  onabort: unknown = null;

  constructor(given?: symbol) {
    if (given !== key) throw new TypeError("Illegal constructor");
    super();
  }

  get aborted(): boolean {
    return this.#isAborted;
  }

  get reason(): unknown {
    return this.#reason;
  }

  throwIfAborted(): void {
    if (this.#isAborted) throw this.#reason;
  }

  static abort(reason?: unknown): NebulaAbortSignal {
    const signal = createSignal();
    abortSignal(signal, reason);
    return signal;
  }

  static timeout(delayMs: number): NebulaAbortSignal {
    const signal = createSignal();
    const reason = () => new DOMException("The operation was aborted due to timeout", "TimeoutError");
    setTimeout(() => abortSignal(signal, reason()), delayMs);
    return signal;
  }

  static any(signals: Iterable<NebulaAbortSignal>): NebulaAbortSignal {
    const made = createSignal();
    const all = [...signals];
    const aborted = all.find((signal) => signal.aborted);
    if (aborted !== undefined) abortSignal(made, aborted.reason);
    else for (const signal of all) signal.#dependents.push(made);
    return made;
  }

  /** Aborts the signal and those that follow it, once. */
  static [key](signal: NebulaAbortSignal, reason: unknown): void {
    if (signal.#isAborted) return;
    signal.#isAborted = true;
    signal.#reason = reason === undefined ? new DOMException("This operation was aborted", "AbortError") : reason;
    signal.dispatchEvent(new NebulaEvent("abort"));
    const dependents = signal.#dependents;
    signal.#dependents = [];
    for (const dependent of dependents) abortSignal(dependent, signal.#reason);
  }
}

/** `AbortController`. */
export class NebulaAbortController {
  readonly #signal = createSignal();

  get signal(): NebulaAbortSignal {
    return this.#signal;
  }

  abort(reason?: unknown): void {
    abortSignal(this.#signal, reason);
  }
}

/** A signal that nothing has aborted. */
export function createSignal(): NebulaAbortSignal {
  return new NebulaAbortSignal(key);
}

/** Aborts a signal; twice is quiet. */
export function abortSignal(signal: NebulaAbortSignal, reason?: unknown): void {
  NebulaAbortSignal[key](signal, reason);
}
