/**
 * One instance's stay in the host: its timers and requests, and the one call in which it waits.
 *
 * When it is cancelled it does not simply sleep for ever: the call in which it waits throws, so that its stack is
 * unwound and its memory can be used again. Until the call of its export has settled it may still run.
 */

import type { HostFunctions } from "../component/host-function.guest.ts";

/** What a cancelled guest is thrown. */
export class Cancelled extends Error {
  override readonly name = "Cancelled";
}

/** Things that end together. */
export class Scope implements Disposable {
  #open: Set<Disposable> | undefined;
  #breakOff: ((reason: unknown) => void) | undefined;
  #onWait: (() => void)[] | undefined;
  #isOver = false;

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Adds a thing; the result takes it out again. What comes too late is disposed of at once. */
  add(thing: Disposable): () => void {
    if (this.#isOver) {
      thing[Symbol.dispose]();
      return () => {};
    }
    this.#open ??= new Set();
    this.#open.add(thing);
    return () => this.#open?.delete(thing);
  }

  /**
   * Calls once when the guest really waits, which is when others get their turn: until then it may add to what it does.
   * (V8 suspends it for a microtask even when a suspending function has its answer at once.)
   */
  whenWaiting(next: () => void): void {
    this.#onWait ??= [];
    this.#onWait.push(next);
  }

  /** The same functions, but what waits in one of them is thrown Cancelled when the scope ends. */
  guard(functions: HostFunctions): HostFunctions {
    const guarded: Record<string, HostFunctions[string]> = { ...functions };
    for (const name in guarded) {
      const each = guarded[name];
      if (each === undefined || typeof each === "function") continue;
      const { call } = each;
      const waiting = (...args: never[]) => {
        if (this.#isOver) throw new Cancelled("the request is over");
        return this.#wait(call(...args));
      };
      guarded[name] = { suspends: true, call: waiting };
    }
    return guarded;
  }

  /** Ends everything. May be called again. */
  [Symbol.dispose](): void {
    this.#isOver = true;
    const open = this.#open;
    this.#open = undefined;
    this.#onWait = undefined;
    for (const thing of open ?? []) thing[Symbol.dispose]();
    this.#breakOff?.(new Cancelled("the request is over"));
  }

  #wait(answer: unknown): unknown {
    if (!(answer instanceof Promise)) return answer;
    const onWait = this.#onWait;
    this.#onWait = undefined;
    for (const next of onWait ?? []) next();
    return new Promise((resolve, reject) => {
      this.#breakOff = reject;
      answer.then(resolve, reject);
    });
  }
}
