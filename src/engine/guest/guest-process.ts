/**
 * One guest process and its supervision.
 *
 *     spawned ─▶ ready ─▶ adopted ─▶ ended        it ends once: by itself, killed for a reason, or asked to
 *
 * Knows frames and signals, and nothing of functions: whoever adopts a blank process brings those.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { Socket } from "node:net";
import type { Readable } from "node:stream";
import { ConnectionClosed } from "../../frames/frame.ts";
import type { CallHandler } from "../../frames/incoming-call.ts";
import { Peer } from "../../frames/peer.ts";
import { NebulaError, toNebulaError } from "../../model/errors.ts";
import type { Cgroup } from "./cgroups.ts";
import { FRAMES_FD, type GuestCommand } from "./sandbox.ts";
import { findUsage, type Usage } from "./usage.ts";

/** Who a guest's calls and notes go to, once a function is loaded. */
export interface GuestOwner {
  readonly onCall: CallHandler;
  onNote(stream: number, note: unknown, bytes: number): void;
}

/** With what a guest process is started. */
export interface SpawnOptions {
  readonly command: GuestCommand;
  /** The text of the bootstrap, one ES module. */
  readonly bootstrap: string;
  /** An open descriptor of the runtime's binary. */
  readonly binaryFd: number;
  /** An open descriptor of the add-on; the command must allow it. */
  readonly addonFd?: number | undefined;
  /** An empty folder. */
  readonly cwd: string;
  readonly readyMs: number;
  /** Aborts when nobody waits for it to be ready any more. */
  readonly signal: AbortSignal;
}

const STDERR_KEPT = 4_096;
/**
 * Calls of one guest at once. A correct guest has no more than 200 open (outbound.guest.ts) and a few that are ending;
 * each may hold a window of its body in the host's memory.
 */
const MAX_INCOMING = 256;
const OUT_OF_MEMORY = /heap out of memory|Reached heap limit|invalid table size|Zone: Allocation failed|process OOM/;

/** One guest process, from its start to its end. */
export class GuestProcess {
  readonly peer: Peer;
  /** Fulfils when the process is gone, with the reason when nobody had asked for it. */
  readonly ended: Promise<NebulaError | undefined>;
  /** Fulfils as `ended` does, or before it when the process has been doomed by `kill`. */
  readonly ending: Promise<NebulaError | undefined>;
  readonly #doomed = Promise.withResolvers<NebulaError>();
  readonly #child: ChildProcess;
  readonly #cgroup: Cgroup | undefined;
  readonly #ready = Promise.withResolvers<void>();
  #owner: GuestOwner | undefined;
  #stderr = "";
  #reason: NebulaError | undefined;
  #isAskedToEnd = false;
  #isCutShort = false;
  #hasEnded = false;

  /** @throws {NebulaError} NEBULA_START_FAILED when the process does not get ready in time. */
  static async spawn(options: SpawnOptions): Promise<GuestProcess> {
    const addon = options.addonFd === undefined ? [] : [options.addonFd];
    const child = spawn(options.command.file, [...options.command.args], {
      cwd: options.cwd,
      env: options.command.env,
      // Away from the terminal's process group: Ctrl-C is the host's to answer.
      detached: true,
      stdio: ["pipe", "ignore", "pipe", "pipe", options.binaryFd, ...addon],
    });
    const guest = new GuestProcess(child, options.command.cgroup);
    child.stdin?.on("error", () => {
      // because a process that died before it read its bootstrap is reported by its exit
    });
    child.stdin?.end(options.bootstrap);
    const timer = setTimeout(
      () => guest.kill(startFailure(`it was not ready after ${options.readyMs} ms`)),
      options.readyMs,
    );
    const onAbort = () => guest.kill(startFailure("it is not wanted any more"));
    options.signal.addEventListener("abort", onAbort, { once: true });
    try {
      await guest.#ready.promise;
    } catch (thrown) {
      const { code, message, details } = toNebulaError(thrown);
      if (code === "NEBULA_START_FAILED") throw thrown;
      const why = details.stderr === "" ? message : `${message}: ${String(details.stderr).split("\n").at(-1)}`;
      throw new NebulaError("NEBULA_START_FAILED", `Cannot start a guest process: ${why}`, { details, cause: thrown });
    } finally {
      clearTimeout(timer);
      options.signal.removeEventListener("abort", onAbort);
    }
    return guest;
  }

  private constructor(child: ChildProcess, cgroup: Cgroup | undefined) {
    this.#child = child;
    this.#cgroup = cgroup;
    const ended = Promise.withResolvers<NebulaError | undefined>();
    this.ended = ended.promise;
    this.ending = Promise.race([this.#doomed.promise, this.ended]);
    const frames = child.stdio[FRAMES_FD];
    if (!(frames instanceof Socket)) throw startFailure("the socket pair could not be made", child);
    this.peer = new Peer(frames, {
      side: "host",
      maxIncoming: MAX_INCOMING,
      onCall: (call) => {
        if (this.#owner === undefined)
          throw new NebulaError("NEBULA_PROTOCOL_BROKEN", "Cannot answer a blank guest process");
        return this.#owner.onCall(call);
      },
      onNote: (stream, note, bytes) => this.#onNote(stream, note, bytes),
      onBroken: (reason) => this.#onBroken(reason),
    });
    keepTail(child.stderr, (text) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT);
    });
    child.once("error", (error) => this.#end(ended, startFailure(error.message)));
    // "close" and not "exit", because standard error may say why, and comes with the latter.
    child.once("close", (code, signal) =>
      this.#end(ended, this.#isAskedToEnd ? undefined : this.#describeExit(code, signal)),
    );
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  findUsage(): Usage | undefined {
    return this.#hasEnded ? undefined : findUsage(this.pid);
  }

  /** Hands the process to a function; its calls and notes go there from now on. */
  adopt(owner: GuestOwner): void {
    this.#owner = owner;
  }

  /** Ends the process at once. The first reason given is the one that `ended` tells. */
  kill(reason: NebulaError): void {
    this.#reason ??= reason;
    this.#doomed.resolve(this.#reason);
    this.#child.kill("SIGKILL");
  }

  /** Ends the process without a reason, and waits until it is gone. */
  async end(): Promise<void> {
    this.#isAskedToEnd = true;
    this.#child.kill("SIGKILL");
    await this.ended;
  }

  #onNote(stream: number, note: unknown, bytes: number): void {
    if (this.#owner !== undefined) this.#owner.onNote(stream, note, bytes);
    else this.#ready.resolve();
  }

  /** A guest that breaks the protocol has lost its right to live; one that closed is on its way out, and its exit says why. */
  #onBroken(reason: Error): void {
    if (reason instanceof ConnectionClosed) {
      this.#isCutShort = reason.isWithinFrame;
      this.#child.kill("SIGKILL");
    } else {
      this.kill(protocolBroken(reason.message));
    }
  }

  #end(ended: PromiseWithResolvers<NebulaError | undefined>, reason: NebulaError | undefined): void {
    this.#hasEnded = true;
    this.#ready.reject(reason ?? startFailure("it was asked to end"));
    // because only `spawn` waits for readiness
    this.#ready.promise.catch(() => {});
    this.peer.close();
    this.#cgroup?.remove();
    ended.resolve(reason);
  }

  #describeExit(code: number | null, signal: NodeJS.Signals | null): NebulaError {
    if (this.#reason !== undefined) return this.#reason;
    const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
    const details = { how, stderr: this.#stderr.trim().slice(-1_000) };
    if (OUT_OF_MEMORY.test(this.#stderr) || this.#cgroup?.wasOutOfMemory() === true) {
      return new NebulaError("NEBULA_MEMORY_LIMIT", "Cannot go on: its memory is full", { details });
    }
    if (this.#isCutShort) return protocolBroken("the connection ended within a frame", details);
    return new NebulaError("NEBULA_GUEST_EXITED", `Cannot go on: the guest process ended with ${how}`, { details });
  }
}

function keepTail(stream: Readable | null, add: (text: string) => void): void {
  stream?.setEncoding("utf8").on("data", add);
}

function protocolBroken(why: string, details: NebulaError["details"] = {}): NebulaError {
  return new NebulaError("NEBULA_PROTOCOL_BROKEN", `Cannot go on with the guest process: ${why}`, { details });
}

function startFailure(why: string, child?: ChildProcess): NebulaError {
  child?.kill("SIGKILL");
  return new NebulaError("NEBULA_START_FAILED", `Cannot start a guest process: ${why}`);
}
