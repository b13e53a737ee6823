/**
 * What linking a component finds out once, so that instantiating it has nothing left to look up.
 *
 * Nested components are gone here: what is left are core modules in the order in which they are instantiated, and the
 * functions between them.
 */

import type { StringEncoding } from "../../../wasm/component/component.ts";
import type { CoreSource, ResourceType } from "./resource-type.guest.ts";
import type { Signature } from "./signature.guest.ts";

/** Instantiates one core module. */
export interface Step {
  readonly module: WebAssembly.Module;
  /** The module's number within the whole component. */
  readonly number: number;
  readonly args: readonly StepArgument[];
}

/** A namespace of imports: all that another core instance exports, or a selection. */
export type StepArgument =
  | { readonly name: string; readonly instance: number }
  | {
      readonly name: string;
      readonly instance?: undefined;
      readonly items: readonly { readonly name: string; readonly source: CoreSource }[];
    };

/** A memory, and how values get into and out of it. */
export interface PortPlan {
  /** The component instance whose handles are meant. */
  readonly owner: number;
  readonly encoding: StringEncoding;
  readonly memory: CoreSource | undefined;
  readonly realloc: CoreSource | undefined;
}

/** A function of the host. */
export interface HostSource {
  readonly interface: string;
  readonly name: string;
  readonly suspends: boolean;
}

/** A core function that a component offers as one of its own. */
export interface LiftPlan {
  readonly core: CoreSource;
  readonly signature: Signature;
  readonly port: number;
  readonly owner: number;
  readonly postReturn: CoreSource | undefined;
}

/** A function of a component or of the host. */
export type Callee = { readonly host: HostSource } | { readonly host?: undefined; readonly lift: LiftPlan };

/** A function with its type. */
export interface FunctionItem {
  readonly signature: Signature;
  readonly callee: Callee;
}

/** A function that core modules import from us. */
export type TrampolinePlan =
  | (FunctionItem & { readonly kind: "call"; readonly port: number; readonly owner: number })
  | {
      readonly kind: "new" | "drop" | "rep";
      readonly resource: ResourceType;
      readonly owner: number;
    };

/** All of it. */
export interface LinkPlan {
  readonly steps: readonly Step[];
  readonly trampolines: readonly TrampolinePlan[];
  readonly ports: readonly PortPlan[];
  /** How many component instances there are. */
  readonly owners: number;
  /** Whether any imported function may wait. */
  readonly suspends: boolean;
  /** By interface name without version, then by function. */
  readonly exports: ReadonlyMap<string, ReadonlyMap<string, FunctionItem>>;
}
