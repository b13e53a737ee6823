/**
 * Clocks, randomness, the end of the program, and the sockets that there are not.
 */

import { refuse } from "../files/file-error.guest.ts";
import { SUCCESS } from "./errno.guest.ts";
import type { Host } from "./host.guest.ts";

/** What `proc_exit` throws. Not an Error: it has no stack, and nothing went wrong. */
export class ProcExit {
  readonly code: number;

  constructor(code: number) {
    this.code = code;
  }
}

/** What time is counted in: `Date` and `performance` have no more. */
const RESOLUTION_NS = 1000n;
const RANDOM_CHUNK_BYTES = 65_536;
const LAST_SIGNAL = 30;
/** none, chld, cont, urg and winch: by default nothing happens. */
const IGNORED_SIGNALS = new Set([0, 16, 17, 22, 27]);
/** stop, tstp, ttin and ttou: nobody could wake it up again. */
const STOPPING_SIGNALS = new Set([18, 19, 20, 21]);

/** Reads a clock by its preview 1 number, in nanoseconds. Throws EINVAL for one that there is not. */
export function readClock(host: Host, id: number): bigint {
  const { clock } = host.options;
  if (id === 0) return clock.nowNs();
  if (id === 1) return clock.monotonicNs();
  return id === 2 || id === 3 ? host.cpuNs() : refuse("EINVAL");
}

/** Functions of preview 1. */
export const PROCESS_CALLS = {
  clock_res_get(host: Host, id: number, result: number) {
    readClock(host, id);
    host.memory.setU64(result, RESOLUTION_NS);
    return SUCCESS;
  },

  clock_time_get(host: Host, id: number, _precision: bigint, result: number) {
    host.memory.setU64(result, readClock(host, id));
    return SUCCESS;
  },

  random_get(host: Host, pointer: number, length: number) {
    const bytes = host.memory.bytes(pointer, length);
    for (let at = 0; at < bytes.length; at += RANDOM_CHUNK_BYTES) {
      host.options.random(bytes.subarray(at, at + RANDOM_CHUNK_BYTES));
    }
    return SUCCESS;
  },

  sched_yield: () => SUCCESS,

  proc_exit(_host: Host, code: number): never {
    throw new ProcExit(code >>> 0);
  },

  /** Ends the program as a signal without a handler would, with the exit code that shells give it. */
  proc_raise(_host: Host, signal: number) {
    if (signal < 0 || signal > LAST_SIGNAL) refuse("EINVAL");
    if (IGNORED_SIGNALS.has(signal)) return SUCCESS;
    if (STOPPING_SIGNALS.has(signal)) refuse("ENOTSUP");
    throw new ProcExit(128 + signal);
  },

  sock_accept: refuseSocket,
  sock_recv: refuseSocket,
  sock_send: refuseSocket,
  sock_shutdown: refuseSocket,
} as const;

/** No descriptor is ever a socket. */
function refuseSocket(host: Host, fd: number): never {
  host.descriptors.get(fd);
  refuse("ENOTSOCK");
}
