import { EventEmitter } from "node:events";
import { Duplex } from "node:stream";
import { guest, tryAll } from "../kit.ts";

/**
 * With nodejs_compat the classes below the frames' socket can be changed, and so the socket be had. All that it
 * gives is the frames themselves, which the host distrusts: no other file, socket or process.
 */
let socket: any;
for (const [proto, name] of [
  [EventEmitter.prototype, "emit"],
  [Duplex.prototype, "write"],
  [Duplex.prototype, "push"],
  [Duplex.prototype, "read"],
] as const) {
  const before = (proto as any)[name];
  (proto as any)[name] = function (this: any, ...args: unknown[]) {
    if (this?._handle && this.constructor?.name === "Socket") socket = this;
    return before.apply(this, args);
  };
}
const connectTo = (options: object) =>
  new Promise((resolve, reject) => {
    const other = new socket.constructor();
    other.on("error", reject);
    other.connect(options, () => resolve("connected"));
  });
export default guest(async (_request, env) => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  if (socket === undefined) return new Response("no socket: this guest proves nothing");
  return await tryAll({
    tcp: () => connectTo({ port: env.TRAP, host: "127.0.0.1" }),
    name: () => connectTo({ port: env.TRAP, host: "localhost" }),
    unix: () => connectTo({ path: "/var/run/docker.sock" }),
    unixTrap: () => connectTo({ path: env.TRAP_SOCKET }),
    pipe: () => {
      const pipe = new socket._handle.constructor(0);
      const bound = pipe.bind("/tmp/nebula-escape.sock");
      return bound === 0 ? "bound" : undefined;
    },
    pipeConnect: () =>
      new Promise((resolve, reject) => {
        const pipe = new socket._handle.constructor(0);
        const request: any = {
          oncomplete: (status: number) => (status === 0 ? resolve("connected") : reject(new Error(String(status)))),
        };
        const at = pipe.connect(request, env.TRAP_SOCKET);
        if (at !== 0 && at !== undefined) reject(new Error(String(at)));
        setTimeout(reject, 300);
      }),
    openFd: () =>
      [0, 5, 6, 7, 8, 9, 10]
        .filter((fd) => {
          try {
            const pipe = new socket._handle.constructor(0);
            return pipe.open(fd) === 0 && pipe.fd !== fd;
          } catch {
            return false;
          }
        })
        .join(),
    server: () =>
      new Promise((resolve, reject) => {
        if (!socket.server?.constructor) reject(new Error("none"));
      }),
  });
});
