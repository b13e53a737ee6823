/**
 * The bindings of one function, as its engine asks them: by name, each with what stands behind it.
 */

import { CACHE_BINDING } from "../model/cache.ts";
import { NebulaError } from "../model/errors.ts";
import type { Binding, FunctionSpec } from "../model/function.ts";
import type { Capabilities, Resource } from "../model/ports.ts";

/** Finds what stands behind a binding of one type. */
export type FindResource<Type extends Binding["type"]> = (
  binding: Extract<Binding, { type: Type }>,
  owner: { readonly name: string },
) => Resource;

type ByType = { readonly [Type in Binding["type"]]?: FindResource<Type> };

/** By type of binding, what this node has. */
export type Resources = ByType & {
  /** What the Cache API of a function asks: every function has one, and none declares it. */
  readonly caches?: (owner: { readonly name: string }) => Resource;
};

/**
 * Makes the way to a function's bindings. Nothing is opened before it is asked.
 * @throws {NebulaError} NEBULA_PREPARE_FAILED when the function has a binding that this node cannot give it.
 */
export function createBindings({ name, bindings }: FunctionSpec, resources: Resources): Capabilities["binding"] {
  const found = new Map<string, Resource>();
  for (const each of bindings) {
    if (each.type === "var" || each.type === "secret") continue;
    const resource = findResource(each, { name, resources });
    if (resource === undefined) {
      const what = `Cannot prepare "${name}": this node has nothing for its binding "${each.name}" (${each.type})`;
      throw new NebulaError("NEBULA_PREPARE_FAILED", what, { details: { function: name } });
    }
    found.set(each.name, resource);
  }
  const caches = resources.caches?.({ name });
  if (caches !== undefined) found.set(CACHE_BINDING, caches);
  return async (binding, call, context) => {
    const resource = found.get(binding);
    if (resource !== undefined) return await resource.fetch(call, context);
    throw new NebulaError("NEBULA_OUTBOUND_DENIED", `Cannot call "${binding}": "${name}" has no such binding`);
  };
}

function findResource<Type extends Binding["type"]>(
  binding: Extract<Binding, { type: Type }>,
  { name, resources }: { name: string; resources: ByType },
): Resource | undefined {
  const find: FindResource<Type> | undefined = resources[binding.type];
  return find?.(binding, { name });
}
