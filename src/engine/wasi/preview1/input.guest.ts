/**
 * Standard input with one chunk read ahead, so that a program can ask whether there is something before it reads.
 */

import { refuse } from "../files/file-error.guest.ts";
import type { ByteSource } from "../streams.guest.ts";

const CHUNK_BYTES = 65_536;
const NOTHING = new Uint8Array(0);

/** A byte source that can be asked what it has. */
export class Input {
  readonly #source: ByteSource;
  #chunk: Uint8Array = NOTHING;
  #isAtEnd = false;
  #hasFailed = false;
  #pending: Promise<void> | undefined;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  get isAtEnd(): boolean {
    return this.#isAtEnd && this.#chunk.length === 0;
  }

  /** Settles, and never rejects, when there is something to take or the end was reached. Absent when that is so now. */
  wait(max = CHUNK_BYTES): Promise<void> | undefined {
    if (this.#pending === undefined && this.#chunk.length === 0 && !this.#isAtEnd) this.#read(max);
    return this.#pending;
  }

  /** How many bytes can be taken without waiting. */
  get readyBytes(): number {
    return this.#chunk.length;
  }

  /** Moves what is there into `target`, as far as it fits, and says how much that was. Throws EIO after a failure. */
  take(target: Uint8Array): number {
    if (this.#hasFailed) refuse("EIO");
    const part = this.#chunk.length <= target.length ? this.#chunk : this.#chunk.subarray(0, target.length);
    target.set(part);
    this.#chunk = part === this.#chunk ? NOTHING : this.#chunk.subarray(part.length);
    return part.length;
  }

  #read(max: number): void {
    const result = this.#source.read(max);
    if (result instanceof Uint8Array) this.#accept(result);
    else this.#pending = result.then(this.#accept, this.#fail);
  }

  readonly #accept = (chunk: Uint8Array): void => {
    this.#pending = undefined;
    this.#chunk = chunk;
    this.#isAtEnd = chunk.length === 0;
  };

  /** The reason is the business of who feeds the source. */
  readonly #fail = (): void => {
    this.#pending = undefined;
    this.#isAtEnd = true;
    this.#hasFailed = true;
  };
}

/** Lets the process do what else is waiting: a program that asks again and again must not keep its own input away. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
