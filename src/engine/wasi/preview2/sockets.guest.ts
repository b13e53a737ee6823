/**
 * `wasi:sockets`: all interfaces are there so that programs of standard libraries link, and no socket can be made.
 *
 * Since no socket can be made, no method of one can be called: each would be `not-supported`.
 *
 * @see https://github.com/WebAssembly/wasi-sockets/tree/v0.2.0/wit
 */

import type { HostFunctions } from "../component/host-function.guest.ts";
import { err } from "./result.guest.ts";

/** The resource `network`: the right to use one that does not exist. */
export class Network {}

const DENIED = err("access-denied");
const UNSUPPORTED = err("not-supported");

const TCP_METHODS =
  "start-bind finish-bind start-connect finish-connect start-listen finish-listen accept local-address remote-address is-listening address-family set-listen-backlog-size keep-alive-enabled set-keep-alive-enabled keep-alive-idle-time set-keep-alive-idle-time keep-alive-interval set-keep-alive-interval keep-alive-count set-keep-alive-count hop-limit set-hop-limit receive-buffer-size set-receive-buffer-size send-buffer-size set-send-buffer-size subscribe shutdown";
const UDP_METHODS =
  "start-bind finish-bind stream local-address remote-address address-family unicast-hop-limit set-unicast-hop-limit receive-buffer-size set-receive-buffer-size send-buffer-size set-send-buffer-size subscribe";

function refuse(resource: string, methods: string): HostFunctions {
  const names = methods.split(" ").map((name) => `[method]${resource}.${name}`);
  return Object.fromEntries(names.map((name) => [name, () => UNSUPPORTED]));
}

/** The interfaces, without the prefix `wasi:sockets/`. */
export const SOCKETS: Readonly<Record<string, HostFunctions>> = {
  network: { "network-error-code": () => undefined },
  "instance-network": { "instance-network": () => new Network() },
  "ip-name-lookup": {
    // As wasmtime says it when names may not be looked up: programs try no other address then.
    "resolve-addresses": () => err("permanent-resolver-failure"),
    ...refuse("resolve-address-stream", "resolve-next-address subscribe"),
  },
  tcp: refuse("tcp-socket", TCP_METHODS),
  "tcp-create-socket": { "create-tcp-socket": () => DENIED },
  udp: {
    ...refuse("udp-socket", UDP_METHODS),
    ...refuse("incoming-datagram-stream", "receive subscribe"),
    ...refuse("outgoing-datagram-stream", "check-send send subscribe"),
  },
  "udp-create-socket": { "create-udp-socket": () => DENIED },
};
