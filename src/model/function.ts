/**
 * What a user deploys: a function, described as plain data that crosses the control API.
 *
 * A FunctionSpec is what the node must know to run a function; a Project is what the author's machine must
 * know to build it. `config/` makes both out of one configuration file.
 */

import { GIB, KIB, MIB } from "./units.ts";

/** Every engine that there is or will be; a node may have fewer. */
export const ENGINE_NAMES = ["isolate", "wasi", "container"] as const;
/** One of them. */
export type EngineName = (typeof ENGINE_NAMES)[number];

/** What runs the JavaScript of a function in the engine `isolate`. */
export const RUNTIME_NAMES = ["node", "deno"] as const;
/** One of them. */
export type RuntimeName = (typeof RUNTIME_NAMES)[number];

/** Ceilings on one function. Breaking one gives the error of the table, which names limit, value and function. */
export interface Limits {
  /** From the request to the response head, and after it between two chunks of the body. */
  readonly wallMs: number;
  /** Processor time of one invocation. */
  readonly cpuMs: number;
  /** Everything one instance holds: heap, buffers and Wasm memory. */
  readonly memoryBytes: number;
  readonly requestBodyBytes: number;
  readonly responseBodyBytes: number;
  /** All header lines of a request or of a response. */
  readonly headerBytes: number;
  /** Calls of one invocation to bindings and to the network. */
  readonly subrequests: number;
  /** Console output kept of one invocation; the rest is dropped, and the log says so. */
  readonly logBytes: number;
  /** How long `ctx.waitUntil` may keep an instance after the response. */
  readonly waitUntilMs: number;
  /** Evaluation of the module's top level. */
  readonly startMs: number;
}

/** Defaults follow Cloudflare's paid plan where it has a number (developers.cloudflare.com/workers/platform/limits). */
export const DEFAULT_LIMITS: Limits = {
  wallMs: 60_000,
  cpuMs: 30_000,
  memoryBytes: 128 * MIB,
  requestBodyBytes: 100 * MIB,
  responseBodyBytes: GIB,
  headerBytes: 64 * KIB,
  subrequests: 1_000,
  logBytes: 256 * KIB,
  waitUntilMs: 30_000,
  startMs: 10_000,
};

/** The most that `headerBytes` may be: what the data port reads at all, and what fits a frame however it is escaped. */
export const MAX_HEADER_BYTES = 128 * KIB;

/** How many instances a function may have, and how many requests at once each of them takes. */
export interface Scaling {
  readonly minInstances: number;
  readonly maxInstances: number;
  /** Requests in flight on one instance before another is started. */
  readonly concurrency: number;
  /** Requests that may wait when every instance is full; more are refused with NEBULA_OVERLOADED. */
  readonly queueDepth: number;
  /** How long a request may wait in that queue. */
  readonly queueMs: number;
  /** An instance without work for this long is stopped: scale to zero. */
  readonly idleMs: number;
}

/** Nothing runs while nobody asks, and four processes at the most. */
export const DEFAULT_SCALING: Scaling = {
  minInstances: 0,
  maxInstances: 4,
  concurrency: 100,
  queueDepth: 1_000,
  queueMs: 10_000,
  idleMs: 60_000,
};

/** A value that JSON can carry. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A capability named in `env`. Functions that name one id of a database or a namespace share it. */
export type Binding =
  | { readonly type: "var"; readonly name: string; readonly value: Json }
  /** Its value is the node's to know: engines see a variable. */
  | { readonly type: "secret"; readonly name: string }
  | { readonly type: "assets"; readonly name: string }
  | { readonly type: "d1"; readonly name: string; readonly id: string }
  | { readonly type: "kv"; readonly name: string; readonly id: string }
  | ServiceBinding;

/** Another function of the node, or one of its entry points. */
export interface ServiceBinding {
  readonly type: "service";
  readonly name: string;
  /** The function's name. */
  readonly service: string;
  /** An exported class; the default export when left out. */
  readonly entrypoint?: string;
  /** What it finds as `ctx.props`. */
  readonly props?: Readonly<Record<string, Json>>;
}

/** The variables among the bindings as texts, as environments have them: what is no text is written as JSON. */
export function toTextVars(bindings: readonly Binding[]): Record<string, string> {
  const vars: Record<string, string> = {};
  for (const each of bindings) {
    if (each.type === "var") vars[each.name] = typeof each.value === "string" ? each.value : JSON.stringify(each.value);
  }
  return vars;
}

/** How static files answer; the words are wrangler's `[assets]`. */
export interface AssetsSettings {
  readonly htmlHandling: "auto-trailing-slash" | "force-trailing-slash" | "drop-trailing-slash" | "none";
  readonly notFoundHandling: "none" | "404-page" | "single-page-application";
  /** `true`: the function answers all requests first. A list: only these patterns (`/api/*`, `!/api/docs/*`). */
  readonly runWorkerFirst: boolean | readonly string[];
}

/** How a Wasm program is asked, and what it gets. A component that exports a handler is asked through that. */
export interface WasiSettings {
  /** `stdio`: body to stdin, stdout is the body. `cgi`: CGI/1.1. */
  readonly interface: "stdio" | "cgi";
  /** What follows the program's name in its arguments. */
  readonly args: readonly string[];
  /** A directory that outlives the invocation (`/state`); absent: none. */
  readonly state?: string;
  /** Requests that the build and the node may send at any time to see that it answers, and how fast. */
  readonly proof: readonly ProofRequest[];
}

/** One request whose answer is the same each time. */
export interface ProofRequest {
  readonly method: string;
  /** With the query: `/?n=10`. */
  readonly path: string;
  readonly body?: string;
}

/** A plain program, asked once for its root. */
export const DEFAULT_WASI: WasiSettings = { interface: "stdio", args: [], proof: [{ method: "GET", path: "/" }] };

/** How a container is run, and what it may use. Who it is and what it may reach is not for the image to decide. */
export interface ContainerSettings {
  /** `http`: it serves on a port. `stdio`: one container for each request, body to stdin, stdout is the body. */
  readonly interface: "http" | "stdio";
  /** What it serves on; the one port that the image exposes unless given. */
  readonly port?: number;
  /** A path that answers 2xx or 3xx once it is ready; unless given it is ready when it accepts connections. */
  readonly probe?: string;
  /** Take the place of the image's own arguments (`CMD`); absent: those. */
  readonly args?: readonly string[];
  /** Numeric, `1000` or `1000:1000`, not root; the image's user unless given, or one of our own where that is root. */
  readonly user?: string;
  /** Processors that it may use at once: 0.5 is half of one. */
  readonly cpus: number;
  readonly pids: number;
  /** `/tmp` and `/run` together, in memory; the rest cannot be written. */
  readonly tmpBytes: number;
  /** Frozen for this long, after `scaling.idleMs` without work: it is stopped. */
  readonly stopMs: number;
  /** Stopped for this long: it is removed. */
  readonly removeMs: number;
}

/** One processor, and what a small server needs. */
export const DEFAULT_CONTAINER: ContainerSettings = {
  interface: "http",
  cpus: 1,
  pids: 128,
  tmpBytes: 64 * MIB,
  stopMs: 600_000,
  removeMs: 3_600_000,
};

/** How one of several engines is chosen for a request. */
export const STRATEGIES = ["ordered", "cold-race", "fastest"] as const;
/** One of them. */
export type Strategy = (typeof STRATEGIES)[number];

/** How a function with several engines goes from one to the next. */
export interface ChainSettings {
  readonly strategy: Strategy;
  /** A request with a body, or with a method that changes things, may be made twice. */
  readonly isIdempotent: boolean;
  /** Engines that may take over although they isolate less than one before them in the list. */
  readonly weaker: readonly EngineName[];
}

/** In the order of the list, and nothing is made twice that may change something. */
export const DEFAULT_CHAIN: ChainSettings = { strategy: "ordered", isIdempotent: false, weaker: [] };

/** What the node must know to run a function. Plain data: it crosses the control API as JSON. */
export interface FunctionSpec {
  /** A DNS label: lower-case letters, digits and hyphens, at most 63. */
  readonly name: string;
  /** In the order wanted. */
  readonly engines: readonly EngineName[];
  /** For the `isolate` engine; `node` unless given. */
  readonly runtime?: RuntimeName;
  readonly compatibility: { readonly date: string; readonly flags: readonly string[] };
  /** Cloudflare route patterns, `host/path`, without scheme; a custom domain is `host/*`. */
  readonly routes: readonly string[];
  readonly bindings: readonly Binding[];
  readonly assets?: AssetsSettings;
  /** For the `wasi` engine; DEFAULT_WASI unless given. */
  readonly wasi?: WasiSettings;
  /** For the `container` engine; DEFAULT_CONTAINER unless given. */
  readonly container?: ContainerSettings;
  /** For several engines; DEFAULT_CHAIN unless given. */
  readonly chain?: ChainSettings;
  readonly limits: Limits;
  readonly scaling: Scaling;
  /**
   * Hosts that outbound `fetch` may reach: `api.example.com`, `*.example.com`, `127.0.0.1:9000`; empty: none. A
   * container has all of the network with `*`, and none of it without.
   */
  readonly outbound: readonly string[];
}

/** Which files of a module import become what: wrangler's `[[rules]]`. */
export interface ModuleRule {
  readonly type: "ESModule" | "CommonJS" | "CompiledWasm" | "Text" | "Data";
  readonly globs: readonly string[];
  readonly fallthrough: boolean;
}

/** A Dockerfile, absolute, which is built in the project's folder; or an image by name and digest, which the node pulls. */
export type ImageSource = { readonly dockerfile: string } | { readonly reference: string };

/** A database of a project as its author sees it. */
export interface ProjectDatabase {
  /** In `env`. */
  readonly binding: string;
  readonly id: string;
  /** Its other name, for people. */
  readonly title?: string;
  /** Absolute; absent where there are none. */
  readonly migrationsDir?: string;
  /** Whether the configuration names that folder: then it has to be there. */
  readonly isNamed?: boolean;
  readonly migrationsTable: string;
}

/** What the author's machine must know to build a function. Paths are absolute. */
export interface Project {
  readonly dir: string;
  /** Absent when the folder has no configuration file and everything is a default. */
  readonly configFile?: string;
  /** The entry; absent for static files alone, and where no form is made of it. */
  readonly main?: string;
  /** The entries of forms that are made of another file than `main`. */
  readonly entries?: { readonly isolate?: string; readonly wasi?: string };
  /** Where the container's image comes from; there exactly when the spec names that engine. */
  readonly image?: ImageSource;
  readonly assetsDir?: string;
  /** Files that ship with a Wasm function: path inside it → file or folder. */
  readonly files?: Readonly<Record<string, string>>;
  readonly databases?: readonly ProjectDatabase[];
  readonly build: {
    /** A shell command that runs first (wrangler's `[build] command`), its folder, and what to watch. */
    readonly command?: string;
    readonly cwd: string;
    readonly watchDirs: readonly string[];
    readonly define: Readonly<Record<string, string>>;
    readonly alias: Readonly<Record<string, string>>;
    readonly rules: readonly ModuleRule[];
    readonly minify: boolean;
    readonly keepNames: boolean;
    /** False with wrangler's `no_bundle`: the entry is taken as it is. */
    readonly isBundled: boolean;
    readonly tsconfig?: string;
    readonly jsx?: { readonly factory: string; readonly fragment: string };
  };
  readonly spec: FunctionSpec;
}
