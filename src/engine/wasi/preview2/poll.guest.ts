/**
 * `wasi:io/poll`: waiting for one of many.
 *
 * @see https://github.com/WebAssembly/wasi-io/blob/v0.2.0/wit/poll.wit
 */

import { type HostFunctions, suspending } from "../component/host-function.guest.ts";
import { turn, type Waitable, Waiters, waitForAny } from "./readiness.guest.ts";
import { type Children, method, resource, trap } from "./result.guest.ts";

/** After so many answers "not ready" in a row the event loop gets a turn: a program that only asks must see time pass. */
const PATIENCE = 64;

/** The resource `pollable`. */
export class Pollable implements Disposable {
  readonly #source: Waitable;
  #onDrop: (() => void) | undefined;
  #misses = 0;

  constructor(source: Waitable, onDrop?: () => void) {
    this.#source = source;
    this.#onDrop = onDrop;
  }

  get source(): Waitable {
    return this.#source;
  }

  ready(): boolean | Promise<boolean> {
    if (this.#source.isReady()) {
      this.#misses = 0;
      return true;
    }
    this.#misses += 1;
    if (this.#misses % PATIENCE !== 0) return false;
    return turn().then(() => this.#source.isReady());
  }

  [Symbol.dispose](): void {
    const onDrop = this.#onDrop;
    this.#onDrop = undefined;
    onDrop?.();
  }
}

const ALWAYS: Waitable = { isReady: () => true, waiters: new Waiters() };

/** A pollable that must go before the resource that it is made of, whose children are given. */
export function childPollable(source: Waitable, siblings: Children): Pollable {
  siblings.add();
  return new Pollable(source, () => siblings.remove());
}

/** A pollable that is ready, for what never keeps anyone waiting. */
export function readyPollable(): Pollable {
  return new Pollable(ALWAYS);
}

function poll(list: readonly unknown[]): number[] | Promise<number[]> {
  if (list.length === 0) trap("poll: the list is empty");
  const sources = list.map((each) => resource(Pollable, each).source);
  const ready = findReady(sources);
  return ready.length > 0 ? ready : waitForAny(sources).then(() => findReady(sources));
}

function findReady(sources: readonly Waitable[]): number[] {
  const indices: number[] = [];
  for (const [index, source] of sources.entries()) if (source.isReady()) indices.push(index);
  return indices;
}

function block(self: Pollable): undefined | Promise<undefined> {
  if (self.source.isReady()) return undefined;
  return waitForAny([self.source]).then(() => undefined);
}

/** `wasi:io/poll`. */
export const POLL: HostFunctions = {
  poll: suspending(poll),
  "[method]pollable.ready": suspending(method(Pollable, (self) => self.ready())),
  "[method]pollable.block": suspending(method(Pollable, block)),
};
