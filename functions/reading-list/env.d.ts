// Made by `nebula types`: run it again when the configuration changes.

interface Env {
  readonly WORKS: Service<Entrypoint<typeof import("./index.ts"), "Works">>;
  readonly MARKDOWN: Service;
}

/** What a function may do besides answering. */
interface ExecutionContext<Props = Readonly<Record<string, unknown>>> {
  /** Work that goes on after the response. */
  waitUntil(promise: Promise<unknown>): void;
  passThroughOnException(): void;
  /** What the service binding that was asked has as `props`. */
  readonly props: Props;
}

/** The default export of a function. */
interface ExportedHandler<E = Env> {
  fetch?(request: Request, env: E, ctx: ExecutionContext): Response | Promise<Response>;
}

interface CacheStorage {
  /** The cache that every function has without opening one. */
  readonly default: Cache;
}

declare module "cloudflare:workers" {
  /** The same as a handler gets. */
  export const env: Env;
  export function waitUntil(promise: Promise<unknown>): void;

  /** A function as a class: each of its methods can be called by way of a service binding. */
  export abstract class WorkerEntrypoint<E = Env, Props = Readonly<Record<string, unknown>>> {
    protected readonly ctx: ExecutionContext<Props>;
    protected readonly env: E;
    constructor(ctx: ExecutionContext<Props>, env: E);
    fetch?(request: Request): Response | Promise<Response>;
  }

  /** A class whose methods may be called below a property of an entry point. */
  export abstract class RpcTarget {}
}

/** What answers requests. */
interface Fetcher {
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
}

/** Another function: requests, and the methods of its entry point `T`, each of which answers later. */
type Service<T = unknown> = Fetcher & ServiceMethods<T>;

type ServiceMethods<T> = unknown extends T
  ? { readonly [method: string]: (...args: unknown[]) => Promise<unknown> }
  : {
      readonly [Name in Exclude<keyof T, "fetch">]: T[Name] extends (...args: infer Args) => infer Result
        ? (...args: Args) => Promise<Awaited<Result>>
        : Promise<Awaited<T[Name]>>;
    };

/** The entry point that a module exports under a name. */
type Entrypoint<Module, Name extends string> = Module extends Readonly<Record<Name, infer Export>>
  ? Export extends abstract new (...args: never[]) => infer Instance
    ? Instance
    : object
  : object;
