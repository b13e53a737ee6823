/**
 * What every host function of WASI 0.2 speaks: results, resources, traps.
 *
 * A result is plain data (`{ tag: "ok", val }`), a resource is the host's own object. What a component gives is
 * trusted in nothing but its memory safety: a resource argument is checked to be of the class that is wanted, since a
 * component may declare its imports with other types than the interface has.
 */

/** The canonical value of a WIT `result`. */
export type Result<T, E> = Ok<T> | Err<E>;

/** The good half of a result. */
export interface Ok<T> {
  readonly tag: "ok";
  readonly val: T;
}

/** The bad half of a result. */
export interface Err<E> {
  readonly tag: "err";
  readonly val: E;
}

/** The canonical value of a WIT `variant` case without a payload, or with one. */
export interface Variant<Tag extends string, T = undefined> {
  readonly tag: Tag;
  readonly val: T;
}

/** Ends a guest that broke a rule, as a trap in its own code does. */
export function trap(message: string): never {
  throw new WebAssembly.RuntimeError(message);
}

/** `ok(val)`. */
export function ok<T>(val: T): Ok<T> {
  return { tag: "ok", val };
}

/** `err(val)`. */
export function err<E>(val: E): Err<E> {
  return { tag: "err", val };
}

/** `ok` of a `result<_, E>` or `result`. */
export const OK: Ok<undefined> = Object.freeze({ tag: "ok", val: undefined });

/** `err` of a `result` without types. */
export const FAILED: Err<undefined> = Object.freeze({ tag: "err", val: undefined });

/** A class whose instances are the host's resources. */
export type ResourceClass<T> = abstract new (...args: never[]) => T;

/**
 * The value as a resource of that class.
 * @throws {WebAssembly.RuntimeError} when it is something else.
 */
export function resource<T>(type: ResourceClass<T>, value: unknown): T {
  if (value instanceof type) return value;
  return trap(`a ${type.name} is wanted and something else was given`);
}

/** A host function whose first argument is a resource of that class: every `[method]`. */
export function method<T, A extends readonly unknown[], R>(
  type: ResourceClass<T>,
  call: (self: T, ...args: A) => R,
): (self: unknown, ...args: A) => R {
  return (self, ...args) => call(self instanceof type ? self : resource(type, self), ...args);
}

/**
 * Counts the resources that live from another one, which must go first.
 *
 * @see https://github.com/WebAssembly/component-model/blob/main/design/mvp/Explainer.md#handle-types
 */
export class Children {
  #alive = 0;

  add(): void {
    this.#alive += 1;
  }

  remove(): void {
    this.#alive -= 1;
  }

  /** @throws {WebAssembly.RuntimeError} when one is alive. */
  expectNone(parent: string): void {
    if (this.#alive > 0) trap(`${parent} is dropped before the resources that it gave`);
  }
}

/** A `u64` as a number of bytes: what is more than `most` counts as `most`. */
export function toLength(value: bigint, most: number): number {
  return value < BigInt(most) ? Number(value) : most;
}
