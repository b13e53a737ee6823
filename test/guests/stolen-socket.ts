import { EventEmitter } from "node:events";

/** The frames' socket of this process, once it has been heard from: for guests that write what no correct guest writes. */
export let socket: any;
/** The stream of the last call that the host has opened. */
export let stream = 0;
const OPEN = 1;
const emit = EventEmitter.prototype.emit;
EventEmitter.prototype.emit = function (this: any, ...args: any) {
  if (this?._handle && this.constructor?.name === "Socket") socket ??= this;
  if (this === socket && args[0] === "data" && (args[1][4] & 0x3f) === OPEN) stream = args[1].readUInt32BE(5);
  return emit.apply(this, args);
};

export const frame = (tag: number, stream: number, payload: Uint8Array | string) => {
  const bytes = Buffer.from(payload as any);
  const head = Buffer.alloc(9);
  head.writeUInt32BE(bytes.length, 0);
  head[4] = tag;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, bytes]);
};
