/**
 * So many at once, and the others wait: first come, first served.
 */

import type { Clock } from "../../model/ports.ts";

/** How long one waits. */
export interface SlotOptions {
  readonly signal: AbortSignal;
  readonly limitMs: number;
}

/** A number of places. */
export class Slots {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #free: number;

  constructor(count: number, clock: Clock) {
    this.#free = count;
    this.#clock = clock;
  }

  /** A place, to be disposed when it is free again; or why there is none. */
  async take({ signal, limitMs }: SlotOptions): Promise<Disposable | "late" | "gone"> {
    if (this.#free > 0) {
      this.#free -= 1;
      return this.#toSlot();
    }
    const { promise, resolve } = Promise.withResolvers<"mine" | "late" | "gone">();
    const mine = () => resolve("mine");
    const leave = (why: "late" | "gone") => {
      this.#waiting.delete(mine);
      resolve(why);
    };
    const onAbort = () => leave("gone");
    using _timer = this.#clock.after(limitMs, () => leave("late"));
    signal.addEventListener("abort", onAbort, { once: true });
    this.#waiting.add(mine);
    const result = await promise;
    signal.removeEventListener("abort", onAbort);
    return result === "mine" ? this.#toSlot() : result;
  }

  #toSlot(): Disposable {
    let isFree = false;
    return {
      [Symbol.dispose]: () => {
        if (isFree) return;
        isFree = true;
        this.#pass();
      },
    };
  }

  #pass(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#free += 1;
    else {
      // At once, so that the place is not given to two.
      this.#waiting.delete(next);
      next();
    }
  }
}
