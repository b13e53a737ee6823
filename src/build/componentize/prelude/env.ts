/**
 * The `env` of a function: what its configuration declares, told by the host with each request.
 *
 * The variable NEBULA_ENV holds the bindings as JSON. Nothing of it is there while the function is built.
 */

import type { AskAnswer, AskCall } from "../../../env/ask.ts";
import { createEnv, type Env, type EnvParts } from "../../../env/env.ts";
import { type Binding, toTextVars } from "../../../model/function.ts";
import type { Target } from "../../../model/service.ts";
import type { NebulaAbortSignal } from "./abort.ts";
import type { BodyIo } from "./body-io.ts";
import { createFetch } from "./fetch.ts";
import type { Host } from "./host.ts";

const VARIABLE = "NEBULA_ENV";
/** What of the function is asked: told with each request, too. */
const TARGET_VARIABLE = "NEBULA_TARGET";

/** The `env` of now, and what stands for it where it is imported. */
export class Environment {
  /** How bindings are reached, while a request is being answered. */
  readonly parts: EnvParts;
  #env: Env | undefined;
  #vars: Readonly<Record<string, string>> = {};
  #target: Target = {};

  constructor(io: () => BodyIo | undefined) {
    this.parts = {
      ask: (name) => (call) => ask(createFetch(io, { binding: name, isAsked: true }), call),
      fetcher: (name) => ({ fetch: createFetch(io, { binding: name }) }),
    };
  }

  connect(host: Host): void {
    const variables = new Map(host.environment.getEnvironment());
    const bindings = fromHost(JSON.parse(variables.get(VARIABLE) ?? "[]"));
    this.#target = toTarget(JSON.parse(variables.get(TARGET_VARIABLE) ?? "{}"));
    for (const binding of bindings) freeze(binding);
    this.#env = createEnv(bindings, this.parts);
    this.#vars = toTextVars(bindings);
  }

  /** @throws {TypeError} while the function is built. */
  get now(): Env {
    if (this.#env === undefined)
      throw new TypeError("Cannot read env while the function is built: only a request has it");
    return this.#env;
  }

  /** What of the function is asked now. */
  get target(): Target {
    return this.#target;
  }

  /** Variables as texts, for Deno.env. */
  get texts(): Readonly<Record<string, string>> {
    void this.now;
    return this.#vars;
  }

  /** What `import { env } from "cloudflare:workers"` gives: looks at the `env` of now. */
  readonly imported: Env = new Proxy<Env>(
    {},
    {
      get: (_, key) => Reflect.get(this.now, key),
      has: (_, key) => Reflect.has(this.now, key),
      ownKeys: () => Reflect.ownKeys(this.now),
      getOwnPropertyDescriptor: (_, key) => {
        const property = Object.getOwnPropertyDescriptor(this.now, key);
        return property && { ...property, configurable: true };
      },
      set: () => false,
      defineProperty: () => false,
      deleteProperty: () => false,
    },
  );
}

/** What a binding is asked, by way of its `fetch`. */
async function ask(
  fetch: ReturnType<typeof createFetch>,
  { method, url, headers, body, signal }: AskCall,
): Promise<AskAnswer> {
  const pairs = headers.flatMap((name, i): [string, string][] => (i % 2 === 0 ? [[name, headers[i + 1] ?? ""]] : []));
  const response = await fetch(url, { method, headers: pairs, body, ...(signal && { signal: toOwn(signal) }) });
  return { status: response.status, headers: [...response.headers].flat(), body: toShared(response.body) };
}

/** Here the globals are classes of our own: one thing under two declarations. */
function toOwn(signal: unknown): NebulaAbortSignal {
  return signal as NebulaAbortSignal;
}

function toShared(body: unknown): AskAnswer["body"] {
  return body as AskAnswer["body"];
}

/** The border with the host, whose words are trusted. */
function fromHost(value: unknown): readonly Binding[] {
  return value as readonly Binding[];
}

function toTarget(value: unknown): Target {
  return value as Target;
}

function freeze(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  for (const each of Object.values(value)) freeze(each);
  return Object.freeze(value);
}
