import { guest, isProcess, tryAll } from "../kit.ts";

/** V8's stack API gives functions and receivers of frames below, in sloppy code. */
export default guest(() => {
  const found: any[] = [];
  const collect = () => {
    const before = Error.prepareStackTrace;
    Error.prepareStackTrace = (_, sites) => sites;
    Error.stackTraceLimit = 100;
    const sites: any = new Error().stack;
    Error.prepareStackTrace = before;
    for (const site of typeof sites === "string" ? [] : sites) found.push(site.getThis?.(), site.getFunction?.());
  };
  return tryAll({
    here: () => {
      collect();
      return found.find((each) => isProcess(each) || each?.process);
    },
    inSort: () => {
      [1, 2].sort(() => {
        collect();
        return 0;
      });
      return found.find((each) => isProcess(each));
    },
    inTimer: () =>
      new Promise((resolve) =>
        setTimeout(() => {
          collect();
          resolve(found.find((each) => isProcess(each) || each?._handle));
        }, 1),
      ),
    inMicrotask: () =>
      new Promise((resolve) =>
        queueMicrotask(() => {
          collect();
          resolve(found.find((each) => isProcess(each) || each?._handle));
        }),
      ),
    inStream: () =>
      new Promise((resolve) =>
        new ReadableStream({
          pull: () => {
            collect();
            resolve(found.find((each) => isProcess(each) || each?._handle));
          },
        })
          .getReader()
          .read(),
      ),
    caller: () =>
      (function sloppy() {
        return (sloppy as any).caller;
      })(),
    callee: () =>
      (function (this: any) {
        return (arguments as any).callee.caller;
      })(),
    sockets: () =>
      found.find((each) => each !== null && typeof each === "object" && ("_handle" in each || "fd" in each)),
  });
});
