/**
 * Work that is done once for all who want it, and again when it has failed or was forgotten.
 */

import { orAborted } from "../../model/or-aborted.ts";
import { startCancelled } from "./start-failed.ts";

/** What the work gives, as long as it holds. Whoever gives up takes it from nobody else. */
export class Shared<T> {
  readonly #work: () => Promise<T>;
  #result: Promise<T> | undefined;

  constructor(work: () => Promise<T>) {
    this.#work = work;
  }

  /** What came of it, begun unless somebody has. Rejects with its failure, or when the signal aborts. */
  async get({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<T> {
    return await orAborted(this.#result ?? this.#begin(), signal, startCancelled);
  }

  /** It does not hold any more: whoever asks next has it done again. */
  forget(): void {
    this.#result = undefined;
  }

  #begin(): Promise<T> {
    const result = this.#work();
    this.#result = result;
    // because those who wait are told themselves
    result.catch(() => {
      if (this.#result === result) this.#result = undefined;
    });
    return result;
  }
}
