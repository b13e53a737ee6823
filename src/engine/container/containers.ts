/**
 * Containers and networks as Docker knows them: one function for each question. What is gone already counts as removed.
 */

import { addAbortSignal, type Duplex, Readable } from "node:stream";
import type { AskOptions, CreateOptions, Docker, DockerApi } from "./docker.ts";
import { findTrouble } from "./docker-error.ts";

/** How a container is now. */
export interface ContainerState {
  readonly isRunning: boolean;
  /** By Docker; a container that we froze ourselves counts as running. */
  readonly isPaused: boolean;
  /** Its first process on this machine; 0 when it has none. */
  readonly pid: number;
  readonly exit: ContainerExit;
  /** Its address in the one network that it is in. */
  readonly address: string | undefined;
}

/** How a container ended. */
export interface ContainerExit {
  /** 128 and the signal's number where a signal ended it. */
  readonly code: number;
  readonly wasOutOfMemory: boolean;
  /** What Docker itself says, where it could not start it. */
  readonly message: string;
}

/** One of a list. */
export interface ListedContainer {
  readonly id: string;
  /** Without the slash that Docker puts before it. */
  readonly name: string;
}

/** Some starts wait for a disk; the daemon gives up on its own long before. */
const START_MS = 60_000;
/** How long Docker's `stop` waits between SIGTERM and SIGKILL. */
const STOP_SECONDS = 5;

/** Makes a container and gives its id. */
export async function createContainer(docker: Docker, options: CreateOptions, ask: AskOptions = {}): Promise<string> {
  const container = await docker.ask(
    "create a container",
    (api, abortSignal) => api.createContainer({ ...structuredClone(options), abortSignal }),
    ask,
  );
  return container.id;
}

/** Starts its first process. */
export async function startContainer(docker: Docker, id: string, { signal }: AskOptions = {}): Promise<void> {
  await docker.ask("start the container", (api, abortSignal) => api.getContainer(id).start({ abortSignal }), {
    signal,
    limitMs: START_MS,
  });
}

/** What it prints from now on, and the way to its standard input where it has one. */
export async function attachContainer(
  docker: Docker,
  id: string,
  { hasInput, signal }: { hasInput: boolean; signal?: AbortSignal },
): Promise<Duplex> {
  const options = { stream: true, stdin: hasInput, stdout: true, stderr: true, hijack: true };
  const stream = await docker.ask(
    "attach to the container",
    // The signal must not outlive the question here: it would end the stream.
    (api) => api.getContainer(id).attach({ ...options }),
    { signal },
  );
  return fromAttached(stream);
}

/** Waits for its end, however long that takes. Its `signal` is what ends the wait. */
export async function waitForExit(docker: Docker, id: string, { signal }: { signal: AbortSignal }): Promise<number> {
  const answer: unknown = await docker.ask(
    "wait for the container",
    async (api, abortSignal) => {
      const chunks: Buffer[] = [];
      for await (const chunk of await askForExit(api, id, abortSignal)) chunks.push(chunk);
      return JSON.parse(Buffer.concat(chunks).toString());
    },
    { signal, limitMs: FOR_EVER_MS },
  );
  return Number(Object(answer).StatusCode);
}

/**
 * The head of the answer comes at once and its body with the container's end. Were dockerode left to wait for that, it
 * would never say that the connection broke in between: so we read it ourselves.
 */
async function askForExit(api: DockerApi, id: string, signal: AbortSignal): Promise<Readable> {
  const { promise, resolve, reject } = Promise.withResolvers<Readable>();
  const options = {
    path: `/containers/${id}/wait?`,
    options: { condition: "not-running" },
    method: "POST",
    isStream: true,
    abortSignal: signal,
    statusCodes: { 200: true, 404: "no such container", 500: "server error" },
  };
  api.modem.dial(options, (error, body) => (body instanceof Readable ? resolve(body) : reject(error)));
  return addAbortSignal(signal, await promise);
}

/** What a timer can hold. */
const FOR_EVER_MS = 2 ** 31 - 1;

/** How it is now. */
export async function inspectContainer(docker: Docker, id: string, ask: AskOptions = {}): Promise<ContainerState> {
  const found = await docker.ask(
    "look at the container",
    (api, abortSignal) => api.getContainer(id).inspect({ abortSignal }),
    ask,
  );
  const { State: state, NetworkSettings: settings } = found;
  const addresses = Object.values(settings.Networks ?? {}).map((network) => network.IPAddress);
  return {
    isRunning: state.Running,
    isPaused: state.Paused,
    pid: state.Pid,
    exit: { code: state.ExitCode, wasOutOfMemory: state.OOMKilled, message: String(state.Error ?? "") },
    address: addresses.find((address) => address !== ""),
  };
}

/** SIGTERM, and some seconds later SIGKILL. Quiet when it has stopped. */
export async function stopContainer(docker: Docker, id: string): Promise<void> {
  await quietly(["conflict"], () =>
    docker.ask("stop the container", (api, abortSignal) => api.getContainer(id).stop({ t: STOP_SECONDS, abortSignal })),
  );
}

/** Kills it and removes it with its volumes. Quiet when it is gone, or being removed. */
export async function removeContainer(docker: Docker, id: string): Promise<void> {
  await quietly(["missing", "conflict"], () =>
    docker.ask("remove the container", (api, abortSignal) =>
      api.getContainer(id).remove({ force: true, v: true, abortSignal }),
    ),
  );
}

/** Freezes it by way of Docker. */
export async function pauseContainer(docker: Docker, id: string): Promise<void> {
  await docker.ask("pause the container", (api, abortSignal) => api.getContainer(id).pause({ abortSignal }));
}

/** And lets it go on. Quiet when it is not paused. */
export async function unpauseContainer(docker: Docker, id: string): Promise<void> {
  await quietly(["conflict", "refused"], () =>
    docker.ask("unpause the container", (api, abortSignal) => api.getContainer(id).unpause({ abortSignal })),
  );
}

/** All that carry a label, running or not. */
export async function listContainers(docker: Docker, label: string, ask: AskOptions = {}): Promise<ListedContainer[]> {
  const found = await docker.ask(
    "list containers",
    (api, abortSignal) => api.listContainers({ all: true, filters: { label: [label] }, abortSignal }),
    ask,
  );
  return found.map(({ Id, Names }) => ({ id: Id, name: (Names[0] ?? "").replace(/^\//, "") }));
}

/** A file of a container, which need not run, as a tar with one member. */
export async function readContainerFile(
  docker: Docker,
  id: string,
  { path, signal }: { path: string; signal: AbortSignal },
): Promise<ReadableStream<Uint8Array>> {
  const stream = await docker.ask("read a file of the container", (api) => api.getContainer(id).getArchive({ path }), {
    signal,
  });
  return Readable.toWeb(Readable.from(stream, { objectMode: false }));
}

/** Makes a network and gives its id. */
export async function createNetwork(
  docker: Docker,
  { name, isInternal, labels }: { name: string; isInternal: boolean; labels: Readonly<Record<string, string>> },
  ask: AskOptions = {},
): Promise<string> {
  const network = await docker.ask(
    "create a network",
    (api, abortSignal) =>
      api.createNetwork({
        Name: name,
        Driver: "bridge",
        Internal: isInternal,
        CheckDuplicate: true,
        Labels: { ...labels },
        // Containers of one node do not see each other.
        Options: { "com.docker.network.bridge.enable_icc": "false" },
        abortSignal,
      }),
    ask,
  );
  return network.id;
}

/** Networks that carry a label. */
export async function listNetworks(docker: Docker, label: string, ask: AskOptions = {}): Promise<ListedContainer[]> {
  const found = await docker.ask(
    "list networks",
    (api, abortSignal) => api.listNetworks({ filters: { label: [label] }, abortSignal }),
    ask,
  );
  return found.map(({ Id, Name }) => ({ id: Id, name: Name }));
}

/** Removes a network that nothing is in any more. Quiet when it is gone. */
export async function removeNetwork(docker: Docker, id: string): Promise<void> {
  await quietly(["missing"], () =>
    docker.ask("remove the network", (api, abortSignal) => api.getNetwork(id).remove({ abortSignal })),
  );
}

async function quietly(troubles: readonly string[], run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (thrown) {
    if (!troubles.includes(findTrouble(thrown) ?? "")) throw thrown;
  }
}

/** dockerode knows it as a stream of the oldest kind; it is the connection itself. */
function fromAttached(stream: NodeJS.ReadWriteStream): Duplex {
  // because nothing but a socket comes back from an upgraded connection
  return stream as Duplex;
}
