/**
 * The engine contract: how one kind of artifact becomes code that answers requests.
 *
 *     prepare   once per deployment   heavy: read and check the bundle, compile, pull an image
 *     start     once per instance     the cold start
 *     fetch     once per request      the hot path
 *
 * Work moves up this list whenever it can. Imports nothing but the model. An engine enforces the limits of the
 * spec that it is given; it knows no HTTP server, no routes and no queue.
 */

import type { ArtifactKind } from "../model/artifact.ts";
import type { Runnable } from "../model/deployment.ts";
import type { NebulaError } from "../model/errors.ts";
import type { Answer, Call } from "../model/exchange.ts";
import type { Capabilities, GuestLog } from "../model/ports.ts";

/** Runs one kind of artifact. */
export interface Engine extends AsyncDisposable {
  /** Which artifacts it runs. */
  readonly runs: readonly ArtifactKind[];
  readonly supports: EngineSupports;
  /**
   * Checks that the deployment can run here, by starting it once where that is cheap and not proven.
   * @throws {NebulaError} NEBULA_PREPARE_FAILED when it cannot; the guest's own words are in the message.
   */
  prepare(deployment: Runnable, options: PrepareOptions): Promise<Prepared>;
  /** What its processes use that answer for several functions; absent where each instance tells for itself. */
  findUsage?(): Promise<Usage>;
}

/** What processes have used and hold. */
export interface Usage {
  /** Processor time since they were started. */
  readonly cpuMs: number;
  readonly memoryBytes: number;
}

/** What a deployment is prepared with. */
export interface PrepareOptions {
  readonly signal: AbortSignal;
  readonly capabilities: Capabilities;
  /** It has been prepared on this node before, so that nothing needs to be tried. */
  readonly isProven: boolean;
}

/** What an engine can do; asked by the pool and by the contract suite. */
export interface EngineSupports {
  /** The response body may start before the request body ends. */
  readonly streaming: boolean;
  /** `fetch` may be called again before the previous call settles. */
  readonly concurrency: boolean;
  /** CPU time can be limited, not only wall clock. */
  readonly cpuLimit: boolean;
  /** A request may turn into another protocol: WebSocket. */
  readonly upgrade: boolean;
}

/** A deployment whose instances can be started at once. */
export interface Prepared extends AsyncDisposable {
  /**
   * Starts one more instance.
   * @throws {NebulaError} NEBULA_START_FAILED when its code does not come up within `limits.startMs`.
   */
  start(options: { signal: AbortSignal }): Promise<Instance>;
  /** Instances that were given back and are kept to be started sooner. */
  readonly resting?: RestingCounts;
}

/** Counts of what neither answers nor uses a processor. */
export interface RestingCounts {
  /** In memory. */
  readonly frozen: number;
  /** On disk. */
  readonly stopped: number;
}

/** One live function that answers requests. */
export interface Instance extends AsyncDisposable {
  /** Fulfils once, when the instance can answer no more: with the reason when it was not asked to end. */
  readonly ended: Promise<NebulaError | undefined>;
  /** How it came up, where there is more to say than how long it took. */
  readonly started?: StartReport;
  /** What it uses, where a process is its alone; undefined when that cannot be told now. */
  findUsage?(): Promise<Usage | undefined>;
  /**
   * Answers one request. Settles when the response head is known; the body streams after.
   *
   * @throws {NebulaError} NEBULA_GUEST_THREW when the function throws; its stack, mapped to its sources, is in `cause`.
   * @throws {NebulaError} NEBULA_WALL_LIMIT, NEBULA_CPU_LIMIT or NEBULA_MEMORY_LIMIT when it breaks a limit.
   * @throws {NebulaError} NEBULA_GUEST_EXITED or NEBULA_PROTOCOL_BROKEN when the process behind it is gone.
   * @throws {NebulaError} NEBULA_RESPONSE_INVALID when what it answers is no HTTP response.
   * @throws {NebulaError} NEBULA_CLIENT_GONE when `call.signal` aborts first.
   */
  fetch(call: Call, options: FetchOptions): Promise<InstanceAnswer>;
}

/** The parts of a start. */
export interface StartReport {
  /** `thaw`: it was kept in memory. */
  readonly kind: "cold" | "thaw";
  /** Milliseconds by the engine's own words, in their order: `create`, `start`, `ready`. */
  readonly phases: Readonly<Record<string, number>>;
}

/** Which request it is, and where its console output goes. */
export interface FetchOptions {
  readonly requestId: string;
  /** Takes what the function writes to its console during this request. */
  readonly onLog: GuestLog;
}

/** An answer, and the moment when nothing of its request goes on any more. */
export interface InstanceAnswer extends Answer {
  /** Times inside the engine, where it has a queue of its own or starts an instance for each request. */
  readonly phases?: { readonly queueMs: number; readonly startMs: number };
  /** Fulfils when the invocation is over: its body sent and the work of `ctx.waitUntil` done, or out of time. */
  readonly settled: Promise<void>;
}
