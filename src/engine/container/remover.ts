/**
 * Removes containers, and comes back to those that Docker could not remove when it was asked.
 */

import { describeThrown } from "../../model/errors.ts";
import type { Clock, Log } from "../../model/ports.ts";
import { inspectContainer, removeContainer, unpauseContainer } from "./containers.ts";
import type { Docker } from "./docker.ts";
import { findTrouble } from "./docker-error.ts";
import { openControlGroups } from "./freezer.ts";

/** Between two attempts. */
const RETRY_MS = 5_000;

/** Containers on their way out. */
export class Remover implements AsyncDisposable {
  readonly #parts: { docker: Docker; clock: Clock; log: Log };
  readonly #left = new Set<string>();
  readonly #pending = new Map<string, Promise<void>>();
  #timer: Disposable | undefined;
  #isClosed = false;

  constructor(parts: { docker: Docker; clock: Clock; log: Log }) {
    this.#parts = parts;
  }

  /** Never rejects: what cannot be removed now is removed later, or found at the node's next start. */
  async remove(id: string): Promise<void> {
    const pending = this.#pending.get(id) ?? this.#remove(id).finally(() => this.#pending.delete(id));
    this.#pending.set(id, pending);
    await pending;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#timer?.[Symbol.dispose]();
    await Promise.all(this.#pending.values());
    if (this.#left.size > 0) {
      this.#parts.log.write("warn", "containers are left", { count: this.#left.size, until: "the node's next start" });
    }
  }

  async #remove(id: string): Promise<void> {
    try {
      await thawAndRemove(this.#parts.docker, id);
      this.#left.delete(id);
    } catch (thrown) {
      this.#left.add(id);
      const reason = describeThrown(thrown);
      this.#parts.log.write("debug", "container not removed yet", { container: id, reason });
      this.#retryLater();
    }
  }

  #retryLater(): void {
    if (this.#timer !== undefined || this.#isClosed) return;
    this.#timer = this.#parts.clock.after(RETRY_MS, () => {
      this.#timer = undefined;
      for (const id of this.#left) void this.remove(id);
    });
  }
}

/** A frozen process is killed only when it thaws. */
async function thawAndRemove(docker: Docker, id: string): Promise<void> {
  try {
    const { pid, isPaused, isRunning } = await inspectContainer(docker, id);
    if (isPaused) await unpauseContainer(docker, id);
    else if (isRunning) openControlGroups({ id, pid }).thaw();
  } catch (thrown) {
    if (findTrouble(thrown) === "missing") return;
    throw thrown;
  }
  await removeContainer(docker, id);
}
