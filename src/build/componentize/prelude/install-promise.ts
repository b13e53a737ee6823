/**
 * Puts our promises in the place of the engine's. Imported before anything that keeps the class it finds.
 *
 * The queue and the list are constants of this file because a guest is one world with one job queue.
 */

import { Jobs } from "./jobs.ts";
import { createPromiseClass, type Rejections } from "./promise.ts";

/** Promises that were rejected and have no handler yet, with their reasons. */
export class RejectionList implements Rejections {
  readonly #reasons = new Map<object, unknown>();

  add(promise: object, reason: unknown): void {
    this.#reasons.set(promise, reason);
  }

  remove(promise: object): void {
    this.#reasons.delete(promise);
  }

  /** All of them, once. */
  take(): [promise: object, reason: unknown][] {
    if (this.#reasons.size === 0) return [];
    const all = [...this.#reasons];
    this.#reasons.clear();
    return all;
  }
}

/** The job queue of this guest. */
export const jobs = new Jobs();
/** What nobody has caught in this guest. */
export const rejections = new RejectionList();

// Only where the engine has no jobs of its own: tests of the prelude run in Node.
if ("__cqjs" in globalThis) {
  const value = createPromiseClass(jobs, rejections);
  Object.defineProperty(globalThis, "Promise", { value, writable: true, configurable: true });
}
