import { EventEmitter } from "node:events";
import { guest } from "../kit.ts";

/** Gets hold of the frames' socket and writes what no correct guest writes. */
let socket: any;
const emit = EventEmitter.prototype.emit;
EventEmitter.prototype.emit = function (this: any, ...args: any) {
  if (this?._handle && this.constructor?.name === "Socket") socket ??= this;
  return emit.apply(this, args);
};
const frame = (tag: number, stream: number, payload: Uint8Array | string) => {
  const bytes = Buffer.from(payload as any);
  const head = Buffer.alloc(9);
  head.writeUInt32BE(bytes.length, 0);
  head[4] = tag;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, bytes]);
};
export default guest(async () => {
  await new Promise((resolve) => setTimeout(resolve, 2));
  // Its own stream is one of these: how many the host has opened before depends on how often it has looked.
  const parents = Array.from({ length: 32 }, (_, i) => 2 * i + 1);
  const calls = parents.flatMap((parent) =>
    ["SECRET", "__proto__", "constructor", ""].map((binding) => ({
      op: "binding",
      parent,
      binding,
      method: "GET",
      url: "http://x/",
      headers: [],
      redirect: "follow",
    })),
  );
  const odd = [{}, null, [], { op: "load" }, { op: "outbound", parent: {}, url: 7 }, { op: "fetch", url: "http://x/" }];
  let id = 500_000;
  for (const head of [...calls, ...odd]) socket.write(frame(1 | 0x80, (id += 2), JSON.stringify(head)));
  await new Promise((resolve) => setTimeout(resolve, 400));
  return new Response("sent");
});
