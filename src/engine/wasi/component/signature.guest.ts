/**
 * The type of a function, ready to pass its parameters and its result.
 *
 * More than 16 core values of parameters, or more than one of a result, go through memory.
 *
 * @see https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#flattening
 */

import { tuple } from "./aggregates.guest.ts";
import type { Codec } from "./codec.guest.ts";
import { type FlatValue, toFlatValue, toInt } from "./core-value.guest.ts";
import type { Port } from "./port.guest.ts";
import { trap } from "./trap.guest.ts";

/** `lift` is from core WebAssembly to JavaScript, `lower` the other way. */
export class Signature {
  /** Whether parameters lend resources. */
  readonly lends: boolean;
  readonly #params: Codec;
  readonly #count: number;
  readonly #result: Codec | undefined;
  /** How many core values the parameters are; `undefined` when they are in memory. */
  readonly #flatParams: number | undefined;
  readonly #isResultFlat: boolean;

  constructor(params: readonly Codec[], result: Codec | undefined) {
    this.#params = tuple(params);
    this.#count = params.length;
    this.#result = result;
    this.lends = this.#params.lends;
    this.#flatParams = this.#params.flat?.length;
    this.#isResultFlat = result?.flat?.length === 1;
  }

  /** What a component passes to a function that it imports. */
  liftParams(port: Port, flats: readonly FlatValue[]): unknown {
    return this.#flatParams === undefined
      ? loadAt(this.#params, port, toInt(flats, 0))
      : this.#params.lift(port, flats, 0);
  }

  /** What a function that a component exports is called with. */
  lowerParams(port: Port, values: readonly unknown[]): FlatValue[] {
    if (values.length > this.#count) throw new TypeError(`The function takes ${this.#count} arguments`);
    const flats: FlatValue[] = [];
    if (this.#flatParams !== undefined) {
      this.#params.lower(port, flats, 0, values);
      return flats;
    }
    const at = port.allocate(this.#params.size, this.#params.align);
    this.#params.store(port, at, values);
    flats.push(at);
    return flats;
  }

  /** What a function that a component exports gave. */
  liftResult(port: Port, raw: unknown): unknown {
    if (this.#result === undefined) return undefined;
    const flat = toFlatValue(raw);
    if (this.#isResultFlat) return this.#result.lift(port, [flat], 0);
    return loadAt(this.#result, port, Number(flat));
  }

  /** What a function that a component imports gives; `flats` are what it was called with. */
  lowerResult(port: Port, value: unknown, flats: readonly FlatValue[]): FlatValue | undefined {
    if (this.#result === undefined) return undefined;
    if (this.#isResultFlat) {
      const into: FlatValue[] = [];
      this.#result.lower(port, into, 0, value);
      return into[0];
    }
    const at = toInt(flats, this.#flatParams ?? 1) >>> 0;
    port.check(at, this.#result.size, this.#result.align);
    this.#result.store(port, at, value);
    return undefined;
  }
}

function loadAt(codec: Codec, port: Port, pointer: number): unknown {
  const at = pointer >>> 0;
  port.check(at, codec.size, codec.align);
  return codec.load(port, at);
}

/** The parameters as the array that they are. */
export function toArguments(lifted: unknown): readonly unknown[] {
  return Array.isArray(lifted) ? lifted : trap("parameters are no list");
}
