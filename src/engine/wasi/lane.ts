/**
 * A lane: one Wasm guest process, seen from the host. It has many programs, and answers many requests.
 *
 *     open ─▶ ended          by itself, or because a request in it broke a limit
 *
 * A process that ends takes with it what it was answering; `isInnocent` tells who of them may be repeated.
 */

import type { IncomingAnswer } from "../../frames/outgoing-call.ts";
import { NebulaError } from "../../model/errors.ts";
import type { FunctionSpec } from "../../model/function.ts";
import type { Clock, GuestLog } from "../../model/ports.ts";
import { formatMs } from "../../model/units.ts";
import { type FetchRequest, type GuestAnswer, Invocations, type LiveGuest } from "../guest/invocations.ts";
import { limitBroken, Meter, type Metered } from "../guest/meter.ts";
import type { Usage } from "../guest/usage.ts";
import type { Watchdog } from "../guest/watchdog.ts";
import type { HostedProgram } from "./hosted-program.ts";
import { createJob, type Job, type JobPlace } from "./job.ts";
import { Loads } from "./loads.ts";
import { Places } from "./places.ts";
import type { HostHead } from "./protocol.ts";

/** What a lane works with. */
export interface LaneParts {
  readonly guest: LiveGuest;
  readonly watchdog: Watchdog;
  readonly clock: Clock;
  /** Everything the process may hold. */
  readonly memoryBytes: number;
  readonly onBackgroundLog: GuestLog;
  /** There may be room in it that was not there before. */
  onRoom(): void;
}

/** A process that works so long without a sign of life does what nobody had expected of it. */
const SILENT_MS = 100;
/** And so long, when nothing was expected of it yet. */
const UNKNOWN_MS = 1_000;
/** One that does so without a request is lost: what it does is known to nobody, and held to no other limit. */
const LOST_MS = 2_000;
/** Work without a request: compiling and collecting garbage. */
const IDLE_CPU_MS = 60_000;

/** One Wasm guest process. */
export class Lane implements JobPlace, AsyncDisposable {
  readonly ended: Promise<NebulaError | undefined>;
  readonly #parts: LaneParts;
  readonly #meter: Meter;
  readonly #watch: Disposable;
  readonly #invocations: Invocations;
  readonly #loads: Loads;
  readonly #places = new Places();
  #suspects: ReadonlySet<Metered> | undefined;
  #isOpen = true;

  constructor(parts: LaneParts) {
    const { guest, watchdog, clock, onBackgroundLog, memoryBytes } = parts;
    this.#parts = parts;
    const meter = new Meter({
      limits: { memoryBytes, cpuMs: IDLE_CPU_MS },
      blank: guest.findUsage() ?? { cpuMs: 0, memoryBytes: 0 },
      ping: () => this.#ping(),
      onAlive: () => parts.onRoom(),
    });
    this.#meter = meter;
    this.#watch = watchdog.watch({
      get isBusy() {
        return meter.inFlight > 0;
      },
      look: () => this.#look(),
    });
    const onHung = (reason: NebulaError) => this.#break("wallMs", this.#places.metered, () => reason);
    const invocations = new Invocations({ guest, meter, clock, onBackgroundLog, onHung });
    this.#invocations = invocations;
    const onOverrun = (reason: NebulaError) => this.#break("startMs", this.#places.metered, () => reason);
    this.#loads = new Loads({ guest, meter, clock, invocations, onOverrun });
    this.ended = guest.ending.then((reason) => {
      this.#isOpen = false;
      this.#watch[Symbol.dispose]();
      return reason;
    });
  }

  /** Whether it still takes anything. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether it answers nothing now. */
  get isIdle(): boolean {
    return this.#places.size === 0;
  }

  /** Whether nothing holds it up, as far as is known. */
  get isFree(): boolean {
    if (this.isIdle) return !this.#isSilent;
    return !this.#places.isBusy && this.#meter.isAlive && !this.#isFull;
  }

  /** Whether it has been at something for so long, without a sign of life, that nobody would wait for it. */
  get #isSilent(): boolean {
    return this.#meter.unansweredCpuMs > SILENT_MS;
  }

  /** Whether a request of the program may be what holds it up. */
  isHeldBy(program: HostedProgram): boolean {
    return this.#places.has(program, { isBusy: !this.#isFull });
  }

  /** Whether it has as many as it takes. The other half of its memory is for what these may still come to need. */
  get #isFull(): boolean {
    return this.#places.isFull || this.#meter.memoryBytes > this.#parts.memoryBytes / 2;
  }

  /** A place for a request, if it would be answered here about as soon as anywhere. It is for `fetch`, and at once. */
  admit(program: HostedProgram, { isAlone }: { isAlone: boolean }): Job | undefined {
    if (!this.#hasRoom(program, { isAlone })) return undefined;
    const job = this.#place(program, { isAlone });
    if (program.state?.take(job) === false) this.#loads.renew(program);
    return job;
  }

  #place(program: HostedProgram, { isAlone }: { isAlone: boolean }): Job {
    const job = createJob({ lane: this, program, isAlone });
    this.#places.add(job);
    return job;
  }

  #hasRoom(program: HostedProgram, how: { isAlone: boolean }): boolean {
    if (!this.#isOpen || program.state?.isTaken) return false;
    if (this.isFree) return true;
    return this.#meter.isAlive && !this.#isFull && this.#places.hasRoomBeside(program, how);
  }

  /** Has the program of a job here, unless it is. @throws {NebulaError} NEBULA_START_FAILED. */
  async loadFor(job: Job): Promise<void> {
    await this.#loads.load(job);
  }

  /** Has a program here, where there is no other. Throws as `loadFor` does. */
  async load(program: HostedProgram): Promise<void> {
    const job = this.#place(program, { isAlone: true });
    try {
      await this.loadFor(job);
    } finally {
      this.release(job);
    }
  }

  /** Lets the program go, at the latest when it has been loaded. */
  unload(program: HostedProgram): void {
    this.#loads.unload(program);
  }

  /** Asks the process itself, on behalf of a program and within its limits. Throws as `Instance.fetch` does. */
  async ask(head: HostHead, { tenant }: HostedProgram): Promise<IncomingAnswer> {
    const { guest, clock } = this.#parts;
    const { name, limits } = tenant.spec;
    const metered = this.#meter.begin(limits.cpuMs);
    using _timer = clock.after(limits.startMs, () => {
      const why = `it was not done after ${formatMs(limits.startMs)}`;
      this.#end(
        new NebulaError("NEBULA_START_FAILED", `Cannot start "${name}": ${why}`, { details: { function: name } }),
      );
    });
    try {
      return await guest.peer.call(head, null).answer;
    } catch (thrown) {
      const what = `Cannot try "${name}"`;
      throw await this.#invocations.explain(thrown, tenant, { code: "NEBULA_START_FAILED", what });
    } finally {
      metered.stop();
    }
  }

  /** Answers a request; throws as `Instance.fetch` does. */
  async fetch(job: Job, request: FetchRequest): Promise<GuestAnswer> {
    const { program } = job;
    const { clock } = this.#parts;
    try {
      const arrivedAtMs = clock.nowMs();
      if (!this.#loads.has(program)) await this.loadFor(job);
      const loadMs = clock.nowMs() - arrivedAtMs;
      const answer = await this.#invocations.fetch(program.tenant, {
        ...request,
        extra: { program: program.id },
        onReach: () => {
          if (job.hasLeft) throw moved(program);
          job.isSpent = true;
        },
        onMetered: (metered, giveUp) => {
          job.metered = metered;
          job.isAsked = true;
          if (isRepeatable(job, request)) job.leave = () => giveUp(moved(program));
        },
        onSettled: () => {
          job.isSettled = true;
          if (job.isTold) this.release(job);
        },
      });
      job.isSpent = true;
      program.learn(answer.busyMs);
      this.#places.leaveToOthers(job);
      this.#parts.onRoom();
      return { ...answer, startMs: answer.startMs + loadMs };
    } finally {
      job.isTold = true;
      // What the process has begun keeps its place until it is over there: others are not to be blamed for it.
      if (!job.isAsked || job.isSettled) this.release(job);
    }
  }

  /** Gives a place back. */
  release(job: Job): void {
    this.#places.remove(job);
    job.program.state?.release(job);
    this.#parts.onRoom();
  }

  /** Whether the process is ending, or went silent, and this request, which has no answer, need not be the one to blame. */
  isInnocent({ metered, hasLeft }: Job): boolean {
    if (hasLeft) return true;
    if (this.#isOpen) return false;
    const suspects = this.#suspects;
    return suspects === undefined || suspects.size > 1 || metered === undefined || !suspects.has(metered);
  }

  /** What the process uses; undefined when it is gone. */
  findUsage(): Usage | undefined {
    return this.#parts.guest.findUsage();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOpen = false;
    this.#watch[Symbol.dispose]();
    await this.#parts.guest.end();
  }

  #look(): void {
    const usage = this.#parts.guest.findUsage();
    if (usage === undefined) return;
    const broken = this.#meter.sample(usage);
    if (broken !== undefined) this.#break(broken.limit, broken.suspects, (spec) => limitBroken(spec, broken.limit));
    else if (this.#meter.inFlight === 0 && this.#meter.unansweredCpuMs > LOST_MS) this.#break("cpuMs", []);
    else if (this.#isSilent) this.#moveOn();
    else if (this.#meter.isAlive && this.#places.isBusy) this.#ping().catch(() => {});
  }

  /** Asks for a sign of life. What was asked before it has begun by then, and waits: it leaves the process to others. */
  async #ping(): Promise<void> {
    const before = this.#places.findAsked();
    await this.#parts.guest.peer.call({ op: "ping" }, null).answer;
    for (const job of before) this.#places.leaveToOthers(job);
    this.#parts.onRoom();
  }

  /** Lets those go elsewhere who were put into one process because they would be quick. One of them was not. */
  #moveOn(): void {
    this.#loads.moveOn();
    if (this.#places.size === 1) return;
    for (const [job, ms] of this.#places.busy) {
      if (job.isTold || job.leave === undefined || this.#meter.unansweredCpuMs < findPatienceMs(ms)) continue;
      job.hasLeft = true;
      job.leave();
    }
  }

  /** Ends the process because of a request in it, for a reason that is that request's when only one can have done it. */
  #break(limit: string, suspects: readonly Metered[], toReason?: (spec: FunctionSpec) => NebulaError): void {
    this.#suspects = new Set(suspects);
    const [guilty, ...others] = this.#places.findAll(
      ({ metered }) => metered !== undefined && this.#suspects?.has(metered) === true,
    );
    const own = others.length === 0 && guilty !== undefined ? toReason?.(guilty.program.tenant.spec) : undefined;
    const shared = "Cannot go on with the guest process: one of the requests in it broke a limit";
    this.#end(own ?? new NebulaError("NEBULA_GUEST_EXITED", shared, { details: { limit } }));
  }

  #end(reason: NebulaError): void {
    this.#isOpen = false;
    this.#parts.guest.kill(reason);
  }
}

/** Whether a request may be made twice, as far as that is known before it has begun. */
function isRepeatable({ isAlone, program }: Job, { call }: FetchRequest): boolean {
  return !isAlone && program.state === undefined && !(call.body instanceof ReadableStream);
}

/** Heard only by a guest that goes on with it all the same. */
function moved({ tenant: { spec } }: HostedProgram): NebulaError {
  return new NebulaError(
    "NEBULA_GUEST_EXITED",
    `Cannot go on with "${spec.name}" here: it has moved to another process`,
  );
}

/** How long a process may be silent before whoever is expected to take so long need not be the one that holds it up. */
function findPatienceMs(expectedMs: number): number {
  return SILENT_MS + (Number.isFinite(expectedMs) ? 2 * expectedMs : UNKNOWN_MS);
}
