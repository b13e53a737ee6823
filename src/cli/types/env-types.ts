/**
 * The configuration of a function → the text of its `env.d.ts`. Pure, and the same each time.
 */

import type { Binding, FunctionSpec, Json } from "../../model/function.ts";
import { BASE, D1, FETCHER, KV, SERVICE } from "./declarations.ts";

/** What is known of a function. */
export interface EnvTypesInput {
  readonly bindings: FunctionSpec["bindings"];
  /** Beside those among the bindings; they come before variables. */
  readonly secrets: readonly string[];
  /** By the name of a service binding, the type of the entry point that it leads to. */
  readonly entrypoints: Readonly<Record<string, string>>;
}

/** What a file begins with that may be written over. */
export const HEADER = "// Made by `nebula types`: run it again when the configuration changes.";

/** Declares `Env` with everything that it needs, and nothing else. */
export function formatEnvTypes({ bindings, secrets, entrypoints }: EnvTypesInput): string {
  const known = new Set(secrets);
  const plain = bindings.filter(({ type, name }) => type !== "var" || !known.has(name));
  const declared = new Set(plain.map(({ name }) => name));
  const extra = secrets.filter((name) => !declared.has(name)).map((name): Binding => ({ type: "secret", name }));
  const all = [...plain, ...extra];
  const lines = all.map((each) => `  readonly ${each.name}: ${toBindingType(each, entrypoints)};\n`);
  const has = (...types: readonly Binding["type"][]) => all.some(({ type }) => types.includes(type));
  return [
    `${HEADER}\n`,
    lines.length === 0 ? "interface Env {}\n" : `interface Env {\n${lines.join("")}}\n`,
    BASE,
    ...(has("assets", "service") ? [FETCHER] : []),
    ...(has("service") ? [SERVICE] : []),
    ...(has("d1") ? [D1] : []),
    ...(has("kv") ? [KV] : []),
  ].join("\n");
}

function toBindingType(binding: Binding, entrypoints: EnvTypesInput["entrypoints"]): string {
  switch (binding.type) {
    case "var":
      return toType(binding.value, "  ");
    case "secret":
      return "string";
    case "assets":
      return "Fetcher";
    case "d1":
      return "D1Database";
    case "kv":
      return "KVNamespace";
    case "service": {
      const entrypoint = entrypoints[binding.name];
      return entrypoint === undefined ? "Service" : `Service<${entrypoint}>`;
    }
  }
}

/** A variable as the type that holds exactly it. */
function toType(value: Json, indent: string): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const inner = `${indent}  `;
  const items = isList(value)
    ? value.map((item) => `${inner}${toType(item, inner)},\n`)
    : Object.entries(value).map(([key, item]) => `${inner}${toKey(key)}: ${toType(item, inner)};\n`);
  const [open, close] = isList(value) ? "[]" : "{}";
  return items.length === 0 ? `${open}${close}` : `${open}\n${items.join("")}${indent}${close}`;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function toKey(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key);
}
