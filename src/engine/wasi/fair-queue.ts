/**
 * Requests that wait for a lane: a line for each program, served in turn.
 */

import type { NebulaError } from "../../model/errors.ts";
import type { Clock } from "../../model/ports.ts";
import { WaitingLine } from "../waiting-line.ts";
import type { HostedProgram } from "./hosted-program.ts";
import type { Job } from "./lane.ts";

/** Who gives places, and whose clock limits the wait. */
export interface FairQueueOptions {
  readonly clock: Clock;
  /** A place for a request of the program, if there is one. */
  admit(program: HostedProgram, how: { isAlone: boolean }): Job | undefined;
}

/** How one waits. */
export interface WaitOptions {
  /** It wants a process of its own. */
  readonly isAlone: boolean;
  readonly signal: AbortSignal;
}

interface Line {
  readonly program: HostedProgram;
  readonly isAlone: boolean;
  readonly waiting: WaitingLine<Job>;
}

/** The lines of all programs. */
export class FairQueue {
  readonly #options: FairQueueOptions;
  /** Lines that somebody waits in; the first is the next to be served. */
  readonly #lines = new Map<string, Line>();
  #served = 0;

  constructor(options: FairQueueOptions) {
    this.#options = options;
  }

  /** How many wait for a lane; those that wait for a state directory would find none in another lane. */
  get wanting(): number {
    let wanting = 0;
    for (const { program, waiting } of this.#lines.values()) {
      if (program.state?.job === undefined) wanting += waiting.length;
    }
    return wanting;
  }

  /** How many have been served so far. */
  get served(): number {
    return this.#served;
  }

  /** Whether a request of the program waits already. */
  isWaiting({ id }: HostedProgram): boolean {
    return this.#lines.has(id);
  }

  /**
   * Waits for a place.
   * @throws {NebulaError} NEBULA_OVERLOADED when the program's line is full or the wait too long, NEBULA_CLIENT_GONE
   * when the signal aborts first.
   */
  async join(program: HostedProgram, { isAlone, signal }: WaitOptions): Promise<Job> {
    const key = isAlone ? `${program.id} alone` : program.id;
    const line = this.#lines.get(key) ?? this.#createLine(key, program, isAlone);
    this.#lines.set(key, line);
    return await line.waiting.join({ signal, expected: 0 });
  }

  /** Gives away what places there are, one to each program in turn. */
  serve(): void {
    for (let hasServed = true; hasServed; ) {
      hasServed = false;
      for (const [key, line] of [...this.#lines]) hasServed = this.#serveOne(key, line) || hasServed;
    }
  }

  /** Everybody who waits gets the error. */
  failAll(error: NebulaError): void {
    for (const { waiting } of this.#lines.values()) waiting.failAll(error);
    this.#lines.clear();
  }

  #serveOne(key: string, line: Line): boolean {
    if (line.waiting.length === 0) return false;
    const job = this.#options.admit(line.program, line);
    if (job === undefined) return false;
    this.#served += 1;
    line.waiting.next()?.serve(job);
    this.#lines.delete(key);
    // Behind the others, as long as somebody waits in it.
    if (line.waiting.length > 0) this.#lines.set(key, line);
    return true;
  }

  #createLine(key: string, program: HostedProgram, isAlone: boolean): Line {
    const { name, scaling } = program.tenant.spec;
    const onLeft = () => {
      if (waiting.length === 0) this.#lines.delete(key);
    };
    const waiting = new WaitingLine<Job>({ name, limits: scaling, clock: this.#options.clock, onLeft });
    return { program, isAlone, waiting };
  }
}
