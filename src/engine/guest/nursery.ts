/**
 * Blank guest processes, started before they are needed.
 *
 * One size of heap is one kind of process. The default size, where there is one, is kept ready from the start; a size that
 * a function has asked for is kept ready from then on, as long as it is asked for again.
 */

import { closeSync, openSync } from "node:fs";
import { NebulaError, toNebulaError } from "../../model/errors.ts";
import { orAborted } from "../../model/or-aborted.ts";
import type { Clock, Log } from "../../model/ports.ts";
import { Backoff } from "../backoff.ts";
import { GuestProcess } from "./guest-process.ts";
import { type GuestRuntime, nodeRuntime } from "./runtime.ts";
import type { Sandbox } from "./sandbox.ts";

/** What blank processes are started with, and how many are kept. */
export interface NurseryOptions {
  readonly sandbox: Sandbox;
  /** Default Node. */
  readonly runtime?: GuestRuntime;
  /** The text of the guest code, or what makes it: asked for once, when the first process is to be started. */
  readonly bootstrap: string | (() => Promise<string>);
  readonly cwd: string;
  /** Blank processes kept ready of each size. */
  readonly spare: number;
  /** The size that is kept ready from the start and for good; unless given, there is none. */
  readonly defaultMemoryBytes?: number;
  /** See `RuntimeOptions`. */
  readonly initialHeapBytes?: number;
  /** Its processes have user ids from this index on; two nurseries of a node must not share any. Default 0. */
  readonly firstIndex?: number;
  /** The file of an add-on that the processes may load; asked for once, when the first is to be started. */
  readonly addon?: () => Promise<string | undefined>;
  readonly clock: Clock;
  readonly log: Log;
}

const READY_MS = 20_000;
const REFILL_MS = 10;
/** A size that nobody has asked for in this time is no longer kept ready. */
const SIZE_KEPT_MS = 120_000;
const BACKOFF_MS = { firstMs: 100, lastMs: 10_000 };
/** Blank processes that come up at the same time: more would only take the processor from each other. */
const MAX_SPAWNING = 2;

interface Size {
  readonly blanks: GuestProcess[];
  spawning: number;
  takenAtMs: number;
}

/** The blank processes of one node. */
export class Nursery implements AsyncDisposable {
  readonly #options: NurseryOptions;
  readonly #backoff: Backoff;
  readonly #runtime: GuestRuntime;
  readonly #binaryFd: number;
  readonly #sizes = new Map<number, Size>();
  readonly #waiting: { memoryBytes: number; resolve(guest: GuestProcess): void; reject(error: unknown): void }[] = [];
  readonly #pending = new Set<Promise<void>>();
  #spawned = 0;
  #addonFd: Promise<number | undefined> | undefined;
  #bootstrap: Promise<string> | undefined;
  #failure: NebulaError | undefined;
  readonly #closed = new AbortController();
  #closing: Promise<void> | undefined;

  constructor(options: NurseryOptions) {
    this.#options = options;
    this.#runtime = options.runtime ?? nodeRuntime;
    this.#binaryFd = openSync(this.#runtime.binary, "r");
    this.#backoff = new Backoff({ clock: options.clock, ...BACKOFF_MS });
    if (options.defaultMemoryBytes !== undefined) this.#sizeOf(options.defaultMemoryBytes);
    this.#refill();
  }

  /**
   * A blank process of that size: at once when one is ready.
   * @throws {NebulaError} NEBULA_START_FAILED when none can be started or `signal` aborts, NEBULA_DRAINING when the node is
   * stopping.
   */
  async take(memoryBytes: number, signal?: AbortSignal): Promise<GuestProcess> {
    if (this.#closed.signal.aborted) throw closed();
    if (signal?.aborted) throw cancelled();
    const size = this.#sizeOf(memoryBytes);
    size.takenAtMs = this.#options.clock.nowMs();
    if (memoryBytes !== this.#options.defaultMemoryBytes)
      this.#options.clock.after(SIZE_KEPT_MS + 1, () => this.#refill());
    const blank = size.blanks.shift();
    if (blank !== undefined) {
      // Later, because a process that comes up takes the processor from the request that waits for this one.
      this.#options.clock.after(REFILL_MS, () => this.#refill());
      return blank;
    }
    const { promise, resolve, reject } = Promise.withResolvers<GuestProcess>();
    const waiter = { memoryBytes, resolve, reject };
    this.#waiting.push(waiter);
    this.#refill();
    const onAbort = () => {
      remove(this.#waiting, waiter);
      reject(cancelled());
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await promise;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /**
   * Waits until the spare processes are there.
   * @throws {NebulaError} NEBULA_START_FAILED when this machine cannot start them.
   */
  async fill(): Promise<void> {
    while (this.#pending.size > 0) {
      await Promise.all(this.#pending);
      if (this.#failure !== undefined && !this.#closed.signal.aborted) throw this.#failure;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    this.#closed.abort();
    for (const waiter of this.#waiting.splice(0)) waiter.reject(closed());
    await this.fill();
    const blanks = [...this.#sizes.values()].flatMap((size) => size.blanks.splice(0));
    await Promise.all(blanks.map((blank) => blank.end()));
    closeSync(this.#binaryFd);
    const addonFd = await this.#addonFd;
    if (addonFd !== undefined) closeSync(addonFd);
  }

  #sizeOf(memoryBytes: number): Size {
    const known = this.#sizes.get(memoryBytes);
    if (known !== undefined) return known;
    const size = { blanks: [], spawning: 0, takenAtMs: this.#options.clock.nowMs() };
    this.#sizes.set(memoryBytes, size);
    return size;
  }

  /** Starts what is wanted: first for those who wait, in the order in which they came, then the spare ones. */
  #refill(): void {
    for (const { memoryBytes } of this.#waiting) this.#startUpTo(this.#waitingFor(memoryBytes), memoryBytes);
    this.#refillSpare();
  }

  #waitingFor(memoryBytes: number): number {
    return this.#waiting.filter((waiter) => waiter.memoryBytes === memoryBytes).length;
  }

  #startUpTo(wanted: number, memoryBytes: number): void {
    const size = this.#sizeOf(memoryBytes);
    while (
      !this.#closed.signal.aborted &&
      this.#pending.size < MAX_SPAWNING &&
      size.blanks.length + size.spawning < wanted
    ) {
      size.spawning += 1;
      const pending = this.#spawn(memoryBytes, size).finally(() => {
        this.#pending.delete(pending);
        this.#refill();
      });
      this.#pending.add(pending);
    }
  }

  #refillSpare(): void {
    const { clock, defaultMemoryBytes, spare } = this.#options;
    for (const [memoryBytes, size] of this.#sizes) {
      const isStale = memoryBytes !== defaultMemoryBytes && clock.nowMs() - size.takenAtMs > SIZE_KEPT_MS;
      if (!isStale) this.#startUpTo(spare + this.#waitingFor(memoryBytes), memoryBytes);
      else {
        this.#sizes.delete(memoryBytes);
        for (const blank of size.blanks) void blank.end();
      }
    }
  }

  async #spawn(memoryBytes: number, size: Size): Promise<void> {
    try {
      await this.#backoff.wait(this.#closed.signal);
      if (this.#closed.signal.aborted) return;
      const { sandbox, initialHeapBytes } = this.#options;
      const { cwd = this.#options.cwd } = this.#runtime;
      const code = Promise.all([this.#readBootstrap(), this.#openAddon()]);
      // What is not there yet is not waited for when the node stops.
      const [bootstrap, addonFd] = await orAborted(code, this.#closed.signal, closed);
      const index = (this.#options.firstIndex ?? 0) + this.#spawned++;
      const mayLoadAddon = addonFd !== undefined;
      const runtime = this.#runtime;
      const command = sandbox.command({ index, runtime, memoryBytes, mayLoadAddon, initialHeapBytes });
      const binaryFd = this.#binaryFd;
      const { signal } = this.#closed;
      const guest = await GuestProcess.spawn({ command, bootstrap, cwd, binaryFd, addonFd, readyMs: READY_MS, signal });
      this.#backoff.succeed();
      this.#failure = undefined;
      void guest.ended.then(() => remove(size.blanks, guest));
      this.#deliver(guest, memoryBytes, size);
    } catch (thrown) {
      this.#onFailure(toNebulaError(thrown), memoryBytes);
    } finally {
      size.spawning -= 1;
    }
  }

  async #readBootstrap(): Promise<string> {
    const { bootstrap } = this.#options;
    if (typeof bootstrap === "string") return bootstrap;
    this.#bootstrap ??= bootstrap().catch((error: unknown) => {
      this.#bootstrap = undefined;
      throw error;
    });
    return await this.#bootstrap;
  }

  async #openAddon(): Promise<number | undefined> {
    const { addon } = this.#options;
    if (addon === undefined) return undefined;
    this.#addonFd ??= addon().then((path) => (path === undefined ? undefined : openSync(path, "r")));
    return await this.#addonFd;
  }

  #deliver(guest: GuestProcess, memoryBytes: number, size: Size): void {
    const at = this.#waiting.findIndex((waiter) => waiter.memoryBytes === memoryBytes);
    const [waiter] = at < 0 ? [] : this.#waiting.splice(at, 1);
    if (waiter === undefined) size.blanks.push(guest);
    else waiter.resolve(guest);
  }

  #onFailure(error: NebulaError, memoryBytes: number): void {
    if (this.#closed.signal.aborted) return;
    this.#backoff.fail();
    this.#failure = error;
    this.#options.log.write("error", "guest process did not start", { code: error.code, error: error.message });
    const at = this.#waiting.findIndex((waiter) => waiter.memoryBytes === memoryBytes);
    if (at >= 0) this.#waiting.splice(at, 1)[0]?.reject(error);
  }
}

function remove<T>(list: T[], item: T): void {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
}

function cancelled(): NebulaError {
  return new NebulaError("NEBULA_START_FAILED", "Cannot start an instance: the start was cancelled");
}

function closed(): NebulaError {
  return new NebulaError("NEBULA_DRAINING", "Cannot start an instance: the node is stopping");
}
