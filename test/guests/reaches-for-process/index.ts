import { guest, isProcess, tryAll } from "../kit.ts";

declare const process: any, require: any, module: any, global: any;
export default guest(() =>
  tryAll({
    process: () => isProcess(process),
    globalProcess: () => isProcess((globalThis as any).process),
    require: () => typeof require === "function" && require.name === "require",
    globalRequire: () => (globalThis as any).require,
    module: () => module.require,
    global: () => isProcess(global.process),
    constructor: () => isProcess((guest as any).constructor.constructor("return process")()),
    responseConstructor: () => isProcess((Response as any).constructor("return process")()),
    asyncConstructor: () => (async () => {}).constructor("return process")(),
    symbols: () =>
      Object.getOwnPropertySymbols(globalThis)
        .filter(
          (each) => each !== Symbol.toStringTag && Object.keys((globalThis as any)[each] ?? {}).join() !== "dispatch",
        )
        .map(String)
        .join(),
    undici: () =>
      ["undici.globalDispatcher.1", "undici.globalDispatcher.2"]
        .filter(
          (name) =>
            Symbol.for(name) in globalThis &&
            ((globalThis as any)[Symbol.for(name)].close ||
              (globalThis as any)[Symbol.for(name)].constructor !== Object),
        )
        .join(),
    internalBinding: () => (globalThis as any).internalBinding ?? (globalThis as any).primordials,
    meta: () =>
      Object.keys(import.meta)
        .filter((name) => !["url", "main"].includes(name))
        .join(),
    resolve: () => (import.meta as any).resolve?.("node:fs"),
    timer: () => {
      const timer: any = setTimeout(() => {}, 0);
      return typeof timer === "object";
    },
    timerThis: () =>
      new Promise((resolve) =>
        setTimeout(function (this: any) {
          resolve(this !== globalThis && this !== undefined);
        }, 0),
      ),
    immediate: () => (globalThis as any).setImmediate,
    getBuiltin: () => (globalThis as any).process.getBuiltinModule("fs"),
    stack: () => /\/(?:work|home|root|usr|tmp)\//.exec(new Error().stack ?? "")?.[0],
  }),
);
