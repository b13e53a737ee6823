/**
 * The way to Docker: the only importer of dockerode, loaded with the first question.
 *
 * Every question has a limit in time and fails as one NebulaError in plain words. Nothing is kept between questions
 * but what Docker said of itself, so that a daemon that went and came back is simply asked again.
 */

import { Agent } from "node:http";
import type Dockerode from "dockerode";
import { NebulaError } from "../../model/errors.ts";
import { orAborted } from "../../model/or-aborted.ts";
import type { Clock } from "../../model/ports.ts";
import { formatMs } from "../../model/units.ts";
import { toDetails, toDockerError } from "./docker-error.ts";

/** Docker's API, for the files beside this one. */
export type DockerApi = Dockerode;
/** What a container is made with, in Docker's words. */
export type CreateOptions = Dockerode.ContainerCreateOptions;

/** Where Docker is, and what time it is. */
export interface DockerOptions {
  /** As in `DOCKER_HOST`; the usual socket unless given. */
  readonly host?: string | undefined;
  readonly clock: Clock;
}

/** How long one question may take, and what takes it back. */
export interface AskOptions {
  readonly signal?: AbortSignal | undefined;
  /** ASK_MS unless given. */
  readonly limitMs?: number;
}

/** The machine that runs the containers. */
export interface DockerMachine {
  readonly version: string;
  /** As in images: `linux`, `amd64`. */
  readonly os: string;
  readonly arch: string;
  readonly cpus: number;
}

/** The usual place of its socket. */
const DOCKER_SOCKET = "/var/run/docker.sock";
/** What every Docker in use has, and what we ask for. */
const MIN_API = [1, 41] as const;
/** A daemon that is well answers in milliseconds; one that has to wait for its disk, in seconds. */
const ASK_MS = 30_000;

/** For those who only want to know whether it is there. */
const DESCRIBE_MS = 5_000;

/** One Docker daemon, there or not. */
export class Docker implements AsyncDisposable {
  readonly #options: DockerOptions;
  readonly #agent = new Agent({ keepAlive: false });
  readonly #closing = new AbortController();
  #api: Promise<DockerApi> | undefined;
  #machine: DockerMachine | undefined;

  constructor(options: DockerOptions) {
    this.#options = options;
  }

  /** The path of its socket; undefined where Docker is on another machine. */
  get socketPath(): string | undefined {
    return toSocketPath(this.#options.host);
  }

  /**
   * Asks it something. `verb` completes "Docker cannot …"; `run` must hand on the signal and fresh options, because
   * dockerode changes those that it is given.
   * @throws {NebulaError} NEBULA_START_FAILED, its `details.docker` telling apart what the code cannot.
   */
  async ask<T>(
    verb: string,
    run: (api: DockerApi, signal: AbortSignal) => Promise<T>,
    { signal, limitMs = ASK_MS }: AskOptions = {},
  ): Promise<T> {
    const late = new AbortController();
    const stop = AbortSignal.any([late.signal, this.#closing.signal, ...(signal === undefined ? [] : [signal])]);
    using _timer = this.#options.clock.after(limitMs, () => late.abort(tooLate(verb, limitMs)));
    try {
      stop.throwIfAborted();
      const api = await this.#open();
      // dockerode does not hand its signal on everywhere.
      return await orAborted(run(api, stop), stop, () => stop.reason);
    } catch (thrown) {
      if (stop.aborted) throw toStopped(stop.reason, verb);
      throw toDockerError(thrown, { verb, socketPath: this.socketPath });
    }
  }

  /** What the daemon says of its machine; asked once as long as it answers. */
  async getMachine(options: AskOptions = {}): Promise<DockerMachine> {
    this.#machine ??= await this.ask("tell its version", readMachine, options);
    return this.#machine;
  }

  /** Forgets what it said of itself: another one may answer next. */
  forget(): void {
    this.#machine = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new NebulaError("NEBULA_DRAINING", "Cannot ask Docker: the node is stopping"));
    this.#agent.destroy();
  }

  #open(): Promise<DockerApi> {
    this.#api ??= openApi(this.socketPath, this.#agent);
    return this.#api;
  }
}

/** Whether there is one, and which; or why not. Never rejects. */
export async function describeDocker(options: DockerOptions): Promise<{ isThere: boolean; detail: string }> {
  await using docker = new Docker(options);
  try {
    const { version, os, arch } = await docker.getMachine({ limitMs: DESCRIBE_MS });
    return { isThere: true, detail: `${version} on ${os}/${arch}` };
  } catch (thrown) {
    const { message, hint } = toDockerError(thrown, { verb: "tell its version", socketPath: docker.socketPath });
    const what = hint === undefined ? message : `${message}; ${hint}`;
    return { isThere: false, detail: `${what}: there are no containers` };
  }
}

async function openApi(socketPath: string | undefined, agent: Agent): Promise<DockerApi> {
  const { default: Api } = await import("dockerode");
  // Anything but a socket is read from the environment by dockerode itself, certificates too.
  if (socketPath === undefined) return new Api();
  // Its types do not know the agent.
  const options = { socketPath, agent };
  return new Api(options);
}

function toSocketPath(host = ""): string | undefined {
  if (host === "") return DOCKER_SOCKET;
  return host.startsWith("unix://") ? host.slice("unix://".length) || DOCKER_SOCKET : undefined;
}

async function readMachine(api: DockerApi): Promise<DockerMachine> {
  const [{ ServerVersion, NCPU, OSType }, { ApiVersion, Arch }] = await Promise.all([api.info(), api.version()]);
  const [major = 0, minor = 0] = String(ApiVersion).split(".").map(Number);
  if (major < MIN_API[0] || (major === MIN_API[0] && minor < MIN_API[1])) {
    throw new NebulaError(
      "NEBULA_START_FAILED",
      `Cannot use Docker ${ServerVersion}: its API is ${ApiVersion}, and ${MIN_API.join(".")} is needed`,
      { hint: "install Docker 20.10 or newer", details: { docker: "old" } },
    );
  }
  return { version: String(ServerVersion), os: String(OSType), arch: String(Arch), cpus: Number(NCPU) };
}

function tooLate(verb: string, limitMs: number): NebulaError {
  return new NebulaError("NEBULA_START_FAILED", `Docker cannot ${verb}: it took more than ${formatMs(limitMs)}`, {
    details: toDetails("timeout"),
  });
}

function toStopped(reason: unknown, verb: string): NebulaError {
  if (reason instanceof NebulaError) return reason;
  return new NebulaError("NEBULA_START_FAILED", `Docker cannot ${verb}: it was cancelled`, { cause: reason });
}
