/**
 * What a host offers to a component: plain functions over plain JavaScript values, by interface.
 *
 * How each type of the component model looks in JavaScript:
 *
 *     bool → boolean · u8…s32, f32, f64 → number · u64, s64 → bigint · char, string → string
 *     list<u8> → Uint8Array (a copy) · other lists → array · tuple → array · record → object, camelCase keys
 *     variant → { tag, val } · enum → its word · flags → object of booleans, camelCase keys
 *     option<T> → T | undefined (an option within an option: { tag: "some", val } | { tag: "none" })
 *     result → { tag: "ok", val } | { tag: "err", val } · own, borrow → the host's object itself
 *
 * When a component drops a resource, the object's `[Symbol.dispose]` is called where it has one. A host object stays the
 * host's: the component holds a number for it, in a table of its own.
 */

/** A function that may return a promise: the component's call is suspended until it settles. */
export interface SuspendingFunction {
  readonly suspends: true;
  readonly call: PlainFunction;
}

/** A function whose answer is there when it returns. */
export type PlainFunction = (...args: never[]) => unknown;

/** A function that a component can import. */
export type HostFunction = PlainFunction | SuspendingFunction;

/** The functions of one interface by their WIT export name: `"[method]input-stream.read"`, `"now"`. */
export type HostFunctions = Readonly<Record<string, HostFunction>>;

/** All that a component can import, by interface name without version: `"wasi:io/streams"`. */
export type HostImports = Readonly<Record<string, HostFunctions>>;

/** Marks a function that may return a promise. One that returns a plain value all the same costs nothing more. */
export function suspending(call: PlainFunction): SuspendingFunction {
  return { suspends: true, call };
}
