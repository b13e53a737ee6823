/**
 * What has become of requests, by function and engine: counts, rates, and how long each phase took.
 *
 *     a request is over ─▶ observe(trace)          GET /v1/top ─▶ read(name, engine)
 *
 * A function that was never called costs nothing here; one that is removed takes its figures with it.
 */

import { ERROR_TABLE, type Fault } from "../model/errors.ts";
import type { PhaseName, PhaseTop, RequestsTop, StartKind } from "../model/top.ts";
import type { Trace } from "../model/trace.ts";
import { Histogram } from "./histogram.ts";
import { Rate } from "./rate.ts";

/** What metrics ask. */
export interface MetricsOptions {
  /** Whether a function serves. The last requests of one that was removed are nobody's. */
  serves(name: string): boolean;
}

/** Where each total stands. */
const AT = {
  count: 0,
  caller: 1,
  owner: 2,
  host: 3,
  cold: 4,
  warm: 5,
  thaw: 6,
  bytesIn: 7,
  bytesOut: 8,
} as const satisfies Record<Fault | StartKind | "count" | "bytesIn" | "bytesOut", number>;

/** What the request took that is being counted, by phase; nothing is kept in it. */
const taken = new Float64Array(4);
const PHASE_AT = { route: 0, queue: 1, start: 2, run: 3 } as const satisfies Record<PhaseName, number>;

type Engine = NonNullable<Trace["engine"]>;

/** The figures of all functions. */
export class Metrics {
  readonly #options: MetricsOptions;
  readonly #functions = new Map<string, Map<Engine, Requests>>();

  constructor(options: MetricsOptions) {
    this.#options = options;
  }

  /**
   * Counts a request that is over, now by a monotonic clock; one that led to no function is nobody's.
   * Called once per request: takes no memory but for what it has not met before.
   */
  observe(trace: Trace, nowMs: number): void {
    const { function: name, engine } = trace;
    if (name === undefined || engine === undefined) return;
    const requests = this.#functions.get(name)?.get(engine) ?? this.#create(name, engine);
    requests?.observe(trace, nowMs);
  }

  /** The figures of a function in one engine; of nothing when it was never asked there. */
  read(name: string, engine: Engine, nowMs: number): RequestsTop {
    return this.#functions.get(name)?.get(engine)?.read(nowMs) ?? NOTHING;
  }

  /** Forgets a function. */
  remove(name: string): void {
    this.#functions.delete(name);
  }

  #create(name: string, engine: Engine): Requests | undefined {
    if (!this.#options.serves(name)) return undefined;
    const made = new Requests();
    const engines = this.#functions.get(name) ?? new Map<Engine, Requests>();
    this.#functions.set(name, engines.set(engine, made));
    return made;
  }
}

/** The figures of one function in one engine. */
class Requests {
  readonly #rate = new Rate();
  readonly #route = new Histogram();
  readonly #queue = new Histogram();
  readonly #start = new Histogram();
  readonly #run = new Histogram();
  /** An array, because a large number in a field of its own is made anew at each change. */
  readonly #totals = new Float64Array(Object.keys(AT).length);

  observe({ code, engine, startKind, routeMs, queueMs, startMs, runMs, bytesIn, bytesOut }: Trace, nowMs: number) {
    this.#rate.add(nowMs);
    this.#add(AT.count, 1);
    this.#add(AT.bytesIn, bytesIn);
    this.#add(AT.bytesOut, bytesOut);
    if (code !== undefined) this.#add(AT[ERROR_TABLE[code].fault], 1);
    taken[PHASE_AT.route] = routeMs;
    taken[PHASE_AT.queue] = queueMs;
    taken[PHASE_AT.start] = startMs;
    taken[PHASE_AT.run] = runMs;
    this.#route.recordAt(taken, PHASE_AT.route);
    if (startKind !== "none") {
      this.#add(AT[startKind], 1);
      this.#queue.recordAt(taken, PHASE_AT.queue);
      if (startKind !== "warm") this.#start.recordAt(taken, PHASE_AT.start);
    }
    // because a request that came to no instance was not run, unless it was for a file
    if (startKind !== "none" || engine === "assets") this.#run.recordAt(taken, PHASE_AT.run);
  }

  read(nowMs: number): RequestsTop {
    const [count = 0, caller = 0, owner = 0, host = 0, cold = 0, warm = 0, thaw = 0, bytesIn = 0, bytesOut = 0] =
      this.#totals;
    const perSecond = (seconds: number) => this.#rate.findPerSecond(nowMs, seconds);
    return {
      count,
      errors: { caller, owner, host },
      starts: { cold, warm, thaw },
      bytesIn,
      bytesOut,
      perSecond: { last1s: perSecond(1), last10s: perSecond(10), last60s: perSecond(60) },
      phases: {
        ...toPhase("route", this.#route),
        ...toPhase("queue", this.#queue),
        ...toPhase("start", this.#start),
        ...toPhase("run", this.#run),
      },
    };
  }

  #add(at: number, amount: number): void {
    this.#totals[at] = (this.#totals[at] ?? 0) + amount;
  }
}

/** What is told of a function that was never asked. */
const NOTHING = new Requests().read(0);

function toPhase(name: PhaseName, histogram: Histogram): Partial<Record<PhaseName, PhaseTop>> {
  const p50Ms = histogram.findQuantile(0.5);
  const p99Ms = histogram.findQuantile(0.99);
  return p50Ms === undefined || p99Ms === undefined ? {} : { [name]: { count: histogram.count, p50Ms, p99Ms } };
}
