/**
 * Plans the core modules of a component: which is instantiated when, with what.
 *
 * A module gets exactly what its component hands to it: each of its imports is looked up here, so that none can ever be
 * answered by an accident of JavaScript (`constructor`, `toString`).
 */

import type { CoreModuleDefinition, CoreSort, Definition } from "../../../wasm/component/component.ts";
import { POOLED_MEMORY } from "../../../wasm/import-memory.ts";
import type { CoreInstanceItem, CoreItem, Scope } from "./items.guest.ts";
import type { Step, StepArgument } from "./plan.guest.ts";
import type { CoreSource } from "./resource-type.guest.ts";
import { ComponentLinkError } from "./trap.guest.ts";

/** A module with what V8 says about it. */
interface CompiledModule {
  readonly module: WebAssembly.Module;
  readonly imports: readonly { module: string; name: string; kind: string }[];
  readonly exports: ReadonlyMap<string, CoreSort>;
}

/** Makes a module of its bytes; the number counts over the whole component. */
export type CompileModule = (bytes: Uint8Array, number: number) => WebAssembly.Module;

const MAX_INSTANCES = 1000;

const SORTS: Readonly<Record<string, CoreSort>> = {
  function: "function",
  table: "table",
  memory: "memory",
  global: "global",
  tag: "tag",
};

/** Collects the steps. */
export class CoreLinker {
  readonly steps: Step[] = [];
  readonly #compileModule: CompileModule;
  readonly #compiled = new Map<number, CompiledModule>();

  constructor(compileModule: CompileModule) {
    this.#compileModule = compileModule;
  }

  /** Plans an instance of a module. */
  instantiate(definition: Definition & { kind: "core instantiate" }, scope: Scope): CoreInstanceItem {
    const number = this.steps.length;
    if (number === MAX_INSTANCES) throw new ComponentLinkError(`it makes more than ${MAX_INSTANCES} core instances`);
    const source = scope.modules.get(definition.module).definition;
    const compiled = this.#compile(source);
    const given = new Map(definition.args.map(({ name, instance }) => [name, scope.coreInstances.get(instance)]));
    for (const each of compiled.imports) checkImport(each, given);
    const args = [...given].map(([name, instance]) => toArgument(name, instance));
    this.steps.push({ module: compiled.module, number: source.number, args });
    return { number, exports: compiled.exports };
  }

  #compile({ bytes, number }: CoreModuleDefinition): CompiledModule {
    const known = this.#compiled.get(number);
    if (known !== undefined) return known;
    const module = this.#compileModule(bytes, number);
    const exports = new Map<string, CoreSort>();
    for (const { name, kind } of WebAssembly.Module.exports(module)) {
      const sort = SORTS[kind];
      if (sort !== undefined) exports.set(name, sort);
    }
    const compiled = { module, imports: WebAssembly.Module.imports(module), exports };
    this.#compiled.set(number, compiled);
    return compiled;
  }
}

/** Something that a core instance exports, if it does. */
export function findCoreItem(instance: CoreInstanceItem, name: string): CoreItem | undefined {
  if (instance.number === undefined) return instance.exports.get(name);
  const sort = instance.exports.get(name);
  return sort && { sort, source: { instance: instance.number, name } };
}

/** Something that a core instance exports, of the kind it is wanted as. */
export function getCoreItem(instance: CoreInstanceItem, name: string, sort: string): CoreSource {
  const found = findCoreItem(instance, name);
  if (found?.sort !== sort) throw new ComponentLinkError(`a core instance has no ${sort} "${name}"`);
  return found.source;
}

function checkImport(
  { module, name, kind }: { module: string; name: string; kind: string },
  given: ReadonlyMap<string, CoreInstanceItem>,
): void {
  const instance = given.get(module);
  const isPooled = module === POOLED_MEMORY.module && name === POOLED_MEMORY.name && kind === "memory";
  if (instance === undefined && isPooled) return;
  const found = instance && findCoreItem(instance, name);
  if (found === undefined)
    throw new ComponentLinkError(`a core module imports "${module}" "${name}", which nothing is`);
  if (found.sort !== kind) throw new ComponentLinkError(`a core module imports "${module}" "${name}" as a ${kind}`);
}

function toArgument(name: string, instance: CoreInstanceItem): StepArgument {
  if (instance.number !== undefined) return { name, instance: instance.number };
  const items = [...instance.exports].map(([key, { source }]) => ({ name: key, source }));
  return { name, items };
}
