import process from "node:process";
import { guest, isProcess, tryAll } from "../kit.ts";

const node: any = process;
/** With nodejs_compat there is a process; it must not be the real one. */
export default guest(() =>
  tryAll({
    exit: () => {
      node.exit(1);
      return "returned";
    },
    abort: () => {
      node.abort();
      return "returned";
    },
    kill: () => {
      node.kill(node.pid);
      return "sent";
    },
    killParent: () => {
      node.kill(node.ppid);
      return "sent";
    },
    reallyExit: () => {
      node.reallyExit(1);
      return "returned";
    },
    _kill: () => {
      node._kill(1, 9);
      return "sent";
    },
    binding: () => node.binding("fs"),
    linkedBinding: () => node._linkedBinding("fs"),
    dlopen: () => node.dlopen({}, "x"),
    mainModule: () => node.mainModule,
    getBuiltinModule: () => node.getBuiltinModule("fs") ?? node.getBuiltinModule("node:child_process"),
    report: () => node.report,
    stdin: () => node.stdin ?? node.stdout ?? node.stderr,
    chdir: () => {
      node.chdir("/");
      return "changed";
    },
    setuid: () => {
      node.setuid(0);
      return "changed";
    },
    execve: () => {
      node.execve("/bin/sh", [], {});
      return "ran";
    },
    env: () => node.env.PATH ?? node.env.HOME ?? node.env.NODE_OPTIONS,
    permission: () => node.permission,
    real: () => node.pid !== 1 || node.execPath !== "",
    constructor: () => isProcess(Object.getPrototypeOf(node)) || node.constructor.name === "process",
    nextTickThis: () =>
      new Promise((resolve) =>
        node.nextTick(function (this: any) {
          resolve(isProcess(this));
        }),
      ),
    emit: () => node.emit("uncaughtException", new Error()),
    listeners: () => node.listeners("uncaughtException").length,
    global: () => (globalThis as any).process !== node && isProcess((globalThis as any).process),
    eventsDomain: () => node.domain,
  }),
);
