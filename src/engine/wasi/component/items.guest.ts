/**
 * What index spaces hold while a component is linked.
 */

import type {
  Component,
  CoreModuleDefinition,
  CoreSort,
  Declaration,
  Sort,
} from "../../../wasm/component/component.ts";
import type { Codec } from "./codec.guest.ts";
import type { FunctionItem } from "./plan.guest.ts";
import type { CoreSource, ResourceType } from "./resource-type.guest.ts";
import type { Signature } from "./signature.guest.ts";
import { ComponentLinkError } from "./trap.guest.ts";

/** A core module. Its exports by name, with V8's word for what they are. */
export interface ModuleItem {
  readonly definition: CoreModuleDefinition;
}

/** A core instance: one that will be made of a module, or a selection of what others export. */
export type CoreInstanceItem =
  | { readonly number: number; readonly exports: ReadonlyMap<string, CoreSort> }
  | { readonly number?: undefined; readonly exports: ReadonlyMap<string, CoreItem> };

/** Something that a core instance exports. */
export interface CoreItem {
  readonly sort: CoreSort;
  readonly source: CoreSource;
}

/** A component that can be instantiated, with the index spaces around it. */
export interface ComponentItem {
  readonly component: Component;
  readonly outer: Scope;
}

/** An instance of a component, or a selection. */
export interface InstanceItem {
  readonly exports: ReadonlyMap<string, Item>;
}

/** A type. An instance type stays as it is written, with the index spaces around it, until an import is of it. */
export type TypeItem =
  | { readonly kind: "value"; readonly codec: Codec; readonly isOption: boolean }
  | { readonly kind: "function"; readonly signature: Signature }
  | { readonly kind: "resource"; readonly resource: ResourceType }
  | { readonly kind: "instance"; readonly declarations: readonly Declaration[]; readonly outer: Scope }
  | { readonly kind: "component" };

/** Anything that a component can hand on. */
export type Item =
  | { readonly sort: "core module"; readonly item: ModuleItem }
  | { readonly sort: "function"; readonly item: FunctionItem }
  | { readonly sort: "type"; readonly item: TypeItem }
  | { readonly sort: "component"; readonly item: ComponentItem }
  | { readonly sort: "instance"; readonly item: InstanceItem };

/** One index space. */
export class Space<T> {
  readonly #name: string;
  readonly #items: T[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  add(item: T): void {
    this.#items.push(item);
  }

  /** @throws {ComponentLinkError} when the index leads nowhere. */
  get(index: number): T {
    const item = this.#items[index];
    if (item === undefined) throw new ComponentLinkError(`there is no ${this.#name} ${index}`);
    return item;
  }
}

/** The index spaces of one component, while it is instantiated. */
export class Scope {
  readonly outer: Scope | undefined;
  /** The number of the component instance. */
  readonly owner: number;
  readonly modules = new Space<ModuleItem>("core module");
  readonly coreInstances = new Space<CoreInstanceItem>("core instance");
  readonly coreItems: Readonly<Record<Exclude<CoreSort, "type" | "module" | "instance">, Space<CoreSource>>> = {
    function: new Space("core function"),
    table: new Space("core table"),
    memory: new Space("core memory"),
    global: new Space("core global"),
    tag: new Space("core tag"),
  };
  readonly functions = new Space<FunctionItem>("function");
  readonly types = new Space<TypeItem>("type");
  readonly components = new Space<ComponentItem>("component");
  readonly instances = new Space<InstanceItem>("instance");

  constructor(outer: Scope | undefined, owner: number) {
    this.outer = outer;
    this.owner = owner;
  }

  /** The scope so many steps outside of this one. */
  around(depth: number): Scope {
    let scope: Scope | undefined = this;
    for (let i = 0; i < depth && scope !== undefined; i++) scope = scope.outer;
    if (scope === undefined) throw new ComponentLinkError(`there are no ${depth} components around`);
    return scope;
  }

  add(item: Item): void {
    switch (item.sort) {
      case "core module":
        this.modules.add(item.item);
        break;
      case "function":
        this.functions.add(item.item);
        break;
      case "type":
        this.types.add(item.item);
        break;
      case "component":
        this.components.add(item.item);
        break;
      case "instance":
        this.instances.add(item.item);
        break;
    }
  }

  get(sort: Sort, index: number): Item {
    switch (sort) {
      case "core module":
        return { sort, item: this.modules.get(index) };
      case "function":
        return { sort, item: this.functions.get(index) };
      case "type":
        return { sort, item: this.types.get(index) };
      case "component":
        return { sort, item: this.components.get(index) };
      case "instance":
        return { sort, item: this.instances.get(index) };
    }
  }
}
