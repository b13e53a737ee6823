/**
 * Three ways to write a function, one way to call it.
 *
 *     module     export default { fetch(request, env, ctx) }     also a class that extends WorkerEntrypoint
 *     deno       Deno.serve(handler)
 *     listener   addEventListener("fetch", (event) => event.respondWith(…))
 */

import type { Env } from "../../../env/env.ts";
import { NebulaEvent } from "./events.ts";
import type { NebulaRequest } from "./request.ts";

/** The `ctx` of a handler (https://developers.cloudflare.com/workers/runtime-apis/context/). */
export interface ExecutionContext {
  waitUntil(work: unknown): void;
  passThroughOnException(): void;
  readonly props: object;
}

/** Answers one request; what it gives is not known to be a Response yet. */
export type Handler = (request: NebulaRequest, env: Env, ctx: ExecutionContext) => unknown;

type FetchListener = ((event: unknown) => void) | { handleEvent(event: unknown): void };

/** The base class of `cloudflare:workers`, for functions written as classes. */
export class WorkerEntrypoint {
  protected readonly ctx: ExecutionContext;
  protected readonly env: Env;

  constructor(ctx: ExecutionContext, env: Env) {
    this.ctx = ctx;
    this.env = env;
  }
}

/** What the module did to be called, besides its exports. */
export class Handlers {
  readonly #listeners: FetchListener[] = [];
  #deno: Handler | undefined;

  addListener(listener: unknown): void {
    if (isListener(listener) && !this.#listeners.includes(listener)) this.#listeners.push(listener);
  }

  removeListener(listener: unknown): void {
    const at = isListener(listener) ? this.#listeners.indexOf(listener) : -1;
    if (at >= 0) this.#listeners.splice(at, 1);
  }

  /** The part of Deno's namespace that a served function uses. @see https://docs.deno.com/api/deno/~/Deno.serve */
  createDeno(vars: () => Readonly<Record<string, string>>): object {
    const addr = { transport: "tcp", hostname: "127.0.0.1", port: 0 };
    const info = { remoteAddr: addr, completed: Promise.resolve() };
    const serve = (...args: unknown[]) => {
      const found = args.map(findDenoHandler).find((each) => each !== undefined);
      if (found === undefined) throw new TypeError("Cannot serve: Deno.serve was called without a handler");
      if (this.#deno !== undefined) throw new TypeError("Cannot serve: Deno.serve was called already");
      this.#deno = (request) => Reflect.apply(found.call, found.self, [request, info]);
      return { finished: new Promise(() => {}), shutdown: async () => {}, ref: () => {}, unref: () => {}, addr };
    };
    const env = {
      get: (name: string) => vars()[name],
      has: (name: string) => name in vars(),
      toObject: () => ({ ...vars() }),
      set: () => denied("set an environment variable"),
      delete: () => denied("delete an environment variable"),
    };
    return { serve, env, version: {}, build: { os: "linux" }, args: [] };
  }

  /**
   * The handler of the evaluated module.
   * @throws {TypeError} when there is none.
   */
  find(style: string, exports: Readonly<Record<string, unknown>>): Handler {
    if (style === "module") return toModuleHandler(exports.default);
    if (style === "deno") {
      if (this.#deno === undefined) throw new TypeError("Cannot find a handler: the module did not call Deno.serve");
      return this.#deno;
    }
    if (this.#listeners.length === 0) {
      throw new TypeError('Cannot find a handler: nothing called addEventListener("fetch", …)');
    }
    return (request, _env, ctx) => this.#dispatch(new FetchEvent(request, ctx));
  }

  #dispatch(event: FetchEvent): unknown {
    for (const listener of this.#listeners) {
      if (typeof listener === "function") Reflect.apply(listener, globalThis, [event]);
      else listener.handleEvent(event);
      if (event.response !== undefined) return event.response;
    }
    throw new TypeError("Cannot answer: no listener called respondWith");
  }
}

/** What a fetch listener gets. */
export class FetchEvent extends NebulaEvent {
  readonly request: NebulaRequest;
  readonly #ctx: ExecutionContext;
  #response: unknown;

  constructor(request: NebulaRequest, ctx: ExecutionContext) {
    super("fetch", { cancelable: true });
    this.request = request;
    this.#ctx = ctx;
  }

  get response(): unknown {
    return this.#response;
  }

  respondWith(response: unknown): void {
    if (this.#response !== undefined) throw new DOMException("respondWith was called already", "InvalidStateError");
    this.#response = response ?? null;
  }

  waitUntil(work: unknown): void {
    this.#ctx.waitUntil(work);
  }

  passThroughOnException(): void {}
}

function toModuleHandler(entry: unknown): Handler {
  if (isEntrypointClass(entry))
    return (request, env, ctx) => callFetch(Reflect.construct(entry, [ctx, env]), [request]);
  if (typeof entry !== "object" || entry === null || typeof Reflect.get(entry, "fetch") !== "function") {
    throw new TypeError('Cannot find a handler: the default export has no function "fetch"');
  }
  return (request, env, ctx) => callFetch(entry, [request, env, ctx]);
}

function isEntrypointClass(value: unknown): value is new (ctx: ExecutionContext, env: Env) => object {
  return typeof value === "function" && typeof value.prototype?.fetch === "function";
}

function callFetch(target: object, args: unknown[]): unknown {
  return Reflect.apply(Reflect.get(target, "fetch"), target, args);
}

function isListener(value: unknown): value is FetchListener {
  return typeof value === "function" || (typeof value === "object" && value !== null);
}

function findDenoHandler(arg: unknown): { self: unknown; call: (...args: unknown[]) => unknown } | undefined {
  if (typeof arg === "function") return { self: undefined, call: (...args) => Reflect.apply(arg, undefined, args) };
  if (typeof arg !== "object" || arg === null) return undefined;
  const method: unknown = Reflect.get(arg, "handler") ?? Reflect.get(arg, "fetch");
  return typeof method === "function" ? { self: arg, call: (...args) => Reflect.apply(method, arg, args) } : undefined;
}

function denied(action: string): never {
  throw new TypeError(`Cannot ${action}: the environment of a function does not change`);
}
