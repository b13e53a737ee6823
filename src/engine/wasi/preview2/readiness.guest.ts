/**
 * Waiting without threads: what can become ready, and who is told when it may have.
 *
 * Waiters are callbacks that are taken off again, not reactions on a promise: a program that polls a long-lived
 * source a million times must leave nothing behind.
 */

/** Callbacks to call once, when something may have changed. */
export class Waiters {
  readonly #wakes = new Set<() => void>();

  add(wake: () => void): void {
    this.#wakes.add(wake);
  }

  delete(wake: () => void): void {
    this.#wakes.delete(wake);
  }

  /** Calls all of them and forgets them. */
  wakeAll(): void {
    if (this.#wakes.size === 0) return;
    const wakes = [...this.#wakes];
    this.#wakes.clear();
    for (const wake of wakes) wake();
  }
}

/** Something that is ready or will be. */
export interface Waitable {
  /** Whether a call would get somewhere now. Asking may start the work that makes it ready. */
  isReady(): boolean;
  readonly waiters: Waiters;
}

/** Settles when one of them is ready. */
export async function waitForAny(waitables: readonly Waitable[]): Promise<void> {
  while (!waitables.some((each) => each.isReady())) {
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const { waiters } of waitables) waiters.add(resolve);
    try {
      await promise;
    } finally {
      for (const { waiters } of waitables) waiters.delete(resolve);
    }
  }
}

/** Goes on when it is ready: at once, or with a promise. */
export function whenReady<T>(waitable: Waitable, next: () => T | Promise<T>): T | Promise<T> {
  return waitable.isReady() ? next() : waitForAny([waitable]).then(next);
}

/** A turn of the event loop: whatever has arrived by now is delivered. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
