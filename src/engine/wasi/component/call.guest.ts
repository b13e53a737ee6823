/**
 * Calls functions that components export.
 *
 *     enter ─▶ lower the arguments ─▶ the core function, which may wait ─▶ lift the result ─▶ clean up ─▶ leave
 *
 * @see https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#canon-lift
 */

import { type CoreFunction, type FlatValue, toFlatValue } from "./core-value.guest.ts";
import type { BorrowScope } from "./handles.guest.ts";
import type { PlainFunction } from "./host-function.guest.ts";
import type { FunctionItem, LiftPlan } from "./plan.guest.ts";
import type { Owner, Store } from "./store.guest.ts";
import { trap } from "./trap.guest.ts";

/** Calls a function as the host does: it may wait, and rejects with whatever the instance failed by. */
export async function callExport(store: Store, { callee }: FunctionItem, args: readonly unknown[]): Promise<unknown> {
  if (callee.host !== undefined) return applyHost(store.hostFunction(callee.host), args);
  return callWaiting(store, callee.lift, args);
}

/** Calls a function of the host. */
export function applyHost(run: PlainFunction, args: readonly unknown[]): unknown {
  return Reflect.apply(run, undefined, args);
}

/** Calls a function that may wait. */
export async function callWaiting(store: Store, plan: LiftPlan, args: readonly unknown[]): Promise<unknown> {
  const call = new Call(store, plan);
  try {
    const flats = call.begin(args);
    return call.end(await WebAssembly.promising(call.core)(...flats));
  } catch (thrown) {
    throw store.fail(thrown);
  }
}

/** Calls a function of a component none of whose imports ever waits. */
export function callAtOnce(store: Store, plan: LiftPlan, args: readonly unknown[]): unknown {
  const call = new Call(store, plan);
  try {
    const flats = call.begin(args);
    return call.end(call.core(...flats));
  } catch (thrown) {
    throw store.fail(thrown);
  }
}

/** One call of one function. */
class Call {
  readonly core: CoreFunction;
  readonly #store: Store;
  readonly #plan: LiftPlan;
  readonly #owner: Owner;
  readonly #scope: BorrowScope = { borrows: 0 };

  constructor(store: Store, plan: LiftPlan) {
    this.#store = store;
    this.#plan = plan;
    this.core = store.function(plan.core);
    this.#owner = store.enter(plan.owner);
  }

  begin(args: readonly unknown[]): FlatValue[] {
    const { signature, port: number } = this.#plan;
    const port = this.#store.port(number);
    port.begin();
    port.scope = this.#scope;
    this.#owner.mayLeave = false;
    const flats = signature.lowerParams(port, args);
    this.#owner.mayLeave = true;
    port.scope = undefined;
    return flats;
  }

  end(raw: unknown): unknown {
    this.#store.check();
    const { signature, port: number, postReturn } = this.#plan;
    const port = this.#store.port(number);
    port.begin();
    const result = signature.liftResult(port, raw);
    if (port.takeLends() !== undefined) trap("a result lends a resource");
    if (postReturn !== undefined) this.#cleanUp(this.#store.function(postReturn), raw);
    if (this.#scope.borrows > 0) trap("a component kept a resource that it was lent for a call");
    this.#owner.mayEnter = true;
    return result;
  }

  #cleanUp(postReturn: CoreFunction, raw: unknown): void {
    this.#owner.mayLeave = false;
    if (raw === undefined) postReturn();
    else postReturn(toFlatValue(raw));
    this.#owner.mayLeave = true;
  }
}
