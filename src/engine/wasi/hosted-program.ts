/**
 * A deployed program as the host knows it: what it is loaded from, and how long its requests keep a process busy.
 */

import type { Tenant } from "../guest/invocations.ts";
import type { Loadable } from "./loadable.ts";
import type { StateHold } from "./state-hold.ts";

/** Weight of the newest request in what is expected of the next. */
const NEWEST = 0.2;

/** One program, whatever processes have it loaded. */
export class HostedProgram {
  readonly id: string;
  readonly tenant: Tenant;
  /** Reads it from the node's artifacts. */
  readonly read: () => Promise<Loadable>;
  /** The name of its machine code, where any is kept. */
  readonly codeKey: string | undefined;
  /** Called when V8 refuses that. */
  readonly onCodeRefused: () => void;
  /** Of a program that has a directory which persists. */
  readonly state: StateHold | undefined;
  /** What a request is expected to take of a process; without any experience, for ever. */
  expectedMs = Number.POSITIVE_INFINITY;

  constructor(parts: Pick<HostedProgram, "id" | "tenant" | "read" | "codeKey" | "onCodeRefused" | "state">) {
    const { id, tenant, read, codeKey, onCodeRefused, state } = parts;
    this.id = id;
    this.tenant = tenant;
    this.read = read;
    this.codeKey = codeKey;
    this.onCodeRefused = onCodeRefused;
    this.state = state;
  }

  /** Learns from a request that has been answered. */
  learn(busyMs: number): void {
    const known = Number.isFinite(this.expectedMs);
    this.expectedMs = known ? this.expectedMs * (1 - NEWEST) + busyMs * NEWEST : busyMs;
  }
}
