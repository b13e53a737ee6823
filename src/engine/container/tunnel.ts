/**
 * A connection that has stopped to speak HTTP: bytes both ways, each way no faster than its reader.
 */

import type { Socket } from "node:net";
import type { Tunnel } from "../../model/exchange.ts";
import { drained } from "./drained.ts";
import { toStream } from "./response-body.ts";

/** What a tunnel is made with besides its connection. */
export interface TunnelOptions {
  /** What came behind the head and belongs to the other protocol already. */
  readonly first: Uint8Array;
  /** Called when nobody wants it any more. */
  onCancel(): void;
  /** Why it broke off. */
  explain(): Error;
}

/** The connection as a tunnel. Its end ends both ways; what is cancelled or aborted on one closes it. */
export function toTunnel(socket: Socket, { first, onCancel, explain }: TunnelOptions): Tunnel {
  const readable = toStream(socket, { first: first.byteLength === 0 ? null : first, onCancel, explain });
  const writable = new WritableStream<Uint8Array>({
    start: (controller) => void socket.once("close", () => controller.error(explain())),
    write: async (chunk, { signal }) => {
      if (!socket.write(chunk)) await drained(socket, signal);
    },
    close: () => void socket.end(),
    abort: onCancel,
  });
  return { readable, writable };
}
