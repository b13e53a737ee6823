/**
 * One after the other for each name; names do not wait for each other.
 */

/** Who waits for whom. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs when every turn before it of that name is over, however those ended. */
  async take<T>(name: string, run: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name);
    const turn = (async () => {
      // because the turn before reports its own failure to its own caller
      await before?.catch(() => {});
      return await run();
    })();
    this.#last.set(name, turn);
    try {
      return await turn;
    } finally {
      if (this.#last.get(name) === turn) this.#last.delete(name);
    }
  }

  /** Fulfils when nothing is running or waiting. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#last.values());
  }
}
