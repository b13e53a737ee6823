/**
 * The exports of a module as what can be asked: its default export, and those that are named.
 *
 *     export default { fetch(request, env, ctx) }
 *     export default class extends WorkerEntrypoint { fetch(request) … }
 *     export class Greeter extends WorkerEntrypoint { greet(name) … }
 */

import type { Env } from "./env.ts";
import { answerCall, type Receiver } from "./rpc.ts";

/** The `ctx` of a handler (https://developers.cloudflare.com/workers/runtime-apis/context/). */
export interface ExecutionContext {
  waitUntil(work: unknown): void;
  passThroughOnException(): void;
  readonly props: Readonly<Record<string, unknown>>;
}

/** The base class of `cloudflare:workers`, for functions written as classes. */
export class WorkerEntrypoint {
  protected readonly ctx: ExecutionContext;
  protected readonly env: Env;

  constructor(ctx: ExecutionContext, env: Env) {
    this.ctx = ctx;
    this.env = env;
  }
}

/** What a handler gets besides its request. */
export interface Surroundings {
  readonly env: Env;
  readonly ctx: ExecutionContext;
}

/** What a function can be asked by. `name` is that of an export; the default export without. */
export interface Entrypoints<Request> {
  /** What it gives is not known to be a Response yet. */
  fetch(request: Request, around: Surroundings, name?: string): unknown;
  /** Calls a method; rejects with a CallFailure. */
  call(asked: Uint8Array, around: Surroundings, name?: string): Promise<Uint8Array>;
}

const NO_CLASS = "Cannot ask an export that is neither an object nor a class that extends WorkerEntrypoint";

/**
 * Those of an evaluated module.
 * @throws {TypeError} when it has none.
 */
export function findEntrypoints<Request>(exports: Readonly<Record<string, unknown>>): Entrypoints<Request> {
  const isAny = Object.values(exports).some(isEntrypointClass);
  if (!isAny && !hasFetch(exports.default)) {
    throw new TypeError('Cannot find a handler: the default export has no function "fetch"');
  }
  const find = (name = "default"): unknown => {
    if (Object.hasOwn(exports, name)) return exports[name];
    throw new TypeError(`Cannot find the entry point "${name}": the function exports nothing of that name`);
  };
  return {
    fetch: (request, around, name) => {
      const { self, rest = [] } = open(find(name), around);
      const handler: unknown = Reflect.get(self, "fetch");
      if (typeof handler !== "function") throw new TypeError("Handler does not export a fetch() function.");
      return Reflect.apply(handler, self, [request, ...rest]);
    },
    call: (asked, around, name) =>
      answerCall(asked, () => {
        const entry = find(name);
        if (typeof entry === "function" && !isEntrypointClass(entry)) throw new TypeError(NO_CLASS);
        return open(entry, around);
      }),
  };
}

/** For functions that are no modules: a request is all that they can be asked. */
export function toEntrypoints<Request>(
  handler: (request: Request, env: Env, ctx: ExecutionContext) => unknown,
): Entrypoints<Request> {
  const refuse = (): never => {
    throw new TypeError("Cannot be asked by name or by method: the function is no module with exports");
  };
  return {
    fetch: (request, { env, ctx }, name) => (name === undefined ? handler(request, env, ctx) : refuse()),
    call: (asked) => answerCall(asked, refuse),
  };
}

function open(entry: unknown, { env, ctx }: Surroundings): Receiver {
  if (isClass(entry)) return { self: Reflect.construct(entry, [ctx, env]) };
  if (typeof entry !== "object" || entry === null) throw new TypeError(NO_CLASS);
  return { self: entry, rest: [env, ctx] };
}

type EntryClass = new (ctx: ExecutionContext, env: Env) => object;

/** A class with `fetch` is one, too, whatever it extends. */
function isClass(value: unknown): value is EntryClass {
  return isEntrypointClass(value) || (typeof value === "function" && hasFetch(value.prototype));
}

function isEntrypointClass(value: unknown): value is EntryClass {
  return typeof value === "function" && value.prototype instanceof WorkerEntrypoint;
}

function hasFetch(value: unknown): boolean {
  if (isClass(value)) return true;
  return typeof value === "object" && value !== null && typeof Reflect.get(value, "fetch") === "function";
}
