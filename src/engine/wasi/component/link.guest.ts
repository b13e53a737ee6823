/**
 * Links a component: walks through its definitions once, as if it were instantiated, and writes down what there is to do.
 *
 * Nested components are walked through where they are instantiated, so that the plan has none. Whatever the bytes say, the
 * walk is bounded: in steps, in instances, in depth.
 */

import type {
  Alias,
  CanonOptions,
  Component,
  CoreSort,
  Definition,
  ExternType,
  Named,
  Sort,
} from "../../../wasm/component/component.ts";
import { ROOT, toInterfaceName } from "../../../wasm/component/name.ts";
import { type CompileModule, CoreLinker, getCoreItem } from "./core-linker.guest.ts";
import type { HostImports } from "./host-function.guest.ts";
import { HostOffer } from "./host-offer.guest.ts";
import { type CoreItem, type Item, Scope, type Space, type TypeItem } from "./items.guest.ts";
import type { Callee, FunctionItem, LinkPlan, PortPlan, TrampolinePlan } from "./plan.guest.ts";
import type { CoreSource } from "./resource-type.guest.ts";
import { ComponentLinkError } from "./trap.guest.ts";
import { getResource, getSignature, toTypeItem } from "./types.guest.ts";

/** What linking needs. */
export interface LinkParts {
  /** What will be offered; functions that suspend here have to suspend in every instance. */
  readonly host: HostImports;
  readonly compileModule: CompileModule;
}

const MAX_STEPS = 200_000;
const MAX_INSTANCES = 1000;
const MAX_DEPTH = 50;

/** @throws {ComponentLinkError} when the component is malformed, or imports what is not offered: then all of that at once. */
export function linkComponent(component: Component, parts: LinkParts): LinkPlan {
  return new Linker(parts).link(component);
}

/** Answers an import of the component that is being walked through. */
type Importer = (name: string, what: ExternType, scope: Scope) => Item | undefined;

class Linker {
  readonly #offer: HostOffer;
  readonly #core: CoreLinker;
  readonly #trampolines: TrampolinePlan[] = [];
  readonly #ports = new Map<string, { readonly number: number; readonly plan: PortPlan }>();
  #owners = 0;
  #steps = 0;
  #depth = 0;

  constructor({ host, compileModule }: LinkParts) {
    this.#offer = new HostOffer(host);
    this.#core = new CoreLinker(compileModule);
  }

  link(component: Component): LinkPlan {
    const exports = this.#walk(component);
    this.#offer.check();
    return {
      steps: this.#core.steps,
      trampolines: this.#trampolines,
      ports: [...this.#ports.values()].map(({ plan }) => plan),
      owners: this.#owners,
      suspends: this.#offer.suspends,
      exports: toExports(exports),
    };
  }

  #walk(component: Component): ReadonlyMap<string, Item> {
    try {
      return this.#instantiate(component, undefined, (name, what, scope) => this.#importFromHost(name, what, scope));
    } catch (thrown) {
      // What is missing explains why something else was not found.
      this.#offer.check();
      throw thrown;
    }
  }

  #instantiate(component: Component, outer: Scope | undefined, importer: Importer): ReadonlyMap<string, Item> {
    if (this.#owners === MAX_INSTANCES) throw new ComponentLinkError(`it makes more than ${MAX_INSTANCES} instances`);
    if (this.#depth === MAX_DEPTH) throw new ComponentLinkError(`instances are nested deeper than ${MAX_DEPTH}`);
    const scope = new Scope(outer, this.#owners);
    const exports = new Map<string, Item>();
    this.#owners += 1;
    this.#depth += 1;
    for (const definition of component.definitions) this.#define(definition, scope, importer, exports);
    this.#depth -= 1;
    return exports;
  }

  #count(): void {
    this.#steps += 1;
    if (this.#steps > MAX_STEPS) throw new ComponentLinkError(`it takes more than ${MAX_STEPS} steps`);
  }

  #define(definition: Definition, scope: Scope, importer: Importer, exports: Map<string, Item>): void {
    this.#count();
    switch (definition.kind) {
      case "core type":
        return;
      case "core module":
        scope.modules.add({ definition });
        break;
      case "core instantiate":
        scope.coreInstances.add(this.#core.instantiate(definition, scope));
        break;
      case "core bundle":
        scope.coreInstances.add({ exports: this.#toCoreBundle(definition.exports, scope) });
        break;
      case "component":
        scope.components.add({ component: definition.component, outer: scope });
        break;
      case "instantiate":
        scope.instances.add({ exports: this.#instantiateNested(definition, scope) });
        break;
      case "bundle":
        scope.instances.add({ exports: this.#toBundle(definition.exports, scope) });
        break;
      case "alias":
      case "core alias":
      case "outer alias":
        addAlias(definition, scope);
        break;
      case "type":
        scope.types.add(toTypeItem(definition.type, scope));
        break;
      case "lift":
        scope.functions.add(this.#lift(definition, scope));
        break;
      case "lower":
        this.#addTrampoline(scope, this.#lower(definition, scope));
        break;
      case "resource":
        this.#addTrampoline(scope, toResourceFunction(definition, scope));
        break;
      case "import": {
        const item = importer(definition.name, definition.what, scope);
        if (item !== undefined) scope.add(item);
        break;
      }
      case "export": {
        const item = scope.get(definition.item.sort, definition.item.index);
        exports.set(definition.item.name, item);
        scope.add(item);
      }
    }
  }

  #instantiateNested(definition: Definition & { kind: "instantiate" }, scope: Scope): ReadonlyMap<string, Item> {
    const { component, outer } = scope.components.get(definition.component);
    const args = this.#toBundle(definition.args, scope);
    return this.#instantiate(component, outer, (name, what) => {
      const item = args.get(name);
      if (item === undefined) throw new ComponentLinkError(`a nested component is not given its import "${name}"`);
      if (item.sort !== what.kind) throw new ComponentLinkError(`a nested component is given another "${name}"`);
      return item;
    });
  }

  #toBundle(exports: readonly Named<Sort>[], scope: Scope): ReadonlyMap<string, Item> {
    return new Map(
      exports.map(({ name, sort, index }) => {
        this.#count();
        return [name, scope.get(sort, index)];
      }),
    );
  }

  #toCoreBundle(exports: readonly Named<CoreSort>[], scope: Scope): ReadonlyMap<string, CoreItem> {
    return new Map(
      exports.map(({ name, sort, index }) => {
        this.#count();
        return [name, { sort, source: getCoreSpace(scope, sort).get(index) }];
      }),
    );
  }

  #importFromHost(name: string, what: ExternType, scope: Scope): Item | undefined {
    switch (what.kind) {
      case "instance": {
        const type = scope.types.get(what.index);
        if (type.kind !== "instance") throw new ComponentLinkError(`type ${what.index} is no instance's`);
        return { sort: "instance", item: { exports: this.#declare(type, name) } };
      }
      case "function":
      case "type":
        return this.#toDeclared(ROOT, name, what, scope);
      default:
        this.#offer.refuse(ROOT, `${what.kind} ${name}`);
        return undefined;
    }
  }

  /** What the host gives under the name of an interface, by what the component says about it. */
  #declare({ declarations, outer }: TypeItem & { kind: "instance" }, interfaceName: string): ReadonlyMap<string, Item> {
    const scope = new Scope(outer, outer.owner);
    const exports = new Map<string, Item>();
    for (const each of declarations) {
      this.#count();
      if (each.kind === "type") scope.types.add(toTypeItem(each.type, scope));
      else if (each.kind === "declared export") {
        const item = this.#toDeclared(interfaceName, each.name, each.what, scope);
        if (item === undefined) continue;
        exports.set(each.name, item);
        scope.add(item);
      } else if (each.kind !== "core type") addAlias(each, scope);
    }
    return exports;
  }

  #toDeclared(interfaceName: string, name: string, what: ExternType, scope: Scope): Item | undefined {
    if (what.kind === "function") {
      const callee = { host: this.#offer.function(interfaceName, name) };
      return { sort: "function", item: { signature: getSignature(scope, what.index), callee } };
    }
    if (what.kind !== "type") {
      this.#offer.refuse(interfaceName, `${what.kind} ${name}`);
      return undefined;
    }
    if (what.equals !== undefined) return { sort: "type", item: scope.types.get(what.equals) };
    return { sort: "type", item: { kind: "resource", resource: this.#offer.resource(interfaceName, name) } };
  }

  #lift({ core, options, type }: Definition & { kind: "lift" }, scope: Scope): FunctionItem {
    const functions = scope.coreItems.function;
    const signature = getSignature(scope, type);
    const source = functions.get(core);
    if (source.instance === undefined) return { signature, callee: this.#getCallee(source.trampoline) };
    const lift = {
      core: source,
      signature,
      port: this.#getPort(options, scope),
      owner: scope.owner,
      postReturn: options.postReturn === undefined ? undefined : functions.get(options.postReturn),
    };
    return { signature, callee: { lift } };
  }

  /** The function behind one that was lowered only to be lifted again: no core module is between. */
  #getCallee(trampoline: number): Callee {
    const plan = this.#trampolines[trampoline];
    if (plan?.kind !== "call") throw new ComponentLinkError("what handles resources is exported as a function");
    return plan.callee;
  }

  #lower({ func, options }: Definition & { kind: "lower" }, scope: Scope): TrampolinePlan {
    if (options.postReturn !== undefined) throw new ComponentLinkError("an imported function has a post-return");
    const { signature, callee } = scope.functions.get(func);
    return { kind: "call", callee, signature, port: this.#getPort(options, scope), owner: scope.owner };
  }

  #addTrampoline(scope: Scope, plan: TrampolinePlan): void {
    scope.coreItems.function.add({ trampoline: this.#trampolines.length });
    this.#trampolines.push(plan);
  }

  /** One port for all functions that see the same memory in the same way. */
  #getPort(options: CanonOptions, scope: Scope): number {
    const { encoding } = options;
    const memory = options.memory === undefined ? undefined : scope.coreItems.memory.get(options.memory);
    const realloc = options.realloc === undefined ? undefined : scope.coreItems.function.get(options.realloc);
    const plan: PortPlan = { owner: scope.owner, encoding, memory, realloc };
    const key = JSON.stringify(plan);
    const known = this.#ports.get(key);
    if (known !== undefined) return known.number;
    const number = this.#ports.size;
    this.#ports.set(key, { number, plan });
    return number;
  }
}

function addAlias(alias: Alias, scope: Scope): void {
  switch (alias.kind) {
    case "alias": {
      const item = scope.instances.get(alias.instance).exports.get(alias.name);
      if (item?.sort !== alias.sort) throw new ComponentLinkError(`an instance has no ${alias.sort} "${alias.name}"`);
      scope.add(item);
      break;
    }
    case "core alias": {
      const source = getCoreItem(scope.coreInstances.get(alias.instance), alias.name, alias.sort);
      getCoreSpace(scope, alias.sort).add(source);
      break;
    }
    case "outer alias":
      if (alias.sort !== "core type") scope.add(scope.around(alias.depth).get(alias.sort, alias.index));
  }
}

function getCoreSpace(scope: Scope, sort: CoreSort): Space<CoreSource> {
  if (sort === "type" || sort === "module" || sort === "instance") {
    throw new ComponentLinkError(`a core instance exports a ${sort}`);
  }
  return scope.coreItems[sort];
}

function toResourceFunction({ does, type }: Definition & { kind: "resource" }, scope: Scope): TrampolinePlan {
  const resource = getResource(scope, type);
  if (does !== "drop" && resource.owner !== scope.owner) {
    throw new ComponentLinkError(`it looks into the resource ${resource.name}, which it did not define`);
  }
  return { kind: does, resource, owner: scope.owner };
}

/** What can be called from outside, by interface. */
function toExports(items: ReadonlyMap<string, Item>): LinkPlan["exports"] {
  const exports = new Map<string, ReadonlyMap<string, FunctionItem>>();
  const root = toCallees(items);
  if (root.size > 0) exports.set(ROOT, root);
  for (const [name, item] of items) {
    if (item.sort === "instance") exports.set(toInterfaceName(name), toCallees(item.item.exports));
  }
  return exports;
}

function toCallees(items: ReadonlyMap<string, Item>): ReadonlyMap<string, FunctionItem> {
  const callees = new Map<string, FunctionItem>();
  for (const [name, item] of items) if (item.sort === "function") callees.set(name, item.item);
  return callees;
}
