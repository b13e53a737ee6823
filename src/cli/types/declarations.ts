/**
 * What `env` consists of, as TypeScript declares it: the interfaces of Workers, as far as functions have them here.
 *
 * They stand on `Request`, `Response` and streams, which the author's `lib` brings (`WebWorker` or `DOM`).
 * @see https://developers.cloudflare.com/workers/runtime-apis/
 */

/** Every function has these. */
export const BASE = `/** What a function may do besides answering. */
interface ExecutionContext<Props = Readonly<Record<string, unknown>>> {
  /** Work that goes on after the response. */
  waitUntil(promise: Promise<unknown>): void;
  passThroughOnException(): void;
  /** What the service binding that was asked has as \`props\`. */
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
`;

/** What answers requests: static files. */
export const FETCHER = `/** What answers requests. */
interface Fetcher {
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
}
`;

/** Other functions; needs FETCHER. */
export const SERVICE = `/** Another function: requests, and the methods of its entry point \`T\`, each of which answers later. */
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
`;

/** D1 databases. */
export const D1 = `/** A database. */
interface D1Database {
  prepare(query: string): D1PreparedStatement;
  /** Runs all of them in one transaction, or none. */
  batch<T = Record<string, unknown>>(statements: readonly D1PreparedStatement[]): Promise<D1Result<T>[]>;
  /** Runs SQL without values, each line for itself, in one transaction. */
  exec(query: string): Promise<D1ExecResult>;
  withSession(constraintOrBookmark?: "first-primary" | "first-unconstrained" | (string & {})): D1DatabaseSession;
}

interface D1DatabaseSession extends Pick<D1Database, "prepare" | "batch"> {
  getBookmark(): string | null;
}

/** A statement with its values. */
interface D1PreparedStatement {
  bind(...values: unknown[]): D1PreparedStatement;
  /** One column of the first row, or the whole row; null when there is none. */
  first<T = unknown>(column: string): Promise<T | null>;
  first<T = Record<string, unknown>>(): Promise<T | null>;
  run<T = Record<string, unknown>>(): Promise<D1Result<T>>;
  all<T = Record<string, unknown>>(): Promise<D1Result<T>>;
  /** Rows as lists; with \`columnNames\` the names of the columns come first. */
  raw<T = unknown[]>(options: { columnNames: true }): Promise<[string[], ...T[]]>;
  raw<T = unknown[]>(options?: { columnNames?: false }): Promise<T[]>;
}

interface D1Result<T = unknown> {
  success: true;
  results: T[];
  meta: D1Meta & Record<string, unknown>;
}

interface D1Meta {
  /** Milliseconds. */
  duration: number;
  changes: number;
  last_row_id: number;
  changed_db: boolean;
  /** Bytes. */
  size_after: number;
  rows_read: number;
  rows_written: number;
  served_by: string;
}

interface D1ExecResult {
  /** Statements. */
  count: number;
  /** Milliseconds. */
  duration: number;
}
`;

/** KV namespaces. */
export const KV = `/** A KV namespace. */
interface KVNamespace {
  /** The value of a key, or a map of those of several; null stands for what is absent. */
  get(key: string, options?: KVNamespaceGetText): Promise<string | null>;
  get<T = unknown>(key: string, options: KVNamespaceGetOptions<"json">): Promise<T | null>;
  get(key: string, options: KVNamespaceGetOptions<"arrayBuffer">): Promise<ArrayBuffer | null>;
  get(key: string, options: KVNamespaceGetOptions<"stream">): Promise<ReadableStream<Uint8Array> | null>;
  get(keys: readonly string[], options?: KVNamespaceGetText): Promise<Map<string, string | null>>;
  get<T = unknown>(keys: readonly string[], options: KVNamespaceGetOptions<"json">): Promise<Map<string, T | null>>;

  /** As \`get\`, with what was put beside the value. */
  getWithMetadata<Metadata = unknown>(
    key: string,
    options?: KVNamespaceGetText,
  ): Promise<KVNamespaceGetWithMetadataResult<string, Metadata>>;
  getWithMetadata<T = unknown, Metadata = unknown>(
    key: string,
    options: KVNamespaceGetOptions<"json">,
  ): Promise<KVNamespaceGetWithMetadataResult<T, Metadata>>;
  getWithMetadata<Metadata = unknown>(
    key: string,
    options: KVNamespaceGetOptions<"arrayBuffer">,
  ): Promise<KVNamespaceGetWithMetadataResult<ArrayBuffer, Metadata>>;
  getWithMetadata<Metadata = unknown>(
    key: string,
    options: KVNamespaceGetOptions<"stream">,
  ): Promise<KVNamespaceGetWithMetadataResult<ReadableStream<Uint8Array>, Metadata>>;
  getWithMetadata<Metadata = unknown>(
    keys: readonly string[],
    options?: KVNamespaceGetText,
  ): Promise<Map<string, { value: string; metadata: Metadata | null } | null>>;
  getWithMetadata<T = unknown, Metadata = unknown>(
    keys: readonly string[],
    options: KVNamespaceGetOptions<"json">,
  ): Promise<Map<string, { value: T; metadata: Metadata | null } | null>>;

  put(
    key: string,
    value: string | ArrayBuffer | ArrayBufferView | ReadableStream<Uint8Array>,
    options?: KVNamespacePutOptions,
  ): Promise<void>;
  delete(key: string): Promise<void>;
  /** One page of the keys, in the order of their bytes. */
  list<Metadata = unknown>(options?: KVNamespaceListOptions): Promise<KVNamespaceListResult<Metadata>>;
}

type KVNamespaceGetText = "text" | { type?: "text"; cacheTtl?: number };
type KVNamespaceGetOptions<Type> = Type | { type: Type; cacheTtl?: number };

interface KVNamespaceGetWithMetadataResult<Value, Metadata> {
  value: Value | null;
  metadata: Metadata | null;
  cacheStatus: string | null;
}

interface KVNamespacePutOptions {
  /** Seconds since 1970. */
  expiration?: number;
  /** Seconds from now. */
  expirationTtl?: number;
  /** Anything that JSON can carry. */
  metadata?: unknown;
}

interface KVNamespaceListOptions {
  prefix?: string | null;
  limit?: number;
  cursor?: string | null;
}

interface KVNamespaceListKey<Metadata = unknown> {
  name: string;
  /** Seconds since 1970. */
  expiration?: number;
  metadata?: Metadata;
}

type KVNamespaceListResult<Metadata = unknown> =
  | { list_complete: false; keys: KVNamespaceListKey<Metadata>[]; cursor: string; cacheStatus: string | null }
  | { list_complete: true; keys: KVNamespaceListKey<Metadata>[]; cacheStatus: string | null };
`;
