/**
 * Requests that wait for a lane: a line for each program, served in turn.
 */

import type { NebulaError } from "../../model/errors.ts";
import type { Clock } from "../../model/ports.ts";
import { WaitingLine } from "../waiting-line.ts";
import type { HostedProgram } from "./hosted-program.ts";
import type { Job } from "./job.ts";

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
  /** Lines that somebody waits in, by program; the first is the next to be served. */
  readonly #lines = new Map<string, Line>();
  /** The same of those who want a process of their own. They have waited before, and go first. */
  readonly #alone = new Map<string, Line>();
  #served = 0;

  constructor(options: FairQueueOptions) {
    this.#options = options;
  }

  /** How many wait for a lane; those that wait for a state directory would find none in another lane. */
  get wanting(): number {
    let wanting = 0;
    for (const { program, waiting } of [...this.#alone.values(), ...this.#lines.values()]) {
      if (!program.state?.isTaken) wanting += waiting.length;
    }
    return wanting;
  }

  /** How many have been served so far. */
  get served(): number {
    return this.#served;
  }

  /** Whether somebody waits for a process of its own. */
  get isWaitingAlone(): boolean {
    return this.#alone.size > 0;
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
    const lines = isAlone ? this.#alone : this.#lines;
    const line = lines.get(program.id) ?? this.#createLine(lines, program, isAlone);
    lines.set(program.id, line);
    return await line.waiting.join({ signal, expected: 0 });
  }

  /** Gives away what places there are, one to each program in turn. */
  serve(): void {
    for (let hasServed = true; hasServed; ) {
      hasServed = false;
      for (const lines of [this.#alone, this.#lines]) {
        for (const line of [...lines.values()]) hasServed = this.#serveOne(lines, line) || hasServed;
      }
    }
  }

  /** Everybody who waits gets the error. */
  failAll(error: NebulaError): void {
    for (const lines of [this.#alone, this.#lines]) for (const { waiting } of lines.values()) waiting.failAll(error);
  }

  #serveOne(lines: Map<string, Line>, line: Line): boolean {
    if (line.waiting.length === 0) return false;
    const job = this.#options.admit(line.program, line);
    if (job === undefined) return false;
    this.#served += 1;
    line.waiting.next()?.serve(job);
    lines.delete(line.program.id);
    // Behind the others, as long as somebody waits in it.
    if (line.waiting.length > 0) lines.set(line.program.id, line);
    return true;
  }

  #createLine(lines: Map<string, Line>, program: HostedProgram, isAlone: boolean): Line {
    const { name, scaling } = program.tenant.spec;
    const onLeft = () => {
      if (waiting.length === 0) lines.delete(program.id);
    };
    const waiting = new WaitingLine<Job>({ name, limits: scaling, clock: this.#options.clock, onLeft });
    return { program, isAlone, waiting };
  }
}
