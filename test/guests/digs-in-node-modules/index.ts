import * as asyncHooks from "node:async_hooks";
import * as channels from "node:diagnostics_channel";
import * as perf from "node:perf_hooks";
import * as stream from "node:stream";
import * as util from "node:util";
import * as zlib from "node:zlib";
import { guest, isProcess, tryAll } from "../kit.ts";

const any = (module: unknown) => module as any;
/** With nodejs_compat: the doors that its modules might leave open. */
export default guest(() =>
  tryAll({
    createHook: () =>
      any(asyncHooks)
        .createHook({ init() {} })
        .enable(),
    defaultCreateHook: () => any(asyncHooks).default.createHook,
    resource: () => any(asyncHooks).executionAsyncResource?.(),
    defaultResource: () => any(asyncHooks).default.executionAsyncResource,
    wrap: () => any(asyncHooks).asyncWrapProviders,
    getCallSites: () =>
      any(util)
        .getCallSites?.()
        .find((site: any) => /\/(?:work|home|root|usr|tmp)\//.test(site.scriptName)),
    binding: () => any(util).internalBinding,
    channelModule: () => any(channels).default.constructor.constructor("return 1")(),
    errnoMap: () => isProcess(any(util).process),
    debuglog: () => {
      any(util).debuglog("net").enabled;
      return undefined;
    },
    eventLoop: () => any(perf).monitorEventLoopDelay,
    zipFile: () => any(zlib).ZipFile ?? any(zlib).default.ZipFile,
    compose: () => any(stream).process,
    dep: () => any(stream)._uint8ArrayToBuffer && undefined,
    captureProcess: () => {
      let got: any;
      const proto: any = any(stream).Stream.prototype;
      const before = proto.on;
      proto.on = function (...args: any[]) {
        got ??= isProcess(this) ? this : undefined;
        return before.apply(this, args);
      };
      new any(stream).PassThrough().on("data", () => {});
      proto.on = before;
      return got;
    },
  }),
);
