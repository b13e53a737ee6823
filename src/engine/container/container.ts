/**
 * One container of ours, from its making to its removal.
 *
 *     created ─▶ running ⇄ frozen
 *                   └─▶ stopped ─▶ running …           any ─▶ removed
 *
 * It lives on when the Docker daemon goes: it is asked at its own address, and looked for when the daemon is back.
 */

import type { Duplex } from "node:stream";
import { NebulaError } from "../../model/errors.ts";
import type { Clock, GuestLog } from "../../model/ports.ts";
import { Backoff } from "../backoff.ts";
import type { Usage } from "../engine.ts";
import {
  attachContainer,
  type ContainerExit,
  inspectContainer,
  pauseContainer,
  startContainer,
  stopContainer,
  unpauseContainer,
  waitForExit,
} from "./containers.ts";
import type { Docker } from "./docker.ts";
import { findTrouble, isAway } from "./docker-error.ts";
import { type ControlGroups, openControlGroups } from "./freezer.ts";
import { ContainerOutput } from "./output.ts";
import type { Remover } from "./remover.ts";

/** What containers of one function work with. */
export interface ContainerParts {
  readonly docker: Docker;
  readonly remover: Remover;
  readonly clock: Clock;
  /** Takes what they print. */
  readonly log: GuestLog;
}

/** One run of a container, from its start to its end. */
export interface Run {
  readonly pid: number;
  /** Absent where it has no network. */
  readonly address: string | undefined;
  readonly exit: Promise<ContainerExit>;
  readonly isOver: boolean;
  /** The last that it printed. */
  readonly tail: string;
}

/** Between two attempts to hear of it. */
const RETRY_MS = { firstMs: 100, lastMs: 5_000 };
const UNSEEN: ContainerExit = { code: 137, wasOutOfMemory: false, message: "Docker was away when it ended" };
const VANISHED: ContainerExit = { code: 137, wasOutOfMemory: false, message: "it was removed" };

/** A container that Docker has made. */
export class Container {
  readonly id: string;
  readonly #parts: ContainerParts;
  readonly #removing = new AbortController();
  #run: (Run & { readonly groups: ControlGroups; readonly output: ContainerOutput }) | undefined;
  #isPaused = false;
  #removed: Promise<void> | undefined;

  constructor(id: string, parts: ContainerParts) {
    this.id = id;
    this.#parts = parts;
  }

  /** Starts it, for the first time or again. @throws {NebulaError} NEBULA_START_FAILED. */
  async start({ signal }: { signal: AbortSignal }): Promise<Run> {
    const { docker } = this.#parts;
    const output = new ContainerOutput(this.#parts);
    // Before it starts, or its first words are lost.
    const printed = await attachContainer(docker, this.id, { hasInput: false, signal });
    output.read(printed);
    try {
      await startContainer(docker, this.id, { signal });
      const { pid, address } = await inspectContainer(docker, this.id, { signal });
      const groups = openControlGroups({ id: this.id, pid });
      return this.#begin({ pid, address, groups, output, printed });
    } catch (thrown) {
      output[Symbol.dispose]();
      throw thrown;
    }
  }

  /** Takes the processor from it: it stays in memory as it is. @throws {NebulaError} when it cannot be done. */
  async freeze(): Promise<void> {
    if (this.#run?.groups.freeze() === true) return;
    await pauseContainer(this.#parts.docker, this.id);
    this.#isPaused = true;
  }

  /** And gives it back. @throws {NebulaError} when it cannot be done. */
  async thaw(): Promise<void> {
    if (this.#run?.groups.isLeft() === true) {
      throw new NebulaError("NEBULA_START_FAILED", "its processes are gone, which Docker has not told yet");
    }
    if (this.#isPaused) await unpauseContainer(this.#parts.docker, this.id);
    else this.#run?.groups.thaw();
    this.#isPaused = false;
  }

  /** Ends its processes, politely at first. What it has written to its own disk stays. */
  async stop(): Promise<void> {
    await this.thaw();
    await stopContainer(this.#parts.docker, this.id);
    await this.#run?.exit;
  }

  /** Kills and removes it, whatever it is doing. Never rejects; quiet when repeated. */
  async remove(): Promise<void> {
    this.#removed ??= this.#remove();
    await this.#removed;
  }

  /** What it uses now; undefined when it does not run, or that cannot be told. */
  findUsage(): Usage | undefined {
    return this.#run?.isOver === false ? this.#run.groups.findUsage() : undefined;
  }

  async #remove(): Promise<void> {
    this.#run?.groups.thaw();
    await this.#parts.remover.remove(this.id);
    this.#removing.abort();
    this.#run?.output[Symbol.dispose]();
  }

  #begin({ printed, ...known }: Pick<Run, "pid" | "address"> & BegunWith): Run {
    const { output, groups } = known;
    let isOver = false;
    const exit = this.#watch({ output, groups }).then((how) => {
      isOver = true;
      return how;
    });
    const run = {
      ...known,
      // What it has printed comes a moment after its end.
      exit: exit.then(async (how) => {
        await this.#whenPrinted(printed);
        output[Symbol.dispose]();
        return how;
      }),
      get isOver() {
        return isOver;
      },
      get tail() {
        return output.tail;
      },
    };
    this.#run = run;
    return run;
  }

  /** Waits for its end, through any number of daemons; without one, its first process tells. */
  async #watch({ output, groups }: Pick<BegunWith, "output" | "groups">): Promise<ContainerExit> {
    const { docker, clock } = this.#parts;
    const { signal } = this.#removing;
    const backoff = new Backoff({ clock, ...RETRY_MS });
    for (let isFirst = true; ; isFirst = false) {
      try {
        const state = isFirst ? undefined : await inspectContainer(docker, this.id);
        if (state?.isRunning === false) return state.exit;
        if (!isFirst) output.read(await attachContainer(docker, this.id, { hasInput: false, signal }));
        await waitForExit(docker, this.id, { signal });
        return (await inspectContainer(docker, this.id)).exit;
      } catch (thrown) {
        if (signal.aborted || findTrouble(thrown) === "missing") return VANISHED;
        if (isAway(thrown) && groups.isLeft()) return UNSEEN;
        docker.forget();
        backoff.fail();
        backoff.fail();
        await backoff.wait(signal);
      }
    }
  }

  /** Until its output is at its end, or a moment has passed. */
  async #whenPrinted(printed: Duplex): Promise<void> {
    if (printed.closed || printed.readableEnded) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    using _timer = this.#parts.clock.after(PRINTED_MS, resolve);
    printed.once("close", resolve);
    printed.once("end", resolve);
    this.#removing.signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
  }
}

interface BegunWith {
  readonly groups: ControlGroups;
  readonly output: ContainerOutput;
  readonly printed: Duplex;
}

/** A stream whose container has ended has little to say. */
const PRINTED_MS = 500;
