/**
 * Containers that were given back, kept to be started sooner.
 *
 *     frozen ─▶ stopped ─▶ removed        each after its time without having been taken
 *
 * A frozen one keeps its memory and has no processor; a stopped one has nothing but its place on the disk.
 */

import { describeThrown } from "../../model/errors.ts";
import type { Clock, Log } from "../../model/ports.ts";
import type { RestingCounts } from "../engine.ts";
import type { Container, Run } from "./container.ts";

/** A container as the shelf needs it. */
export type Resting = Pick<Container, "freeze" | "remove" | "stop">;

/** How long one stays in each state. */
export interface ShelfOptions {
  readonly stopMs: number;
  readonly removeMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** One that has been taken, and how it is. */
export interface Taken<C, R> {
  readonly container: C;
  /** Absent: it is stopped. */
  readonly run: R | undefined;
}

/** Moving: it is neither one thing nor the other yet, and nobody may take it. */
interface Place<C, R> {
  readonly container: C;
  run: R | undefined;
  state: "moving" | "frozen" | "stopped";
  timer: Disposable | undefined;
  moved: Promise<void>;
}

/** The containers of one deployment that rest. */
export class Shelf<C extends Resting = Container, R extends Pick<Run, "exit" | "isOver"> = Run>
  implements AsyncDisposable
{
  readonly #options: ShelfOptions;
  readonly #places = new Set<Place<C, R>>();
  #isClosed = false;

  constructor(options: ShelfOptions) {
    this.#options = options;
  }

  get counts(): RestingCounts {
    const count = (state: Place<C, R>["state"]) => [...this.#places].filter((place) => place.state === state).length;
    return { frozen: count("frozen"), stopped: count("stopped") };
  }

  /** The one that will be up first: frozen before stopped, and the last that came, so that the others may go. */
  take(): Taken<C, R> | undefined {
    const places = [...this.#places].reverse();
    const place = places.find(({ state }) => state === "frozen") ?? places.find(({ state }) => state === "stopped");
    if (place === undefined) return undefined;
    this.#leave(place);
    return { container: place.container, run: place.run };
  }

  /** Takes a container that runs, and freezes it. Never rejects: what cannot be kept is removed. */
  async put(container: C, run: R): Promise<void> {
    if (this.#isClosed) return await container.remove();
    const place: Place<C, R> = { container, run, state: "moving", timer: undefined, moved: Promise.resolve() };
    this.#places.add(place);
    void run.exit.then(() => {
      // Whoever has died here was not stopped by us.
      if (place.run !== undefined && this.#places.has(place)) void this.#remove(place);
    });
    await this.#move(place, async () => {
      await container.freeze();
      this.#rest(place, { state: "frozen", ms: this.#options.stopMs, next: () => void this.#stop(place) });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await Promise.all(
      [...this.#places].map(async (place) => {
        await place.moved;
        await this.#remove(place);
      }),
    );
  }

  async #stop(place: Place<C, R>): Promise<void> {
    place.run = undefined;
    await this.#move(place, async () => {
      await place.container.stop();
      this.#rest(place, { state: "stopped", ms: this.#options.removeMs, next: () => void this.#remove(place) });
    });
  }

  async #move(place: Place<C, R>, step: () => Promise<void>): Promise<void> {
    place.state = "moving";
    place.moved = step().catch(async (thrown: unknown) => {
      const reason = describeThrown(thrown);
      this.#options.log.write("debug", "container cannot rest", { reason });
      await this.#remove(place);
    });
    await place.moved;
  }

  #rest(place: Place<C, R>, { state, ms, next }: { state: "frozen" | "stopped"; ms: number; next: () => void }): void {
    // It may have died meanwhile, or the shelf have been closed.
    if (!this.#places.has(place)) return;
    place.state = state;
    place.timer = this.#options.clock.after(ms, next);
  }

  async #remove(place: Place<C, R>): Promise<void> {
    this.#leave(place);
    await place.container.remove();
  }

  #leave(place: Place<C, R>): void {
    place.timer?.[Symbol.dispose]();
    this.#places.delete(place);
  }
}
