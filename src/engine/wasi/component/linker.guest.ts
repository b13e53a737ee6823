/**
 * A component, linked: the three verbs of its life.
 *
 *     compileComponent   once per load      all analysis, and the compilation of its core modules
 *     instantiate        once per request   core instances, and nothing else
 *     call               an exported function, which may wait
 */

import type { Component } from "../../../wasm/component/component.ts";
import { toInterfaceName } from "../../../wasm/component/name.ts";
import { callExport } from "./call.guest.ts";
import type { HostImports } from "./host-function.guest.ts";
import { type LinkParts, linkComponent } from "./link.guest.ts";
import type { LinkPlan } from "./plan.guest.ts";
import { type InstantiateOptions, Store } from "./store.guest.ts";
import { makeTrampoline } from "./trampoline.guest.ts";

/**
 * Links a component with what the host offers, and compiles its core modules.
 *
 * @throws {ComponentLinkError} when it is malformed, or imports what is not offered: then everything that is missing at once.
 */
export function compileComponent(component: Component, parts: LinkParts): LinkedComponent {
  return new LinkedComponent(linkComponent(component, parts));
}

/** A component that can be instantiated again and again. */
export class LinkedComponent {
  readonly #plan: LinkPlan;

  constructor(plan: LinkPlan) {
    this.#plan = plan;
  }

  /** Whether it exports a function; see `ComponentInstance.call`. */
  has(path: string, name: string): boolean {
    return this.#plan.exports.get(toInterfaceName(path))?.has(name) ?? false;
  }

  /**
   * Makes an instance. The host has to have the functions that it had when the component was linked.
   *
   * Throws what core start functions throw.
   */
  instantiate(host: HostImports, options: InstantiateOptions): ComponentInstance {
    return new ComponentInstance(this.#plan, new Store(this.#plan, host, makeTrampoline, options));
  }
}

/** One instance; it does one call at a time, and none after one that failed. */
export class ComponentInstance implements Disposable {
  readonly #plan: LinkPlan;
  readonly #store: Store;

  constructor(plan: LinkPlan, store: Store) {
    this.#plan = plan;
    this.#store = store;
  }

  /**
   * Calls an exported function, `wasi:http/incoming-handler` `handle`, or `$root` and one of no interface.
   *
   * Rejects with a ComponentTrap, with what V8 throws, or with what a host function threw, even where the component caught it.
   */
  async call(path: string, name: string, args: readonly unknown[]): Promise<unknown> {
    const found = this.#plan.exports.get(toInterfaceName(path))?.get(name);
    if (found === undefined) throw new TypeError(`The component exports no function "${name}" of "${path}"`);
    return this.#store.untilClosed(callExport(this.#store, found, args));
  }

  /**
   * Disposes of the host's objects that the component still has. A call that is under way rejects, and where it is suspended
   * it stays so: from now on no code of the instance runs, and its memory may go to another.
   */
  [Symbol.dispose](): void {
    this.#store.close();
  }
}
