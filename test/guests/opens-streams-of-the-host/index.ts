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
  socket.write(frame(1 | 0x80, 77, "{}"));
  await new Promise((resolve) => setTimeout(resolve, 400));
  return new Response("sent");
});
