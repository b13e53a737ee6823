/**
 * Opening a port, and telling where it is. Shared by the data port and the control port.
 */

import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { findErrno } from "../model/errno.ts";
import { NebulaError } from "../model/errors.ts";

/**
 * Listens.
 * @throws {NebulaError} NEBULA_LISTEN_FAILED when the port cannot be had.
 */
export async function listen(server: Server, { hostname, port }: { hostname: string; port: number }): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(port, hostname, resolve);
  try {
    await promise;
  } catch (cause) {
    const why = findErrno(cause) ?? "unknown";
    const hint =
      why === "EADDRINUSE"
        ? "another program has it; choose another port, or 0 for any that is free"
        : "check host and port";
    throw new NebulaError("NEBULA_LISTEN_FAILED", `Cannot listen on ${hostname}:${port}: ${why}`, { hint, cause });
  } finally {
    server.off("error", reject);
  }
}

/** The URL that a listening server is reached at. */
export function toUrl(server: Server, hostname: string): string {
  const { port } = toAddress(server.address());
  const shown = hostname === "0.0.0.0" || hostname === "::" ? "127.0.0.1" : hostname;
  return `http://${shown.includes(":") ? `[${shown}]` : shown}:${port}`;
}

function toAddress(address: AddressInfo | string | null): AddressInfo {
  if (typeof address === "object" && address !== null) return address;
  throw new NebulaError("NEBULA_LISTEN_FAILED", "Cannot tell the address of the server: it is not listening");
}
