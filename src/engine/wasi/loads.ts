/**
 * The programs of one Wasm guest process, seen from the host.
 *
 *     asked for ─▶ begun ─▶ loaded ─▶ let go
 *
 * The process says when it begins, just before it compiles: while it has not, whatever holds it up is another's, and the
 * program is as well loaded elsewhere; once it has, nothing else runs in it, and the time that passes is the program's own.
 */

import { readBody } from "../../frames/read-body.ts";
import { NebulaError } from "../../model/errors.ts";
import type { Clock } from "../../model/ports.ts";
import { formatMs } from "../../model/units.ts";
import type { Invocations, LiveGuest } from "../guest/invocations.ts";
import type { Meter } from "../guest/meter.ts";
import type { HostedProgram } from "./hosted-program.ts";
import type { Job } from "./job.ts";

/** What they are loaded with. */
export interface LoadsParts {
  readonly guest: LiveGuest;
  readonly meter: Meter;
  readonly clock: Clock;
  readonly invocations: Invocations;
  /** One has been compiled for longer than it may, and nothing but the end of the process stops that. */
  onOverrun(reason: NebulaError): void;
}

/** One program that is loaded, or on its way. */
interface Load {
  readonly done: Promise<void>;
  hasBegun: boolean;
  isDone: boolean;
  hasLeft: boolean;
  /** Gives it up while it has not begun. */
  leave: () => void;
}

/** What is loaded in a process, and what is being loaded. */
export class Loads {
  readonly #parts: LoadsParts;
  readonly #loads = new Map<string, Load>();
  readonly #underWay = new Set<Load>();

  constructor(parts: LoadsParts) {
    this.#parts = parts;
  }

  /** Whether the program is there already. Asked for every request. */
  has({ id }: HostedProgram): boolean {
    return this.#loads.get(id)?.isDone === true;
  }

  /** Has the program of a job there, unless it is. The first job to ask is the one to blame. @throws {NebulaError} NEBULA_START_FAILED. */
  async load(job: Job): Promise<void> {
    const load = this.#loads.get(job.program.id) ?? this.#begin(job);
    try {
      await load.done;
    } catch (thrown) {
      if (load.hasLeft) job.hasLeft = true;
      throw thrown;
    }
  }

  /** Lets the program go, at the latest when it has been loaded. */
  unload(program: HostedProgram): void {
    const load = this.#loads.get(program.id);
    this.#loads.delete(program.id);
    // because one that could not be loaded is forgotten by whoever loads it
    load?.done.then(() => this.#forget(program)).catch(() => {});
  }

  /** It is to be loaded anew: what the process has of it is old. */
  renew({ id }: HostedProgram): void {
    this.#loads.delete(id);
  }

  /** The process has turned to nothing for long: what it has not begun is not what holds it up. */
  moveOn(): void {
    for (const load of this.#underWay) if (!load.hasBegun) load.leave();
  }

  #begin(job: Job): Load {
    const { program } = job;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const load: Load = { done: promise, hasBegun: false, isDone: false, hasLeft: false, leave: () => {} };
    this.#loads.set(program.id, load);
    this.#load(job, load).then(resolve, (error) => {
      if (this.#loads.get(program.id) === load) this.#loads.delete(program.id);
      this.#forget(program);
      reject(error);
    });
    return load;
  }

  async #load(job: Job, load: Load): Promise<void> {
    const { program } = job;
    const { guest, meter, clock, invocations, onOverrun } = this.#parts;
    const { tenant } = program;
    const { name, limits } = tenant.spec;
    const what = `Cannot start "${name}"`;
    const fail = (why: string) =>
      new NebulaError("NEBULA_START_FAILED", `${what}: ${why}`, { details: { function: name } });
    const { head, body } = await program.read();
    const call = guest.peer.call(head, body);
    const metered = meter.begin(limits.cpuMs);
    job.metered = metered;
    load.leave = () => {
      load.hasLeft = true;
      call.cancel(fail("its process had no time for it"));
    };
    this.#underWay.add(load);
    using _timer = clock.after(limits.startMs, () => {
      if (load.hasBegun) onOverrun(fail(`it took more than ${formatMs(limits.startMs)} to compile`));
      else load.leave();
    });
    try {
      const answer = await call.answer;
      load.hasBegun = true;
      await readBody(answer.body);
      load.isDone = true;
      if (head.codeBytes > 0 && !isFromCode(await answer.trailers)) program.onCodeRefused();
    } catch (thrown) {
      throw await invocations.explain(thrown, tenant, { code: "NEBULA_START_FAILED", what });
    } finally {
      this.#underWay.delete(load);
      // because it would keep the call, and who asked, for as long as the program is there
      load.leave = () => {};
      metered.stop();
    }
  }

  #forget({ id }: HostedProgram): void {
    if (this.#loads.has(id)) return;
    // because a process that is gone, or that never had it, has let it go too
    this.#parts.guest.peer.call({ op: "unload", program: id }, null).answer.catch(() => {});
  }
}

/** What the process says of a program that it has loaded. */
function isFromCode(last: unknown): boolean {
  return typeof last === "object" && last !== null && "isFromCode" in last && last.isFromCode === true;
}
