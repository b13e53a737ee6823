/**
 * How many storage processes a node has at once. When all places are taken, the process that has had no work for the
 * longest gives its place up.
 */

import { NebulaError } from "../../model/errors.ts";

/** One that has a place. */
export interface Lodger {
  /** Gives its place up; fulfils when it is free. Called while it has no work. */
  rest(): Promise<unknown>;
}

/** The places of a node's storage processes. */
export class StorageRoom {
  readonly #places: number;
  /** Without work, the first the longest. */
  readonly #idle = new Set<Lodger>();
  #taken = 0;

  constructor(places: number) {
    this.#places = places;
  }

  /**
   * Takes a place, which `leave` gives back.
   * @throws {NebulaError} NEBULA_OVERLOADED when every one of them is at work.
   */
  async enter(what: string): Promise<void> {
    if (this.#taken >= this.#places) {
      const [longest] = this.#idle;
      if (longest === undefined) {
        const hint = "Ask again later, or have fewer databases at work at once";
        throw new NebulaError("NEBULA_OVERLOADED", `Cannot open ${what}: ${this.#places} others are at work`, { hint });
      }
      this.#idle.delete(longest);
      this.#taken += 1;
      await longest.rest();
      return;
    }
    this.#taken += 1;
  }

  leave(lodger: Lodger): void {
    this.#idle.delete(lodger);
    this.#taken -= 1;
  }

  /** It has no work now. */
  idle(lodger: Lodger): void {
    this.#idle.add(lodger);
  }

  /** It has work again. */
  busy(lodger: Lodger): void {
    this.#idle.delete(lodger);
  }
}
