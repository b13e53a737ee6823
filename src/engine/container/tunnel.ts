/**
 * A connection that has stopped to speak HTTP: bytes both ways, each way no faster than its reader.
 */

import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Tunnel } from "../../model/exchange.ts";

/** The connection as a tunnel. `first` came behind the head and belongs to the other protocol already. */
export function toTunnel(socket: Socket, first: Uint8Array): Tunnel {
  if (first.byteLength > 0) socket.unshift(first);
  const { readable, writable } = Duplex.toWeb(socket);
  return { readable, writable };
}
