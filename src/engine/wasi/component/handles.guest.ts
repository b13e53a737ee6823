/**
 * Handles: the numbers under which a component instance knows resources.
 *
 * An own handle is dropped or given away once; while it is lent it can be neither. A borrow handle has to be dropped
 * before the call that brought it ends.
 *
 * @see https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#resource-state
 */

import type { ResourceType } from "./resource-type.guest.ts";
import { trap } from "./trap.guest.ts";

/** One entry of a table. `rep` is the host's object, or the number that the component which defined the type gave it. */
export interface Handle {
  readonly type: ResourceType;
  readonly rep: unknown;
  /** For borrow handles: the call that brought it. */
  readonly scope: BorrowScope | undefined;
  lends: number;
}

/** Counts the borrow handles that a call brought and that are not dropped yet. */
export interface BorrowScope {
  borrows: number;
}

/** More at once are a leak. */
const MAX_HANDLES = 1 << 18;

/** The handles of one component instance, by number from 1; numbers are used again. */
export class HandleTable {
  readonly #entries: (Handle | undefined)[] = [undefined];
  readonly #free: number[] = [];

  /** Adds one; `scope` makes it a borrow handle. */
  add(type: ResourceType, rep: unknown, scope?: BorrowScope): number {
    if (scope !== undefined) scope.borrows += 1;
    const handle = { type, rep, scope, lends: 0 };
    const free = this.#free.pop();
    if (free === undefined) {
      if (this.#entries.length > MAX_HANDLES) trap(`a component has more than ${MAX_HANDLES} handles`);
      return this.#entries.push(handle) - 1;
    }
    this.#entries[free] = handle;
    return free;
  }

  get(index: number, type: ResourceType): Handle {
    const handle = this.#entries[index];
    if (handle === undefined) return trap(`there is no handle ${index}`);
    if (handle.type !== type) trap(`handle ${index} is of another resource`);
    return handle;
  }

  /** Takes one out, to be dropped. */
  remove(index: number, type: ResourceType): Handle {
    const handle = this.get(index, type);
    if (handle.lends > 0) trap(`handle ${index} is lent`);
    this.#entries[index] = undefined;
    this.#free.push(index);
    if (handle.scope !== undefined) handle.scope.borrows -= 1;
    return handle;
  }

  /** Takes an own handle out, to be given away. */
  removeOwn(index: number, type: ResourceType): Handle {
    if (this.get(index, type).scope !== undefined) trap(`handle ${index} is borrowed`);
    return this.remove(index, type);
  }

  /** Takes all own handles out. */
  *drain(): Generator<Handle> {
    for (const handle of this.#entries.splice(1)) {
      if (handle !== undefined && handle.scope === undefined) yield handle;
    }
    this.#free.length = 0;
  }
}

/**
 * A resource that a component defined, as it looks outside of it: nothing but something to give back.
 *
 * Disposing of it runs its destructor, unless it was given back as its component's own.
 */
export class GuestResource {
  readonly #type: ResourceType;
  readonly #rep: number;
  #destroy: ((rep: number) => Promise<void>) | undefined;

  /** `destroy` is absent where it is only borrowed. */
  constructor(type: ResourceType, rep: number, destroy: ((rep: number) => Promise<void>) | undefined) {
    this.#type = type;
    this.#rep = rep;
    this.#destroy = destroy;
  }

  /** The number behind it. */
  borrow(type: ResourceType): number {
    if (type !== this.#type) trap("a resource is of another type");
    return this.#rep;
  }

  /** The number behind it, which is not its holder's any more. */
  give(type: ResourceType): number {
    const rep = this.borrow(type);
    if (this.#destroy === undefined) trap("a resource was given away before, or is borrowed");
    this.#destroy = undefined;
    return rep;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const destroy = this.#destroy;
    this.#destroy = undefined;
    await destroy?.(this.#rep);
  }
}
