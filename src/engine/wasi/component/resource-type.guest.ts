/**
 * What a resource type is once linked.
 */

/** Where a core function, memory, table, global or tag comes from: a core instance, or a function of ours. */
export type CoreSource =
  | { readonly instance: number; readonly name: string }
  | { readonly instance?: undefined; readonly trampoline: number };

/** A type of resources; compared by identity. */
export interface ResourceType {
  readonly name: string;
  /** The component instance that defined it; absent for the host's. */
  readonly owner?: number;
  readonly destructor?: CoreSource | undefined;
}
