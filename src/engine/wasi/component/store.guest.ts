/**
 * One instance of a linked component: its core instances, its handles, its memories.
 *
 * Nothing is shared between stores but what linking made. Ports and functions are made when they are first needed, since
 * a request uses few of those that its component has.
 */

import { type CoreFunction, isCoreFunction } from "./core-value.guest.ts";
import { HandleTable } from "./handles.guest.ts";
import type { HostImports, PlainFunction } from "./host-function.guest.ts";
import type { HostSource, LinkPlan, Step, StepArgument } from "./plan.guest.ts";
import { Port } from "./port.guest.ts";
import type { CoreSource, ResourceType } from "./resource-type.guest.ts";
import { trap } from "./trap.guest.ts";

/** How instances are made. */
export interface InstantiateOptions {
  /** Makes a core instance; `number` is the one that its module was compiled under. */
  instantiate(
    module: WebAssembly.Module,
    number: number,
    imports: Record<string, Record<string, unknown>>,
  ): WebAssembly.Instance;
  /** Every promise that a host function gives passes here: to measure how long the component waits. */
  wait?<T>(promise: Promise<T>): Promise<T>;
}

/** The state of one component instance. Until its first export is called it may call out, for its start functions. */
export interface Owner {
  readonly handles: HandleTable;
  mayEnter: boolean;
  mayLeave: boolean;
}

/** What makes the functions that core modules import; given, since it needs the store. */
export type MakeTrampoline = (store: Store, number: number) => unknown;

/** An imports object that answers with nothing but its own. */
type Bag = Record<string, unknown>;

/** The instance, while it lives. */
export class Store {
  readonly plan: LinkPlan;
  readonly wait: <T>(promise: Promise<T>) => Promise<T>;
  readonly #host: HostImports;
  readonly #makeTrampoline: MakeTrampoline;
  readonly #exports: Readonly<Record<string, unknown>>[] = [];
  readonly #owners: (Owner | undefined)[] = [];
  readonly #ports: (Port | undefined)[] = [];
  readonly #trampolines: unknown[] = [];
  #isClosed = false;
  readonly #breakOffs = new Set<(reason: unknown) => void>();
  #failure: { readonly thrown: unknown } | undefined;

  constructor(plan: LinkPlan, host: HostImports, makeTrampoline: MakeTrampoline, options: InstantiateOptions) {
    this.plan = plan;
    this.wait = options.wait ?? ((promise) => promise);
    this.#host = host;
    this.#makeTrampoline = makeTrampoline;
    for (const step of plan.steps) this.#exports.push(this.#run(step, options));
  }

  #run({ module, number, args }: Step, options: InstantiateOptions): Readonly<Record<string, unknown>> {
    const imports: Record<string, Bag> = Object.create(null);
    for (const argument of args) imports[argument.name] = this.#toImports(argument);
    return options.instantiate(module, number, imports).exports;
  }

  #toImports(argument: StepArgument): Bag {
    if (argument.instance !== undefined)
      return this.#exports[argument.instance] ?? trap("a core instance is not there");
    const bag: Bag = Object.create(null);
    for (const { name, source } of argument.items) bag[name] = this.resolve(source);
    return bag;
  }

  /** A core function, memory, table, global or tag. */
  resolve(source: CoreSource): unknown {
    if (source.instance !== undefined) return this.#exports[source.instance]?.[source.name];
    const known = this.#trampolines[source.trampoline];
    if (known !== undefined) return known;
    const made = this.#makeTrampoline(this, source.trampoline);
    this.#trampolines[source.trampoline] = made;
    return made;
  }

  /** A core function. */
  function(source: CoreSource): CoreFunction {
    const found = this.resolve(source);
    return isCoreFunction(found) ? found : trap("a core function is used before it is there");
  }

  /** A function of the host as it is for this instance. */
  hostFunction({ interface: name, name: key }: HostSource): PlainFunction {
    const found = this.#host[name]?.[key];
    if (found === undefined) return trap(`the host has no function "${key}" of "${name}" any more`);
    return typeof found === "function" ? found : found.call;
  }

  owner(number: number): Owner {
    const known = this.#owners[number];
    if (known !== undefined) return known;
    const owner = { handles: new HandleTable(), mayEnter: true, mayLeave: true };
    this.#owners[number] = owner;
    return owner;
  }

  port(number: number): Port {
    const known = this.#ports[number];
    if (known !== undefined) return known;
    const port = this.#makePort(number);
    this.#ports[number] = port;
    return port;
  }

  #makePort(number: number): Port {
    const plan = this.plan.ports[number] ?? trap("a port is not there");
    const memory = plan.memory && this.resolve(plan.memory);
    if (plan.memory !== undefined && !(memory instanceof WebAssembly.Memory))
      trap("a memory is used before it is there");
    return new Port({
      owner: plan.owner,
      handles: this.owner(plan.owner).handles,
      encoding: plan.encoding,
      memory: memory instanceof WebAssembly.Memory ? memory : undefined,
      realloc: plan.realloc && this.function(plan.realloc),
      destroy: (type, rep) => this.destroy(type, rep),
    });
  }

  /**
   * Notes what the instance failed by: from then on it cannot do anything. Gives what came first, since a component may
   * catch what the host throws and go on to fail otherwise.
   */
  fail(thrown: unknown): unknown {
    this.#failure ??= { thrown };
    return this.#failure.thrown;
  }

  /** Throws what the instance failed by, if it has. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure.thrown;
  }

  /** Runs the destructor of a resource that a component defined, from outside of it. */
  async destroy(type: ResourceType, rep: number): Promise<void> {
    if (type.destructor === undefined || type.owner === undefined) return;
    const destructor = this.function(type.destructor);
    const owner = this.enter(type.owner);
    try {
      await WebAssembly.promising(destructor)(rep);
      this.check();
    } catch (thrown) {
      throw this.fail(thrown);
    }
    owner.mayEnter = true;
  }

  /** Begins a call from outside. A component that is in a call already cannot be entered again. */
  enter(number: number): Owner {
    this.check();
    const owner = this.owner(number);
    if (!owner.mayEnter) trap("a component cannot be entered while it is in another call");
    owner.mayEnter = false;
    return owner;
  }

  /** Begins a call to the outside. */
  leave(number: number): Owner {
    this.check();
    const owner = this.owner(number);
    if (!owner.mayLeave) trap("a component cannot call out from where it is");
    return owner;
  }

  /** Whether no code of the component may run any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Settles as the call does, or rejects when the instance is closed before. */
  untilClosed<T>(call: Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#breakOffs.add(reject);
    const settle = (then: () => void) => {
      this.#breakOffs.delete(reject);
      then();
    };
    call.then(
      (value) => settle(() => resolve(value)),
      (thrown: unknown) => settle(() => reject(thrown)),
    );
    return promise;
  }

  /** Disposes of all host objects that the component still has. Quiet when one of them fails, and the second time. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const reason = this.fail(new TypeError("The instance is closed"));
    for (const breakOff of this.#breakOffs) breakOff(reason);
    for (const owner of this.#owners) {
      for (const { type, rep } of owner?.handles.drain() ?? []) if (type.owner === undefined) disposeQuietly(rep);
    }
  }
}

/** Tells an object of the host that nobody has it any more. */
export function dispose(rep: unknown): void {
  if (isDisposable(rep)) rep[Symbol.dispose]();
}

function disposeQuietly(rep: unknown): void {
  try {
    dispose(rep);
  } catch {
    // because the instance is gone, and nobody is left to be told
  }
}

function isDisposable(rep: unknown): rep is Disposable {
  return typeof rep === "object" && rep !== null && Symbol.dispose in rep;
}
