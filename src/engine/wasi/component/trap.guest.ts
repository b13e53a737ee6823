/**
 * How components fail: while they are linked, and while they run.
 */

/** The component cannot be linked: it is malformed, or wants what the host does not offer. */
export class ComponentLinkError extends Error {
  override readonly name = "ComponentLinkError";

  constructor(reason: string) {
    super(`Cannot link component: ${reason}`);
  }
}

/** A component broke a rule of the canonical ABI. Its instance is of no use any more, as after a trap of WebAssembly. */
export class ComponentTrap extends Error {
  override readonly name = "ComponentTrap";
}

/** Stops a component. */
export function trap(reason: string): never {
  throw new ComponentTrap(reason);
}
