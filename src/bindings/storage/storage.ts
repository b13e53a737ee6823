/**
 * A folder of state and the process that alone works in it.
 *
 *     closed ─▶ opening ─▶ open ─▶ closing ─▶ closed       the next call opens it again
 *                             └──▶ ended                   killed at a time limit, or crashed: as above
 *
 * Calls go to the process as they come, and many are under way at once; what was answered is on the disk. A process that
 * answers nobody for as long as a call may take is ended, since SQLite cannot be interrupted otherwise: calls under way
 * fail with it. Whether somebody still waits for the call makes no difference. Knows nothing of SQL.
 */

import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { type OutgoingCall, RemoteError } from "../../frames/outgoing-call.ts";
import { NebulaError, toNebulaError } from "../../model/errors.ts";
import type { Body } from "../../model/exchange.ts";
import type { Json } from "../../model/function.ts";
import { orAborted } from "../../model/or-aborted.ts";
import type { Clock, Log } from "../../model/ports.ts";
import { MIB } from "../../model/units.ts";
import { StorageProcess } from "./storage-process.ts";
import type { Lodger, StorageRoom } from "./storage-room.ts";

/** What a storage is opened with. */
export interface StorageOptions {
  /** `database "main"`, for errors and the log. */
  readonly what: string;
  /** Absolute; made when it is not there. */
  readonly dir: string;
  /** The text of the code that runs in the process; asked for when the first process is to be started. */
  readonly bundle: () => Promise<string>;
  /** What that code is opened with. */
  readonly settings: Json;
  /** The path of setpriv (util-linux), where there is one. */
  readonly setpriv: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Default 128 MiB. */
  readonly heapBytes?: number;
  /** Where the process has a place; without one it needs none. */
  readonly room?: StorageRoom;
  /** How long the process stays without work. Default one minute. */
  readonly idleMs?: number;
}

/** What a call to a storage is held to. */
export interface StorageCallOptions {
  /** Aborts when nobody waits any more; what has begun is not taken back. */
  readonly signal?: AbortSignal | undefined;
  /** How long the process may work on it. Where many calls wait, from when it has answered the one before. */
  readonly limitMs: number;
}

/** What a storage answered. */
export interface StorageAnswer {
  readonly head: unknown;
  readonly body: Body;
}

/** A folder of state. */
export interface Storage extends AsyncDisposable {
  /** Of the process, when there is one. */
  readonly pid: number | undefined;
  /**
   * Asks the process; it is started when there is none. `head` is anything JSON can carry.
   *
   * @throws {NebulaError} NEBULA_STORAGE_TIMEOUT when it takes too long, NEBULA_STORAGE_ENDED when the process ends
   * meanwhile, NEBULA_STATE_FAILED when the files cannot be opened or written, NEBULA_OVERLOADED when too much is under
   * way, NEBULA_BODY_TOO_LARGE when the call brings too much, NEBULA_DRAINING after disposal, and what `signal` aborts with.
   */
  call(head: unknown, body: Body, options: StorageCallOptions): Promise<StorageAnswer>;
}

const DEFAULT_HEAP_BYTES = 128 * MIB;
const DEFAULT_IDLE_MS = 60_000;
/** Starting the process and opening the files, which after an unclean end are checked. */
const OPEN_MS = 60_000;
/** Closing them, with what must be written for it. */
const CLOSE_MS = 10_000;
const MAX_CALLS = 5_000;

/** Opens nothing yet. */
export function openStorage(options: StorageOptions): Storage {
  return new ProcessStorage(options);
}

class ProcessStorage implements Storage, Lodger {
  readonly #options: StorageOptions;
  #process: StorageProcess | undefined;
  #opening: Promise<StorageProcess> | undefined;
  /** The process of before is going; its files are still its own. */
  #going: Promise<unknown> = Promise.resolve();
  #calls = 0;
  #idle: Disposable | undefined;
  /** Aborts with why nothing is asked any more. */
  readonly #closing = new AbortController();

  constructor(options: StorageOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  async call(head: unknown, body: Body, { signal, limitMs }: StorageCallOptions): Promise<StorageAnswer> {
    const { what } = this.#options;
    signal?.throwIfAborted();
    this.#closing.signal.throwIfAborted();
    if (this.#calls >= MAX_CALLS) {
      throw new NebulaError("NEBULA_OVERLOADED", `Cannot ask ${what}: ${MAX_CALLS} calls are under way`);
    }
    this.#calls += 1;
    this.#idle?.[Symbol.dispose]();
    this.#options.room?.busy(this);
    try {
      const known = this.#process?.isDoomed ? undefined : this.#process;
      const running = known ?? (await orAborted(this.#open(), signal, () => signal?.reason));
      return await this.#ask(running, { head, body, signal, limitMs });
    } finally {
      this.#calls -= 1;
      if (this.#calls === 0) this.#waitForWork();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { what } = this.#options;
    this.#closing.abort(new NebulaError("NEBULA_DRAINING", `Cannot ask ${what}: the node is stopping`));
    this.#idle?.[Symbol.dispose]();
    // because whoever waits for it is told why it failed
    await this.#opening?.catch(() => {});
    this.#close();
    await this.#going;
  }

  async #ask(
    running: StorageProcess,
    { head, body, signal, limitMs }: { head: unknown; body: Body } & StorageCallOptions,
  ): Promise<StorageAnswer> {
    const call = running.peer.call(head, body);
    this.#watch(running, { call, limitMs });
    const onAbort = () => call.cancel(signal?.reason);
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await call.answer;
    } catch (thrown) {
      if (signal?.aborted) throw thrown;
      throw thrown instanceof RemoteError ? this.#toError(thrown) : await running.ended;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Ends a process that is at work on a call for too long; also when whoever asked has left, since others wait for it. */
  #watch(running: StorageProcess, { call, limitMs }: { call: OutgoingCall; limitMs: number }): void {
    const { clock } = this.#options;
    const startedAtMs = clock.nowMs();
    let timer: Disposable;
    const wait = (ms: number) => {
      timer = clock.after(ms, () => {
        const leftMs = Math.max(startedAtMs, running.answeredAtMs) + limitMs - clock.nowMs();
        if (leftMs > 0) wait(leftMs);
        else running.kill(this.#timeout(limitMs));
      });
    };
    wait(limitMs);
    const stop = () => {
      timer[Symbol.dispose]();
      running.answeredAtMs = clock.nowMs();
    };
    call.answer.then(stop, () => call.settled.then(stop));
  }

  #open(): Promise<StorageProcess> {
    this.#opening ??= this.#start().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #start(): Promise<StorageProcess> {
    const { what, dir, bundle, settings, setpriv, room, heapBytes = DEFAULT_HEAP_BYTES } = this.#options;
    await this.#going;
    await this.#makeFolder();
    // What is not open yet is not waited for when the node stops.
    const { signal } = this.#closing;
    const text = await orAborted(bundle(), signal, () => signal.reason);
    await room?.enter(what);
    const started = new StorageProcess({ what, dir, bundle: text, setpriv, heapBytes });
    this.#going = started.ended.then(() => room?.leave(this));
    try {
      await this.#ask(started, { head: { op: "open", settings }, body: null, signal, limitMs: OPEN_MS });
    } catch (thrown) {
      const error = toNebulaError(thrown);
      started.kill(error);
      throw error;
    }
    this.#process = started;
    void started.ended.then((reason) => this.#onEnded(started, reason));
    return started;
  }

  #onEnded(ended: StorageProcess, { code, details }: NebulaError): void {
    if (this.#process !== ended) return;
    this.#process = undefined;
    const { log, what } = this.#options;
    log.write("warn", "storage process ended", { storage: what, code, ...details });
  }

  async #makeFolder(): Promise<void> {
    const { dir, what } = this.#options;
    try {
      const first = await mkdir(dir, { recursive: true, mode: 0o700 });
      if (first !== undefined) await syncNames(first, dir);
    } catch (cause) {
      throw new NebulaError("NEBULA_STATE_FAILED", `Cannot open ${what}: its folder cannot be made`, { cause });
    }
  }

  #waitForWork(): void {
    if (this.#process === undefined || this.#closing.signal.aborted) return;
    const { clock, room, idleMs = DEFAULT_IDLE_MS } = this.#options;
    this.#idle = clock.after(idleMs, () => this.#close());
    room?.idle(this);
  }

  async rest(): Promise<void> {
    this.#idle?.[Symbol.dispose]();
    this.#close();
    await this.#going;
  }

  /** Ends the process once its files are closed. */
  #close(): void {
    const closing = this.#process;
    if (closing === undefined) return;
    this.#process = undefined;
    const { what } = this.#options;
    const end = () => closing.kill(new NebulaError("NEBULA_DRAINING", `Cannot ask ${what}: it is being closed`));
    this.#ask(closing, { head: { op: "end" }, body: null, limitMs: CLOSE_MS }).then(end, end);
  }

  #timeout(limitMs: number): NebulaError {
    const { what } = this.#options;
    return new NebulaError(
      "NEBULA_STORAGE_TIMEOUT",
      `Cannot go on with ${what}: a call took longer than ${limitMs} ms`,
      {
        details: { limitMs },
      },
    );
  }

  #toError(error: RemoteError): NebulaError {
    const { what } = this.#options;
    const { reason = "", message } = error.wire;
    if (reason === "too large") {
      return new NebulaError("NEBULA_BODY_TOO_LARGE", `Cannot ask ${what}: ${message}`, { cause: error });
    }
    const [problem, hint] = TROUBLES[reason] ?? [message, undefined];
    const details = { reason, sqlite: message };
    return new NebulaError("NEBULA_STATE_FAILED", `Cannot use ${what}: ${problem}`, { hint, details, cause: error });
  }
}

/** Brings the names of new folders to the disk: those from `first` down to `last`. */
async function syncNames(first: string, last: string): Promise<void> {
  for (let dir = last; dir.length >= first.length; dir = dirname(dir)) {
    await using parent = await open(dirname(dir), "r");
    await parent.sync();
  }
}

/** By StorageTrouble. */
const TROUBLES: Readonly<Record<string, readonly [problem: string, hint: string]>> = {
  full: ["no space is left on the disk", "Free some space, or move the state directory to a larger disk"],
  damaged: ["its file is damaged", "Restore it from a backup"],
  memory: ["its process has no memory left", "Ask for less at once"],
  io: ["its file cannot be read or written", "Check the disk, and that the node's user owns the state directory"],
};
