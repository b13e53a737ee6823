/**
 * The job queue of a function in Wasm.
 *
 * The engine runs the jobs of its own promises when an export returns, but a handler of wasi:http returns when all is
 * done. So promises are ours (promise.ts), `await` is rewritten to use them, and their jobs run from here.
 */

type Job = () => void;

/** First in, first out. */
export class Jobs {
  #queue: Job[] = [];
  #next = 0;

  push(job: Job): void {
    this.#queue.push(job);
  }

  /** Runs all jobs and those that they add. What a job throws is thrown here; the rest runs with the next call. */
  drain(): void {
    while (this.#next < this.#queue.length) {
      const job = this.#queue[this.#next++];
      if (this.#next === 1024) {
        this.#queue = this.#queue.slice(1024);
        this.#next = 0;
      }
      job?.();
    }
    this.#queue.length = 0;
    this.#next = 0;
  }
}
