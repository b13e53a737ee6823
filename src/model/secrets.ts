/**
 * Secrets: texts in `env` that nobody can read back. What both sides of the control API agree on, and how they reach a
 * function: as variables, in the copy of its spec that engines get and nobody keeps.
 */

import { NebulaError } from "./errors.ts";
import type { Binding, FunctionSpec } from "./function.ts";
import { KIB } from "./units.ts";

/** Both are Cloudflare's. @see https://developers.cloudflare.com/workers/platform/limits/#environment-variables */
export const MAX_SECRETS = 128;
/** Of one value, in UTF-8. */
export const MAX_SECRET_BYTES = 5 * KIB;
/** All bindings of a function with their values, as JSON: they reach a guest in the head of one frame. */
const MAX_BINDINGS_BYTES = 768 * KIB;

/** Values by name. */
export type SecretValues = Readonly<Record<string, string>>;

/** Whose it is, and its name in `env`. */
export interface SecretPlace {
  readonly functionName: string;
  readonly name: string;
}

/** What can be told of a secret. */
export interface SecretSummary {
  readonly name: string;
  readonly changedAtMs: number;
}

/** The secrets of one function, by name. */
export interface SecretList {
  readonly secrets: readonly SecretSummary[];
}

/** A secret that was put. */
export interface SecretAnswer {
  readonly name: string;
  /** A deployment serves with it now; otherwise the next one will. */
  readonly isServed: boolean;
}

/** How many secrets lie under the new key. */
export interface RotateAnswer {
  readonly secrets: number;
}

/** Whether `env` may have a secret of this name. */
export function isSecretName(name: unknown): name is string {
  return typeof name === "string" && /^(?!__proto__$)[A-Za-z_$][\w$]{0,255}$/.test(name);
}

/** Why a text cannot be a secret, a clause that does not tell it; `undefined` when it can. */
export function findValueProblem(value: unknown): string | undefined {
  if (typeof value !== "string" || !value.isWellFormed()) return "it is not a text";
  if (countBytes(value) > MAX_SECRET_BYTES) return `it has more than ${MAX_SECRET_BYTES} bytes`;
  // because environments, which containers and WASI programs have, end their texts with one
  return value.includes("\0") ? "it has a null byte" : undefined;
}

/**
 * The spec with its secrets as variables; it is for engines alone, and never written or shown.
 *
 * @throws {NebulaError} NEBULA_CONFIG_INVALID when some are missing, or have the name of another binding.
 */
export function toOpenSpec(spec: FunctionSpec, values: SecretValues): FunctionSpec {
  checkSecrets(spec, Object.keys(values));
  const names = Object.keys(values).sort();
  const plain = spec.bindings.filter(({ type }) => type !== "secret");
  if (names.length === 0) return plain.length === spec.bindings.length ? spec : { ...spec, bindings: plain };
  const opened = names.map((name): Binding => ({ type: "var", name, value: values[name] ?? "" }));
  const bindings = [...plain, ...opened];
  if (countBytes(JSON.stringify(bindings)) > MAX_BINDINGS_BYTES) {
    throw new NebulaError(
      "NEBULA_CONFIG_INVALID",
      `Cannot use the secrets of "${spec.name}": together they are too long`,
      {
        hint: "Keep large texts in a KV namespace",
      },
    );
  }
  return { ...spec, bindings };
}

/**
 * Holds the names of secrets against what a function is configured with.
 *
 * @throws {NebulaError} NEBULA_CONFIG_INVALID when required ones are missing, or one has the name of another binding.
 */
export function checkSecrets({ name, bindings }: FunctionSpec, names: readonly string[]): void {
  const other = bindings.find((each) => each.type !== "secret" && names.includes(each.name));
  if (other !== undefined) {
    throw new NebulaError(
      "NEBULA_CONFIG_INVALID",
      `Cannot use the secret "${other.name}" of "${name}": a binding of type "${other.type}" has this name already`,
      { hint: `Name one of them otherwise, or remove the secret: nebula secret delete ${other.name} --name ${name}` },
    );
  }
  const missing = bindings.filter((each) => each.type === "secret" && !names.includes(each.name));
  if (missing.length === 0) return;
  const listed = missing.map((each) => `"${each.name}"`).join(", ");
  throw new NebulaError("NEBULA_CONFIG_INVALID", `Cannot use "${name}": it has no value for its secrets ${listed}`, {
    hint: `Give it each: nebula secret put <key> --name ${name}; for nebula dev, write them into .dev.vars`,
    details: { function: name, missing: missing.map((each) => each.name).join(" ") },
  });
}

function countBytes(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}
