/**
 * The functions that core modules import: calls to the outside, and what is done with resources.
 *
 * One that may wait is a WebAssembly.Suspending: a promise that it gives suspends the component, any other value does not.
 *
 * @see https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#canon-lower
 */

import { applyHost, callAtOnce, callWaiting } from "./call.guest.ts";
import type { FlatValue } from "./core-value.guest.ts";
import type { Handle } from "./handles.guest.ts";
import type { PlainFunction } from "./host-function.guest.ts";
import type { TrampolinePlan } from "./plan.guest.ts";
import type { ResourceType } from "./resource-type.guest.ts";
import { toArguments } from "./signature.guest.ts";
import { dispose, type Store } from "./store.guest.ts";
import { trap } from "./trap.guest.ts";

type CallPlan = TrampolinePlan & { readonly kind: "call" };

/** Makes one of them for one instance. */
export function makeTrampoline(store: Store, number: number): unknown {
  const plan = store.plan.trampolines[number] ?? trap("a function is not there");
  switch (plan.kind) {
    case "call":
      return makeCall(store, plan);
    case "new":
      return (rep: number) => store.leave(plan.owner).handles.add(plan.resource, rep);
    case "rep":
      return (index: number) => store.leave(plan.owner).handles.get(index >>> 0, plan.resource).rep;
    case "drop":
      return makeDrop(store, plan.owner, plan.resource);
  }
}

function makeCall(store: Store, plan: CallPlan): unknown {
  const { callee } = plan;
  if (callee.host === undefined) {
    const { lift } = callee;
    if (!store.plan.suspends) return toCore(store, plan, (args) => callAtOnce(store, lift, args));
    return new WebAssembly.Suspending(toCore(store, plan, (args) => callWaiting(store, lift, args)));
  }
  const { host } = callee;
  let found: PlainFunction | undefined;
  const core = toCore(store, plan, (args) => {
    found ??= store.hostFunction(host);
    const given = applyHost(found, args);
    return given instanceof Promise ? store.wait(given) : given;
  });
  return host.suspends ? new WebAssembly.Suspending(core) : core;
}

/** Takes arguments out of the component, calls, and puts the result in, now or later. */
function toCore(store: Store, plan: CallPlan, run: (args: readonly unknown[]) => unknown) {
  return (...flats: FlatValue[]): unknown => {
    const port = begin(store, plan);
    try {
      const args = toArguments(plan.signature.liftParams(port, flats));
      const lends = plan.signature.lends ? port.takeLends() : undefined;
      const given = run(args);
      if (!(given instanceof Promise)) return end(store, plan, { flats, lends, given });
      return resume(store, given, (value) => end(store, plan, { flats, lends, given: value }));
    } catch (thrown) {
      throw store.fail(thrown);
    }
  };
}

interface Ending {
  readonly flats: readonly FlatValue[];
  readonly lends: readonly Handle[] | undefined;
  readonly given: unknown;
}

function begin(store: Store, { owner, port: number }: CallPlan) {
  try {
    store.leave(owner);
    const port = store.port(number);
    port.begin();
    return port;
  } catch (thrown) {
    throw store.fail(thrown);
  }
}

function end(store: Store, { signature, owner, port: number }: CallPlan, { flats, lends, given }: Ending): unknown {
  for (const handle of lends ?? []) handle.lends -= 1;
  const port = store.port(number);
  const state = store.owner(owner);
  port.begin();
  state.mayLeave = false;
  const raw = signature.lowerResult(port, given, flats);
  state.mayLeave = true;
  return raw;
}

/** What a suspended component is resumed with; one that was closed meanwhile is never resumed. */
function resume(store: Store, promise: Promise<unknown>, toRaw: (value: unknown) => unknown): Promise<unknown> {
  return promise.then(
    (value) => {
      if (store.isClosed) return never();
      try {
        store.check();
        return toRaw(value);
      } catch (thrown) {
        throw store.fail(thrown);
      }
    },
    (thrown: unknown) => {
      if (store.isClosed) return never();
      throw store.fail(thrown);
    },
  );
}

/** A promise of its own for each: whoever waits for it is garbage with it, a shared one would keep them all. */
function never(): Promise<never> {
  return new Promise(() => {});
}

function makeDrop(store: Store, number: number, type: ResourceType): unknown {
  const drop = (index: number): unknown => {
    try {
      const handle = store.leave(number).handles.remove(index >>> 0, type);
      if (handle.scope !== undefined) return undefined;
      if (type.owner === undefined) return dispose(handle.rep);
      return destroy(store, number, { type, rep: Number(handle.rep) });
    } catch (thrown) {
      throw store.fail(thrown);
    }
  };
  const mayWait = store.plan.suspends && type.destructor !== undefined;
  return mayWait ? new WebAssembly.Suspending(drop) : drop;
}

/** A component may drop what it defined itself while it is in a call, of course. */
function destroy(store: Store, number: number, { type, rep }: { type: ResourceType; rep: number }): unknown {
  if (type.destructor === undefined) return undefined;
  if (type.owner !== number) {
    if (store.plan.suspends) return resume(store, store.destroy(type, rep), () => undefined);
    const owner = store.enter(type.owner ?? number);
    store.function(type.destructor)(rep);
    owner.mayEnter = true;
    return undefined;
  }
  const destructor = store.function(type.destructor);
  if (store.plan.suspends) return resume(store, WebAssembly.promising(destructor)(rep), () => undefined);
  destructor(rep);
  return undefined;
}
