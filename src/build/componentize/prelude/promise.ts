/**
 * Promises whose jobs run from a queue that the event loop can drain.
 *
 * @see https://tc39.es/ecma262/#sec-promise-objects
 */

import type { Jobs } from "./jobs.ts";

type Settle = (value: unknown) => void;
type Executor = (resolve: Settle, reject: Settle) => void;

interface Capability {
  readonly promise: object;
  readonly resolve: Settle;
  readonly reject: Settle;
}

interface Reaction {
  readonly onFulfilled: unknown;
  readonly onRejected: unknown;
  readonly capability: Capability;
}

/** Promises that were rejected and have no handler yet. */
export interface Rejections {
  add(promise: object, reason: unknown): void;
  remove(promise: object): void;
}

/** Makes the class that takes the place of `Promise`. */
export function createPromiseClass(jobs: Jobs, rejections: Rejections): PromiseConstructor {
  class NebulaPromise {
    #state: "pending" | "fulfilled" | "rejected" = "pending";
    #value: unknown;
    #reactions: Reaction[] = [];
    #isHandled = false;
    #isResolved = false;

    constructor(executor: Executor) {
      if (executor === noop) return;
      if (typeof executor !== "function") throw new TypeError("Promise resolver is not a function");
      const { resolve, reject } = this.#resolvers();
      try {
        executor(resolve, reject);
      } catch (error) {
        reject(error);
      }
    }

    #resolvers(): { resolve: Settle; reject: Settle } {
      let isResolved = false;
      return {
        resolve: (value) => {
          if (isResolved) return;
          isResolved = true;
          this.#resolve(value);
        },
        reject: (reason) => {
          if (isResolved) return;
          isResolved = true;
          this.#settle("rejected", reason);
        },
      };
    }

    #resolve(value: unknown): void {
      try {
        if (value === this) throw new TypeError("Chaining cycle detected for promise");
        const isThenable = (typeof value === "object" && value !== null) || typeof value === "function";
        const then: unknown = isThenable ? Reflect.get(value, "then") : undefined;
        if (typeof then === "function") this.#follow(value, then);
        else this.#settle("fulfilled", value);
      } catch (error) {
        this.#settle("rejected", error);
      }
    }

    #follow(value: unknown, then: object): void {
      jobs.push(() => {
        const { resolve, reject } = this.#resolvers();
        try {
          Reflect.apply(fromCallable(then), value, [resolve, reject]);
        } catch (error) {
          reject(error);
        }
      });
    }

    #settle(state: "fulfilled" | "rejected", value: unknown): void {
      const reactions = this.#reactions;
      this.#reactions = [];
      this.#state = state;
      this.#value = value;
      if (state === "rejected" && !this.#isHandled) rejections.add(this, value);
      for (const reaction of reactions) this.#enqueue(reaction);
    }

    #enqueue({ onFulfilled, onRejected, capability }: Reaction): void {
      const value = this.#value;
      const isFulfilled = this.#state === "fulfilled";
      const handler = isFulfilled ? onFulfilled : onRejected;
      jobs.push(() => {
        try {
          if (typeof handler === "function") capability.resolve(handler(value));
          else if (isFulfilled) capability.resolve(value);
          else capability.reject(value);
        } catch (error) {
          capability.reject(error);
        }
      });
    }

    // biome-ignore lint/suspicious/noThenProperty: it is a promise
    then(onFulfilled?: unknown, onRejected?: unknown): object {
      const capability = newCapability(speciesOf(this));
      const reaction = { onFulfilled, onRejected, capability };
      if (this.#state === "rejected" && !this.#isHandled) rejections.remove(this);
      this.#isHandled = true;
      if (this.#state === "pending") this.#reactions.push(reaction);
      else this.#enqueue(reaction);
      return capability.promise;
    }

    catch(onRejected?: unknown): unknown {
      return invokeThen(this, undefined, onRejected);
    }

    finally(onFinally?: unknown): unknown {
      if (typeof onFinally !== "function") return invokeThen(this, onFinally, onFinally);
      const species = speciesOf(this);
      return invokeThen(
        this,
        (value: unknown) => invokeThen(resolveWith(species, onFinally()), () => value, undefined),
        (reason: unknown) =>
          invokeThen(
            resolveWith(species, onFinally()),
            () => {
              throw reason;
            },
            undefined,
          ),
      );
    }

    // biome-ignore-start lint/complexity/noThisInStatic: a class that extends this one makes promises of its own
    static resolve(value?: unknown): object {
      return resolveWith(this, value);
    }

    static reject(reason?: unknown): object {
      const { promise, reject } = newCapability(this);
      reject(reason);
      return promise;
    }

    static withResolvers(): Capability {
      return newCapability(this);
    }

    static try(callback: (...args: unknown[]) => unknown, ...args: unknown[]): object {
      const { promise, resolve, reject } = newCapability(this);
      try {
        resolve(callback(...args));
      } catch (error) {
        reject(error);
      }
      return promise;
    }

    static all(items: Iterable<unknown>): object {
      return combine(this, items, {
        fulfilled: (value) => ({ value }),
        finish: (values, { resolve }) => resolve(values),
      });
    }

    static allSettled(items: Iterable<unknown>): object {
      return combine(this, items, {
        fulfilled: (value) => ({ value: { status: "fulfilled", value } }),
        rejected: (reason) => ({ value: { status: "rejected", reason } }),
        finish: (values, { resolve }) => resolve(values),
      });
    }

    static any(items: Iterable<unknown>): object {
      return combine(this, items, {
        rejected: (reason) => ({ value: reason }),
        finish: (errors, { reject }) => reject(new AggregateError(errors, "All promises were rejected")),
      });
    }

    static race(items: Iterable<unknown>): object {
      return combine(this, items, { finish: () => {} });
    }

    static get [Symbol.species](): unknown {
      return this;
    }
    // biome-ignore-end lint/complexity/noThisInStatic: as above

    /** Settles a promise whose executor did nothing; the first time counts. */
    static settle(promise: NebulaPromise, isFulfilled: boolean, value: unknown): void {
      if (promise.#isResolved) return;
      promise.#isResolved = true;
      if (isFulfilled) promise.#resolve(value);
      else promise.#settle("rejected", value);
    }

    static is(value: unknown): value is NebulaPromise {
      return typeof value === "object" && value !== null && #state in value;
    }
  }

  const isPromise = NebulaPromise.is;
  const settlePromise = NebulaPromise.settle;
  Reflect.deleteProperty(NebulaPromise, "is");
  Reflect.deleteProperty(NebulaPromise, "settle");
  Object.defineProperty(NebulaPromise, "name", { value: "Promise", configurable: true });
  Object.defineProperty(NebulaPromise.prototype, Symbol.toStringTag, { value: "Promise", configurable: true });

  function speciesOf(promise: object): unknown {
    const maker: unknown = promise.constructor;
    if (maker === NebulaPromise || maker === undefined) return NebulaPromise;
    if (typeof maker !== "function" && (typeof maker !== "object" || maker === null))
      throw new TypeError("not a constructor");
    return Reflect.get(maker, Symbol.species) ?? NebulaPromise;
  }

  function newCapability(maker: unknown): Capability {
    if (maker === NebulaPromise) {
      const promise = new NebulaPromise(noop);
      return {
        promise,
        resolve: (value) => settlePromise(promise, true, value),
        reject: (reason) => settlePromise(promise, false, reason),
      };
    }
    if (typeof maker !== "function") throw new TypeError("Promise method called on incompatible receiver");
    let resolve: unknown;
    let reject: unknown;
    const promise: object = Reflect.construct(maker, [
      (givenResolve: unknown, givenReject: unknown) => {
        if (resolve !== undefined || reject !== undefined) throw new TypeError("executor was called already");
        resolve = givenResolve;
        reject = givenReject;
      },
    ]);
    if (!isSettle(resolve) || !isSettle(reject)) throw new TypeError("executor was given no functions");
    return { promise, resolve, reject };
  }

  function resolveWith(maker: unknown, value: unknown): object {
    if (isPromise(value) && value.constructor === maker) return value;
    const { promise, resolve } = newCapability(maker);
    resolve(value);
    return promise;
  }

  interface Combination {
    /** What to keep for an item that was fulfilled or rejected; absent: it settles the whole. */
    readonly fulfilled?: (value: unknown) => { value: unknown };
    readonly rejected?: (reason: unknown) => { value: unknown };
    finish(values: unknown[], capability: Capability): void;
  }

  function combine(maker: unknown, items: Iterable<unknown>, { fulfilled, rejected, finish }: Combination): object {
    const capability = newCapability(maker);
    try {
      const resolve: unknown = Reflect.get(Object(maker), "resolve");
      if (typeof resolve !== "function") throw new TypeError("Promise resolve is not a function");
      const values: unknown[] = [];
      let left = 1;
      const leave = () => {
        left--;
        if (left === 0) finish(values, capability);
      };
      const keepAt = (index: number, convert: ((value: unknown) => { value: unknown }) | undefined) => {
        if (convert === undefined) return undefined;
        let isCalled = false;
        return (value: unknown) => {
          if (isCalled) return;
          isCalled = true;
          values[index] = convert(value).value;
          leave();
        };
      };
      let index = 0;
      for (const item of items) {
        values.push(undefined);
        left++;
        const onFulfilled = keepAt(index, fulfilled) ?? capability.resolve;
        const onRejected = keepAt(index, rejected) ?? capability.reject;
        invokeThen(Reflect.apply(resolve, maker, [item]), onFulfilled, onRejected);
        index++;
      }
      leave();
    } catch (error) {
      capability.reject(error);
    }
    return capability.promise;
  }

  return fromOwnClass(NebulaPromise);
}

function invokeThen(target: unknown, onFulfilled: unknown, onRejected: unknown): unknown {
  const then: unknown = Reflect.get(Object(target), "then");
  if (typeof then !== "function") throw new TypeError("then is not a function");
  return Reflect.apply(then, target, [onFulfilled, onRejected]);
}

function isSettle(value: unknown): value is Settle {
  return typeof value === "function";
}

/** Known to be callable. */
function fromCallable(value: object): (...args: unknown[]) => unknown {
  return value as (...args: unknown[]) => unknown;
}

/** The class is written with `unknown` where the language's own is generic. */
function fromOwnClass(made: unknown): PromiseConstructor {
  return made as PromiseConstructor;
}

/** The executor of promises that are settled from outside. */
function noop(): void {}
