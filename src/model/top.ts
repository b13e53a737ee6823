/**
 * What a node is doing, as plain data: the answer to `GET /v1/top`.
 *
 * Counts and processor time only grow while a function serves; whoever looks twice has what happened between.
 */

import type { DeploymentId } from "./deployment.ts";
import type { Fault } from "./errors.ts";
import type { EngineName } from "./function.ts";

/** One look at a node. */
export interface Top {
  /** When, by the node's monotonic clock. */
  readonly atMs: number;
  readonly node: NodeTop;
  /** By name. */
  readonly functions: readonly FunctionTop[];
  /** Processes that answer for several functions, one row for each engine that has such. */
  readonly shared: readonly SharedTop[];
}

/** What processes have used and hold. */
export interface UsageTop {
  readonly cpuMs: number;
  readonly memoryBytes: number;
  /** How much of one core, between two looks: filled in by whoever looked twice. */
  readonly cpuRatio?: number;
}

/** What several have used and hold together. */
export function sumUsage(usages: readonly UsageTop[]): UsageTop {
  const sum = { cpuMs: 0, memoryBytes: 0 };
  for (const { cpuMs, memoryBytes } of usages) {
    sum.cpuMs += cpuMs;
    sum.memoryBytes += memoryBytes;
  }
  return sum;
}

/** The host process. */
export interface NodeTop extends UsageTop {
  readonly version: string;
  readonly uptimeMs: number;
  /** Its part of what it shares with others, too; absent where the system does not tell. */
  readonly pssBytes?: number;
  /** By how much timers were late; absent at the first look, because it is measured only while somebody looks. */
  readonly loopDelay?: LoopDelay;
}

/** By how much the event loop was late over the last seconds. */
export interface LoopDelay {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** One function that serves. */
export interface FunctionTop {
  readonly name: string;
  readonly deployment: DeploymentId;
  /** In the order wanted; static files last. */
  readonly forms: readonly FormTop[];
}

/** A function in one of its engines. */
export interface FormTop {
  readonly engine: EngineName | "assets";
  readonly instances: InstancesTop;
  /** What its instances use, where processes are theirs alone. */
  readonly usage?: UsageTop;
  readonly requests: RequestsTop;
}

/** Instances by state, and what they have to do. */
export interface InstancesTop {
  readonly starting: number;
  readonly idle: number;
  readonly busy: number;
  /** Given back and kept: in memory, and on disk. */
  readonly frozen: number;
  readonly stopped: number;
  /** Requests in instances now, and those that wait for one. */
  readonly inFlight: number;
  readonly waiting: number;
}

/** Where nothing is that could have instances. */
export const NO_INSTANCES: InstancesTop = {
  starting: 0,
  idle: 0,
  busy: 0,
  frozen: 0,
  stopped: 0,
  inFlight: 0,
  waiting: 0,
};

/** The parts of a request's way. */
export type PhaseName = "route" | "queue" | "start" | "run";

/** How a request came by its instance. */
export type StartKind = "cold" | "warm" | "thaw";

/** The requests that are over, since the function was first asked. */
export interface RequestsTop {
  readonly count: number;
  /** Those that failed, by who must act. */
  readonly errors: Readonly<Record<Fault, number>>;
  readonly starts: Readonly<Record<StartKind, number>>;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Over the last 1, 10 and 60 seconds. */
  readonly perSecond: { readonly last1s: number; readonly last10s: number; readonly last60s: number };
  /** Those that were met. Told to within 1 %. */
  readonly phases: Readonly<Partial<Record<PhaseName, PhaseTop>>>;
}

/** How long one phase took. */
export interface PhaseTop {
  /** Of so many requests. */
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** The shared processes of an engine. */
export interface SharedTop {
  readonly engine: EngineName;
  readonly usage: UsageTop;
}
