/**
 * Lists what a component imports and exports, for people and for checks; linking does not need it.
 */

import type { Component, Declaration, Definition, Sort, TypeDefinition } from "./component.ts";
import { ROOT } from "./name.ts";

/** An interface with its functions, by their WIT names. */
export interface ListedInterface {
  /** With its version: `wasi:io/streams@0.2.3`; `$root` for functions of no interface. */
  readonly name: string;
  readonly functions: string[];
}

/** The interfaces that a component wants. One that has only types has no functions. */
export function listImports(component: Component): ListedInterface[] {
  const list = new InterfaceList();
  const types = findTypes(component);
  for (const definition of component.definitions) {
    if (definition.kind !== "import") continue;
    const { name, what } = definition;
    if (what.kind === "function") list.addRootFunction(name);
    else if (what.kind === "instance") list.add(name, toFunctions(types[what.index]));
    else if (what.kind !== "type") list.add(name, []);
  }
  return list.interfaces;
}

/** The interfaces that a component offers. */
export function listExports(component: Component): ListedInterface[] {
  const list = new InterfaceList();
  const instances = findInstances(component);
  for (const definition of component.definitions) {
    if (definition.kind !== "export") continue;
    const { name, sort, index } = definition.item;
    if (sort === "function") list.addRootFunction(name);
    else if (sort === "instance") list.add(name, instances[index] ?? []);
    else if (sort !== "type") list.add(name, []);
  }
  return list.interfaces;
}

class InterfaceList {
  readonly interfaces: ListedInterface[] = [];

  add(name: string, functions: string[]): void {
    this.interfaces.push({ name, functions });
  }

  addRootFunction(name: string): void {
    const root = this.interfaces.find((each) => each.name === ROOT);
    if (root === undefined) this.add(ROOT, [name]);
    else root.functions.push(name);
  }
}

/** The index space of types; what is only a second name is not followed. */
function findTypes({ definitions }: Component): (TypeDefinition | undefined)[] {
  return definitions
    .filter((each) => each.kind === "type" || addsTo(each, "type"))
    .map((each) => (each.kind === "type" ? each.type : undefined));
}

function toFunctions(type: TypeDefinition | undefined): string[] {
  return type?.kind === "instance" ? type.declarations.flatMap(toFunction) : [];
}

function toFunction(declaration: Declaration): string[] {
  return declaration.kind === "declared export" && declaration.what.kind === "function" ? [declaration.name] : [];
}

/** The index space of instances, each as the functions it exports. */
function findInstances({ definitions }: Component): (string[] | undefined)[] {
  const instances: (string[] | undefined)[] = [];
  const components: (Component | undefined)[] = [];
  const types = findTypes({ definitions });
  for (const each of definitions) {
    if (each.kind === "component") components.push(each.component);
    else if (addsTo(each, "component")) components.push(undefined);
    else if (each.kind === "instantiate") instances.push(toExportedFunctions(components[each.component]));
    else if (each.kind === "bundle") instances.push(each.exports.filter(isFunction).map(({ name }) => name));
    else if (each.kind === "export" && each.item.sort === "instance") instances.push(instances[each.item.index]);
    else if (each.kind === "import" && each.what.kind === "instance")
      instances.push(toFunctions(types[each.what.index]));
    else if (addsTo(each, "instance")) instances.push(undefined);
  }
  return instances;
}

function toExportedFunctions(component: Component | undefined): string[] {
  const exported = component?.definitions.flatMap((each) => (each.kind === "export" ? [each.item] : [])) ?? [];
  return exported.filter(isFunction).map(({ name }) => name);
}

function isFunction({ sort }: { readonly sort: string }): boolean {
  return sort === "function";
}

/** Whether a definition that is nothing but a name for something adds to this index space. */
function addsTo(definition: Definition, sort: Sort): boolean {
  switch (definition.kind) {
    case "import":
      return definition.what.kind === sort;
    case "export":
      return definition.item.sort === sort;
    case "alias":
    case "outer alias":
      return definition.sort === sort;
    default:
      return false;
  }
}
