/**
 * Secrets of a function while it is developed: `.dev.vars` beside its configuration or, where there is none, `.env`.
 *
 *     --env staging    .dev.vars.staging, else .dev.vars
 *                      else all of .env, .env.staging, .env.local, .env.staging.local; the later one wins
 *
 * The rules are wrangler's, but for `$NAME` in values, which stays as it is. No message here holds a name or a value: a
 * line that went wrong may begin with a piece of a key.
 *
 * @see https://developers.cloudflare.com/workers/local-development/environment-variables/
 */

import { basename, join } from "node:path";
import { parseEnv } from "node:util";
import { NebulaError } from "../model/errors.ts";
import { findValueProblem, isSecretName, type SecretValues } from "../model/secrets.ts";
import { readConfigText } from "./config-file.ts";
import { readKind } from "./folder.ts";

/** What was found, and where. */
export interface DevVars {
  readonly values: SecretValues;
  /** Names of the files, in the order read; none where there is no file. */
  readonly files: readonly string[];
}

/** Every file that may hold some, absolute: those that come first replace the others. */
export function listDevVarsFiles(dir: string, env: string | undefined): string[] {
  return [...listOwn(env), ...listShared(env)].map((name) => join(dir, name));
}

/**
 * Reads them; none where there is no file.
 *
 * @throws {NebulaError} NEBULA_CONFIG_INVALID for a file that cannot be read, or that holds what no secret can be.
 */
export async function readDevVars(dir: string, env: string | undefined): Promise<DevVars> {
  const [own] = await keepFiles(dir, listOwn(env));
  const files = own === undefined ? await keepFiles(dir, listShared(env)) : [own];
  const read = await Promise.all(files.map((name) => readOne(join(dir, name))));
  return { values: Object.assign({}, ...read), files };
}

function listOwn(env: string | undefined): string[] {
  return [...(env === undefined ? [] : [`.dev.vars.${env}`]), ".dev.vars"];
}

/** The most special one last. */
function listShared(env: string | undefined): string[] {
  return env === undefined ? [".env", ".env.local"] : [".env", `.env.${env}`, ".env.local", `.env.${env}.local`];
}

async function keepFiles(dir: string, names: readonly string[]): Promise<string[]> {
  const kinds = await Promise.all(names.map((name) => readKind(join(dir, name))));
  return names.filter((_, index) => kinds[index] !== "missing");
}

async function readOne(path: string): Promise<SecretValues> {
  const read = await readConfigText(path);
  if ("problem" in read) throw invalid(path, read.problem);
  const values: Record<string, string> = {};
  for (const [name, value = ""] of Object.entries(parseEnv(read.text))) {
    const line = findLine(read.text, name);
    if (!isSecretName(name)) {
      throw invalid(path, `line ${line} does not begin with a name that env can have, an identifier`, {
        hint: "Put values of several lines in quotes",
      });
    }
    const problem = findValueProblem(value);
    if (problem !== undefined) throw invalid(path, `the value in line ${line} cannot be a secret: ${problem}`);
    values[name] = value;
  }
  return values;
}

/** Counted from 1. */
function findLine(text: string, name: string): number {
  const lines = text.split(/\r?\n/);
  return lines.findIndex((line) => line.replace(/^\s*(?:export\s+)?/, "").startsWith(name)) + 1;
}

function invalid(path: string, problem: string, options: { hint?: string } = {}): NebulaError {
  return new NebulaError("NEBULA_CONFIG_INVALID", `Cannot read "${basename(path)}": ${problem}`, options);
}
