/**
 * Three ways to write a function, one way to call it.
 *
 *     module     export default { fetch(request, env, ctx) }     see env/entrypoints.ts
 *     deno       Deno.serve(handler)
 *     listener   addEventListener("fetch", (event) => event.respondWith(…))
 */

import type { ExecutionContext } from "../../env/entrypoints.ts";
import type { Env } from "../../env/env.ts";
import type { GlobalEvents } from "./events.guest.ts";

/** Answers one request; what it gives is not known to be a Response yet. */
export type Handler = (request: Request, env: Env, ctx: ExecutionContext) => unknown;

/**
 * The handler of a function in the service-worker style: the first listener that responds wins.
 * @throws {TypeError} when no listener was added.
 */
export function toListenerHandler(events: GlobalEvents): Handler {
  if (events.fetchListeners.length === 0) {
    throw new TypeError('Cannot find a handler: nothing called addEventListener("fetch", …)');
  }
  return (request, _env, ctx) => {
    const event = new FetchEvent(request, ctx);
    for (const listener of events.fetchListeners) {
      if (typeof listener === "function") Reflect.apply(listener, globalThis, [event]);
      else listener.handleEvent(event);
      if (event.response !== undefined) return event.response;
    }
    throw new TypeError("Cannot answer: no listener called respondWith");
  };
}

class FetchEvent extends Event {
  readonly request: Request;
  readonly #ctx: ExecutionContext;
  #response: unknown;

  constructor(request: Request, ctx: ExecutionContext) {
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

/** The part of Deno's namespace that a served function uses. */
export interface DenoStyle {
  readonly namespace: object;
  /** @throws {TypeError} when the module did not call Deno.serve. */
  takeHandler(): Handler;
}

/** @see https://docs.deno.com/api/deno/~/Deno.serve */
export function createDenoStyle(vars: Readonly<Record<string, string>>): DenoStyle {
  let handler: Handler | undefined;
  const serve = (...args: unknown[]) => {
    const found = args.map(findDenoHandler).find((candidate) => candidate !== undefined);
    if (found === undefined) throw new TypeError("Cannot serve: Deno.serve was called without a handler");
    if (handler !== undefined) throw new TypeError("Cannot serve: Deno.serve was called already");
    const info = { remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 0 }, completed: Promise.resolve() };
    handler = (request) => Reflect.apply(found.call, found.self, [request, info]);
    return {
      finished: new Promise(() => {}),
      shutdown: async () => {},
      ref: () => {},
      unref: () => {},
      addr: info.remoteAddr,
    };
  };
  const env = {
    get: (name: string) => vars[name],
    has: (name: string) => name in vars,
    toObject: () => ({ ...vars }),
    set: () => denied("set an environment variable"),
    delete: () => denied("delete an environment variable"),
  };
  return {
    namespace: { serve, env, version: {}, build: { os: "linux" }, args: [] },
    takeHandler: () => {
      if (handler === undefined) throw new TypeError("Cannot find a handler: the module did not call Deno.serve");
      return handler;
    },
  };
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
