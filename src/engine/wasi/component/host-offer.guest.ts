/**
 * Finds what a component imports among what the host offers, and collects what is missing.
 */

import { toInterfaceName } from "../../../wasm/component/name.ts";
import type { HostImports } from "./host-function.guest.ts";
import type { HostSource } from "./plan.guest.ts";
import type { ResourceType } from "./resource-type.guest.ts";
import { ComponentLinkError } from "./trap.guest.ts";

/** One host, for one component. */
export class HostOffer {
  readonly #host: HostImports;
  readonly #missing = new Map<string, string[]>();
  readonly #resources = new Map<string, ResourceType>();
  #suspends = false;

  constructor(host: HostImports) {
    this.#host = host;
  }

  /** Whether any function that was asked for may wait. */
  get suspends(): boolean {
    return this.#suspends;
  }

  /** A function; one that is not there is noted, and the component refused in the end. */
  function(interfaceName: string, name: string): HostSource {
    const key = Object.hasOwn(this.#host, interfaceName) ? interfaceName : toInterfaceName(interfaceName);
    const functions = Object.hasOwn(this.#host, key) ? this.#host[key] : undefined;
    const found = functions !== undefined && Object.hasOwn(functions, name) ? functions[name] : undefined;
    if (found === undefined) this.#miss(interfaceName, name);
    const suspends = typeof found === "object";
    this.#suspends ||= suspends;
    return { interface: key, name, suspends };
  }

  /** Something that no host can offer. */
  refuse(name: string, what: string): void {
    this.#miss(name, what);
  }

  /** A resource: the same one for each release of an interface. */
  resource(interfaceName: string, name: string): ResourceType {
    const key = `${toInterfaceName(interfaceName)}/${name}`;
    const known = this.#resources.get(key);
    if (known !== undefined) return known;
    const type = { name: key };
    this.#resources.set(key, type);
    return type;
  }

  /** @throws {ComponentLinkError} that lists everything that is missing. */
  check(): void {
    if (this.#missing.size === 0) return;
    const list = [...this.#missing].map(([name, parts]) => `${name} (${parts.join(", ")})`);
    throw new ComponentLinkError(`it imports what is not offered here: ${list.join("; ")}`);
  }

  #miss(interfaceName: string, name: string): void {
    const parts = this.#missing.get(interfaceName);
    if (parts === undefined) this.#missing.set(interfaceName, [name]);
    else parts.push(name);
  }
}
