import * as util from "node:util";
import { guest, tryAll } from "../kit.ts";

const any = globalThis as any;

/** Deno's namespace, its inner side, or the real process: each can do what no guest may. */
const isDoor = (value: any): boolean => {
  const names = ["readTextFileSync", "Command", "ops", "evalContext", "reallyExit", "readFileSync", "runInThisContext"];
  return names.some((name) => Object.getOwnPropertyDescriptor(value, name) !== undefined);
};

/** A door among all that can be had of these values by properties, getters, symbols and prototypes. */
const walk = (roots: unknown[]): string | undefined => {
  const seen = new Set<unknown>();
  const queue = roots.map((value, i) => ({ value, path: `${i}` }));
  for (let next = queue.shift(); next !== undefined && seen.size < 200_000; next = queue.shift()) {
    const { value, path } = next as { value: any; path: string };
    if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) continue;
    seen.add(value);
    if (isDoor(value)) return path;
    for (const key of Reflect.ownKeys(value)) {
      try {
        queue.push({ value: value[key], path: `${path}.${String(key)}` });
      } catch {
        // refused
      }
      const { get, set } = Object.getOwnPropertyDescriptor(value, key) ?? {};
      queue.push(
        { value: get, path: `${path}.get ${String(key)}` },
        { value: set, path: `${path}.set ${String(key)}` },
      );
    }
    queue.push({ value: Object.getPrototypeOf(value), path: `${path}.__proto__` });
  }
  return undefined;
};

const modules = await Promise.all(
  ["assert", "async_hooks", "buffer", "console", "crypto", "diagnostics_channel", "events", "path", "perf_hooks"]
    .concat("process", "punycode", "querystring", "stream", "stream/consumers", "stream/promises", "stream/web")
    .concat("string_decoder", "timers", "timers/promises", "url", "util", "util/types", "zlib")
    .map((name) => import(`node:${name}`)),
);

/** The frames of a stack as V8 gives them: whose function, with which `this`. */
const frames = (): any[] => {
  const before = (Error as any).prepareStackTrace;
  try {
    (Error as any).prepareStackTrace = (_: unknown, sites: any[]) => sites;
    const sites: any = new Error().stack;
    return Array.isArray(sites) ? sites : [];
  } finally {
    (Error as any).prepareStackTrace = before;
  }
};

/** With nodejs_compat: the ways to the runtime's own side that Deno might leave open. */
export default guest((request) =>
  tryAll({
    global: () => any.Deno,
    window: () => any.window?.Deno ?? any.Window ?? any.self.Deno,
    inner: () => any[Symbol.for("Deno.internal")] ?? any.__bootstrap ?? any.core,
    prototypes: () => walk([Object.getPrototypeOf(globalThis)]),
    everything: () => walk([globalThis, ...modules]),
    instances: () =>
      walk([
        request,
        new Response("x"),
        new URL("a:"),
        new AbortController(),
        new MessageChannel(),
        new ReadableStream().getReader(),
        new CompressionStream("gzip"),
        any.setImmediate(() => {}),
        Promise.reject(new Error()).catch(() => {}),
        fetch("http://nowhere.test/").catch((error) => error),
        crypto.subtle,
        console,
      ]),
    frames: () => walk(frames().flatMap((site) => [site, site.getThis(), site.getFunction(), site.getEvalOrigin()])),
    inspect: () => {
      const got: unknown[] = [];
      const custom = (...args: unknown[]) => String(got.push(...args));
      const spy = {};
      for (const name of ["Deno.customInspect", "Deno.privateCustomInspect", "nodejs.util.inspect.custom"])
        Object.defineProperty(spy, Symbol.for(name), { value: custom });
      console.log(spy);
      util.inspect(spy);
      return got.length === 0 ? "nothing was inspected: this proves nothing" : walk(got);
    },
    importInner: async () => (await import(`ext:${"core"}/mod.js`)).core,
    importInnerOps: async () => (await import(`ext:${"core"}/ops`)).op_fs_open_sync,
    importNode: async () => (await import(`ext:${"deno_node"}/fs.ts`)).readFileSync,
    importBlob: async () => {
      const text = "export default 1";
      return (await import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })))).default;
    },
    importText: async () => (await import(`file:///etc/${"passwd"}`, { with: { type: "text" } } as any)).default,
    importJson: async () => (await import(`file:///etc/${"passwd"}`, { with: { type: "json" } } as any)).default,
    worker: () => new any.Worker(URL.createObjectURL(new Blob([""])), { type: "module" }),
    main: () => any.process.mainModule ?? any.process.execPath,
    exit: () => any.process.reallyExit?.(0),
    environment: () =>
      Object.keys(any.process.env)
        .filter((name) => name !== "TRAP" && name !== "TRAP_SOCKET")
        .join(),
    folder: () => any.process.cwd() !== "/",
    permissions: () => any.navigator.permissions ?? any.Permissions,
    gpu: () => any.navigator.gpu ?? any.GPU,
    prompt: () => any.prompt ?? any.alert ?? any.confirm,
    close: () => any.close,
    storage: () => any.localStorage ?? any.sessionStorage ?? any.Storage,
    strings: () => setTimeout("globalThis.ran = true" as any, 0),
    eventData: () =>
      Object.getOwnPropertySymbols(globalThis).filter(
        (each) => each !== Symbol.toStringTag && Object.keys(any[each] ?? {}).join() !== "dispatch",
      ).length,
  }),
);
