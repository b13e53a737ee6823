/**
 * Which of Node's modules a function may import, and why the others not.
 *
 * The build keeps imports of these as they are and refuses the rest; the guest offers these and nothing else.
 * Pure data, so that both sides read one list. It follows Workers' `nodejs_compat` except where Workers has
 * stand-ins for a file system and sockets: a module is better refused at build time than empty at run time.
 *
 * @see https://developers.cloudflare.com/workers/runtime-apis/nodejs/
 */

/** Importable with `nodejs_compat`; names without `node:`. */
export const NODEJS_COMPAT_MODULES = [
  "assert",
  "assert/strict",
  "async_hooks",
  "buffer",
  "console",
  "crypto",
  "diagnostics_channel",
  "events",
  "path",
  "path/posix",
  "path/win32",
  "perf_hooks",
  "process",
  "punycode",
  "querystring",
  "stream",
  "stream/consumers",
  "stream/promises",
  "stream/web",
  "string_decoder",
  "timers",
  "timers/promises",
  "url",
  "util",
  "util/types",
  "zlib",
] as const;

/** One of these modules. */
export type NodejsCompatModule = (typeof NODEJS_COMPAT_MODULES)[number];

const NO_FILES = "a function has no file system";
const NO_SOCKETS = "a function has no sockets, only fetch";
const NO_PROCESSES = "a function cannot start processes";
const NO_TERMINAL = "a function has no terminal";
const NO_ENGINE = "it reaches into the engine that runs the function";
const NO_STRINGS = "a function cannot run code from strings";
const NO_MODULES = "the modules of a function are fixed when it is built";
const NOT_KEPT = "it is not part of nodejs_compat";

/** Every other module of Node, with the reason for a refusal, as the end of "Cannot import X: …". */
export const NODEJS_REFUSED_MODULES: Readonly<Record<string, string>> = {
  child_process: NO_PROCESSES,
  cluster: NO_PROCESSES,
  constants: NOT_KEPT,
  dgram: NO_SOCKETS,
  dns: NO_SOCKETS,
  "dns/promises": NO_SOCKETS,
  domain: NOT_KEPT,
  ffi: NO_ENGINE,
  fs: NO_FILES,
  "fs/promises": NO_FILES,
  http: NO_SOCKETS,
  http2: NO_SOCKETS,
  https: NO_SOCKETS,
  inspector: NO_ENGINE,
  "inspector/promises": NO_ENGINE,
  module: NO_MODULES,
  net: NO_SOCKETS,
  os: "a function sees nothing of the machine that runs it",
  readline: NO_TERMINAL,
  "readline/promises": NO_TERMINAL,
  repl: NO_TERMINAL,
  sea: NOT_KEPT,
  sqlite: NO_FILES,
  sys: NOT_KEPT,
  test: NOT_KEPT,
  "test/reporters": NOT_KEPT,
  tls: NO_SOCKETS,
  trace_events: NO_ENGINE,
  tty: NO_TERMINAL,
  v8: NO_ENGINE,
  vm: NO_STRINGS,
  wasi: NO_ENGINE,
  worker_threads: "a function cannot start threads",
};

/** Modules that exist with the `node:` prefix only; without it the name belongs to npm. */
const PREFIX_ONLY: ReadonlySet<string> = new Set(["ffi", "sea", "sqlite", "test", "test/reporters"]);

const KEPT: ReadonlySet<string> = new Set(NODEJS_COMPAT_MODULES);

/** From this compatibility date on, `nodejs_compat` is on unless a flag turns it off. */
const ON_BY_DEFAULT_FROM = "2026-08-04";

/** What of a function decides which modules it may import. */
export interface Compatibility {
  readonly date: string;
  readonly flags: readonly string[];
}

/**
 * The name without prefix of the Node module that a specifier means, whether or not a function may import it.
 *
 *     findNodeModule("node:fs/promises")  →  "fs/promises"      findNodeModule("fs")      →  "fs"
 *     findNodeModule("node:sqlite")       →  "sqlite"           findNodeModule("sqlite")  →  undefined
 */
export function findNodeModule(specifier: string): string | undefined {
  const isPrefixed = specifier.startsWith("node:");
  const name = isPrefixed ? specifier.slice("node:".length) : specifier;
  if (!isPrefixed && PREFIX_ONLY.has(name)) return undefined;
  return KEPT.has(name) || Object.hasOwn(NODEJS_REFUSED_MODULES, name) ? name : undefined;
}

/**
 * Whether a function has Node's modules at all.
 *
 * @see https://developers.cloudflare.com/changelog/post/2026-08-04-nodejs-compat-default/
 */
export function hasNodejsCompat({ date, flags }: Compatibility): boolean {
  if (flags.includes("no_nodejs_compat")) return false;
  return flags.includes("nodejs_compat") || flags.includes("nodejs_compat_v2") || date >= ON_BY_DEFAULT_FROM;
}

/** Whether a function may import the Node module of this name (without prefix). `nodejs_als` grants async_hooks alone. */
export function mayImportNodeModule(name: string, compatibility: Compatibility): boolean {
  if (!KEPT.has(name)) return false;
  return hasNodejsCompat(compatibility) || (name === "async_hooks" && compatibility.flags.includes("nodejs_als"));
}
