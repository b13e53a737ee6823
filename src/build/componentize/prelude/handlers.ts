/**
 * Three ways to write a function, one way to call it.
 *
 *     module     export default { fetch(request, env, ctx) }     see env/entrypoints.ts
 *     deno       Deno.serve(handler)
 *     listener   addEventListener("fetch", (event) => event.respondWith(…))
 */

import { type Entrypoints, type ExecutionContext, findEntrypoints, toEntrypoints } from "../../../env/entrypoints.ts";
import type { Env } from "../../../env/env.ts";
import { NebulaEvent } from "./events.ts";
import type { NebulaRequest } from "./request.ts";

/** Answers one request; what it gives is not known to be a Response yet. */
export type Handler = (request: NebulaRequest, env: Env, ctx: ExecutionContext) => unknown;

type FetchListener = ((event: unknown) => void) | { handleEvent(event: unknown): void };

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
   * What the evaluated module can be asked by.
   * @throws {TypeError} when there is nothing.
   */
  find(style: string, exports: Readonly<Record<string, unknown>>): Entrypoints<NebulaRequest> {
    if (style === "module") return findEntrypoints(exports);
    if (style === "deno") {
      if (this.#deno === undefined) throw new TypeError("Cannot find a handler: the module did not call Deno.serve");
      return toEntrypoints(this.#deno);
    }
    if (this.#listeners.length === 0) {
      throw new TypeError('Cannot find a handler: nothing called addEventListener("fetch", …)');
    }
    return toEntrypoints((request, _env, ctx) => this.#dispatch(new FetchEvent(request, ctx)));
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
