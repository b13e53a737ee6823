/**
 * The `env` of a function: each binding as the object that its code sees.
 */

import type { Binding } from "../model/function.ts";
import type { Ask, Fetcher } from "./ask.ts";
import { D1Database } from "./d1.ts";
import { KvNamespace } from "./kv.ts";
import { createService } from "./service.ts";

/** The names and values of `env`. */
export type Env = Readonly<Record<string, unknown>>;

/** How a host of JavaScript reaches a binding by its name. */
export interface EnvParts {
  ask(name: string): Ask;
  fetcher(name: string): Fetcher;
}

/** Makes `env`. Nothing in it can be changed, but the objects that variables hold. */
export function createEnv(bindings: readonly Binding[], parts: EnvParts): Env {
  return Object.freeze(Object.fromEntries(bindings.map((each) => [each.name, toValue(each, parts)])));
}

function toValue(binding: Binding, parts: EnvParts): unknown {
  if (binding.type === "var") return binding.value;
  if (binding.type === "d1") return Object.freeze(new D1Database(parts.ask(binding.name)));
  if (binding.type === "kv") return new KvNamespace(parts.ask(binding.name));
  if (binding.type === "service")
    return Object.freeze(createService(parts.ask(binding.name), parts.fetcher(binding.name)));
  return Object.freeze(parts.fetcher(binding.name));
}
