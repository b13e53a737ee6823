/**
 * Starts and stops one after the other, and what this process, its guests and Docker hold after some of them.
 */

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Instance, Prepared, RestingCounts } from "../../src/engine/engine.ts";
import { ask, bytesOf, until } from "./capabilities.ts";
import type { ContainerLab } from "./container-lab.ts";
import type { PrivateDocker } from "./private-docker.ts";
import { childrenOf } from "./processes.ts";

/** Counts, and bytes after a collection of garbage. */
export interface Held {
  /** How many starts and stops came before. */
  readonly cycles: number;
  readonly processes: number;
  readonly descriptors: number;
  /** Among the descriptors. */
  readonly sockets: number;
  /** Without compiled code, which grows for hundreds of starts as more of it is made fast, and then no more. */
  readonly heapBytes: number;
  /** What child processes have in memory. */
  readonly childrenBytes: number;
}

/** What Docker has, whoever made it. */
export interface DockerHeld {
  readonly containers: number;
  readonly networks: number;
  readonly volumes: number;
  /** Processes that watch over containers. */
  readonly shims: number;
}

/** Which cycles, and what each of them is. */
export interface CycleOptions {
  readonly count: number;
  /** Between two readings. */
  readonly every: number;
  run(cycle: number): Promise<void>;
  onReading?(held: Held): void;
}

/** Some memory is gone only when it has been collected twice. */
const COLLECTIONS = 4;
const SETTLE_MS = 10_000;
/** Machine code, and what is known of it. */
const CODE_SPACES = /^(?:code|trusted)_/;

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/** Runs the cycles; each reading waits until there are no more processes and descriptors than before, or some seconds. */
export async function runCycles({ count, every, run, onReading = () => {} }: CycleOptions): Promise<Held[]> {
  const before = await readHeld(0);
  const readings = [before];
  for (let cycle = 1; cycle <= count; cycle++) {
    await run(cycle);
    if (cycle % every !== 0) continue;
    await settle(before);
    const held = await readHeld(cycle);
    readings.push(held);
    onReading(held);
  }
  return readings;
}

/** Starts an instance, asks it, and gives it back. */
export async function startAndStop(prepared: Prepared, answer: string): Promise<void> {
  await using instance: Instance = await prepared.start({ signal: new AbortController().signal });
  const { body, settled } = await ask(instance);
  const text = (await bytesOf(body)).toString();
  await settled;
  if (text !== answer) throw new Error(`it answered ${JSON.stringify(text)}`);
}

/**
 * Starts a container, and leaves it until it is frozen, stopped or removed, in turn: the next start begins from there.
 * After each third cycle there is none.
 */
export async function startAndRest(prepared: Prepared, { cycle, answer }: { cycle: number; answer: string }) {
  await startAndStop(prepared, answer);
  const becomes = async (what: string, holds: (counts: RestingCounts) => boolean) =>
    await until(`a container is ${what}`, () => holds(prepared.resting ?? NONE), SETTLE_MS);
  if (cycle % REST_STATES === 1) return await becomes("frozen", ({ frozen }) => frozen === 1);
  await becomes("stopped", ({ stopped }) => stopped === 1);
  if (cycle % REST_STATES === 0) await becomes("removed", ({ stopped }) => stopped === 0);
}

const NONE: RestingCounts = { frozen: 0, stopped: 0 };
/** How many cycles it takes until there is none again. */
export const REST_STATES = 3;

/** How long a container of `startAndRest` stays in each state: the next comes soon, and is seen before it passes. */
export const REST_MS = { stopMs: 150, removeMs: 150 };

/** What a server in a container of `startAndRest` has to say, and its image: with a volume, which must go with it. */
export async function buildResting(docker: PrivateDocker): Promise<{ image: string; answer: string }> {
  const answer = "rested";
  // The first process of a container ends by no signal that it does not listen to.
  const server = `process.on("SIGTERM", () => process.exit());
    require("http").createServer((_, response) => response.end("${answer}")).listen(8080)`;
  const command = JSON.stringify(["node", "-e", server]);
  const lines = ["FROM node:26-slim", "EXPOSE 8080", "VOLUME /data", "USER 1000", `CMD ${command}`];
  return { image: await docker.ask(["build", "--quiet", "-"], `${lines.join("\n")}\n`), answer };
}

/** A deployment of that image. */
export async function prepareResting(lab: ContainerLab, image: string): Promise<Prepared> {
  return await lab.prepare(lab.deploy({ artifact: { kind: "image", image }, container: REST_MS }));
}

/** What Docker holds now. */
export async function readDocker(docker: PrivateDocker): Promise<DockerHeld> {
  const count = async (...args: string[]) => (await docker.ask(args)).split("\n").filter((line) => line !== "").length;
  return {
    containers: await count("ps", "--all", "--quiet"),
    networks: await count("network", "ls", "--quiet", "--filter", "type=custom"),
    volumes: await count("volume", "ls", "--quiet"),
    shims: readdirSync("/proc").filter((pid) => isShimOf(pid, docker)).length,
  };
}

/**
 * Bytes that each cycle has left: from the least of the first half of the readings to the least of the second, since
 * what is more is garbage, or code that was made fast for a while.
 */
export function toGrowth(readings: readonly Held[], key: "heapBytes" | "childrenBytes"): number {
  const half = Math.ceil(readings.length / 2);
  const least = (list: readonly Held[]) => Math.min(...list.map((held) => held[key]));
  const cycles = (readings.at(-1)?.cycles ?? 0) - (readings.at(-half)?.cycles ?? 0);
  return (least(readings.slice(half)) - least(readings.slice(0, half))) / cycles;
}

/** Less than what an instance is to the host: more for each start would be one that was kept. */
export const HEAP_BYTES_PER_CYCLE = 2_048;
/** Guests collect their garbage when they like; a memory of a program is 64 KiB at the least. */
export const GUEST_BYTES_PER_CYCLE = 64 * 1_024;

async function settle(before: Held): Promise<void> {
  const endMs = performance.now() + SETTLE_MS;
  const isMore = () => childrenOf().length > before.processes || listDescriptors().length > before.descriptors;
  while (isMore() && performance.now() < endMs) await pause();
}

async function readHeld(cycles: number): Promise<Held> {
  for (let i = 0; i < COLLECTIONS; i++) {
    collect();
    await pause();
  }
  const links = listDescriptors();
  const children = childrenOf();
  return {
    cycles,
    processes: children.length,
    descriptors: links.length,
    sockets: links.filter((link) => link.startsWith("socket:")).length,
    heapBytes: readHeapBytes(),
    childrenBytes: children.reduce((sum, pid) => sum + readRssBytes(pid), 0),
  };
}

/** What each descriptor of this process leads to. */
function listDescriptors(): string[] {
  return readdirSync("/proc/self/fd").flatMap((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`);
    } catch {
      // because it is that of the folder which was read
      return [];
    }
  });
}

function readHeapBytes(): number {
  const data = getHeapSpaceStatistics().filter(({ space_name }) => !CODE_SPACES.test(space_name));
  return data.reduce((sum, { space_used_size }) => sum + space_used_size, 0);
}

function readRssBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;
}

function isShimOf(pid: string, { root }: PrivateDocker): boolean {
  return /^\d+$/.test(pid) && read(`/proc/${pid}/cmdline`).includes(`-address\0${root}`);
}

function read(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    // because processes come and go while one looks
    return "";
  }
}

async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 20));
}
