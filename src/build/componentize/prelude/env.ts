/**
 * The `env` of a function: what its configuration declares, told by the host with each request.
 *
 * The variable NEBULA_ENV holds `[{ "type": "var", "name", "value" } | { "type": …, "name" }]`: a binding that is no
 * variable answers `fetch`. Nothing of it is there while the function is built.
 */

import type { BodyIo } from "./body-io.ts";
import { createFetch } from "./fetch.ts";
import type { Host } from "./host.ts";

const VARIABLE = "NEBULA_ENV";

/** The names and values of `env`. */
export type Env = Readonly<Record<string, unknown>>;

/** The `env` of now, and what stands for it where it is imported. */
export class Environment {
  readonly #io: () => BodyIo | undefined;
  #env: Env | undefined;
  #vars: Readonly<Record<string, string>> = {};

  constructor(io: () => BodyIo | undefined) {
    this.#io = io;
  }

  connect(host: Host): void {
    const text = host.environment.getEnvironment().find(([name]) => name === VARIABLE)?.[1] ?? "[]";
    const bindings = fromHost(JSON.parse(text));
    const values = bindings.map(({ type, name, value }): [string, unknown] => {
      return [name, type === "var" ? freeze(value) : Object.freeze({ fetch: createFetch(this.#io, name) })];
    });
    this.#env = Object.freeze(Object.fromEntries(values));
    const vars = bindings.filter(({ type }) => type === "var");
    this.#vars = Object.fromEntries(
      vars.map(({ name, value }) => [name, typeof value === "string" ? value : JSON.stringify(value)]),
    );
  }

  /** @throws {TypeError} while the function is built. */
  get now(): Env {
    if (this.#env === undefined)
      throw new TypeError("Cannot read env while the function is built: only a request has it");
    return this.#env;
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

interface ToldBinding {
  readonly type: string;
  readonly name: string;
  readonly value?: unknown;
}

/** The border with the host, whose words are trusted. */
function fromHost(value: unknown): readonly ToldBinding[] {
  return value as readonly ToldBinding[];
}

function freeze(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  for (const each of Object.values(value)) freeze(each);
  return Object.freeze(value);
}
