/**
 * The engines of a node, each with what it needs of this machine. Part of the composition root.
 */

import { randomBytes } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildGuestBootstrap } from "./build/guest-bootstrap.ts";
import type { Prove } from "./build/prove.ts";
import { createContainerEngine } from "./engine/container/container-engine.ts";
import { describeDocker } from "./engine/container/docker.ts";
import { createImageBuilder } from "./engine/container/image-builder.ts";
import { openNodeId } from "./engine/container/node-id.ts";
import type { Engine } from "./engine/engine.ts";
import { openCgroups } from "./engine/guest/cgroups.ts";
import { findDeno } from "./engine/guest/find-deno.ts";
import { Nursery } from "./engine/guest/nursery.ts";
import { createDenoRuntime, NODE_FLAGS } from "./engine/guest/runtime.ts";
import { createSandbox, inspectMachine, type Sandbox } from "./engine/guest/sandbox.ts";
import { Watchdog } from "./engine/guest/watchdog.ts";
import { createIsolateEngine } from "./engine/isolate/isolate-engine.ts";
import { createNurseries } from "./engine/isolate/nurseries.ts";
import { type AddonFile, openAddon } from "./engine/wasi/addon/open-addon.ts";
import { openKeptCode, readCpuFeatures, toCodeKey } from "./engine/wasi/kept-code.ts";
import { prove } from "./engine/wasi/prover.ts";
import { openStateStore } from "./engine/wasi/state-store.ts";
import { createWasiEngine } from "./engine/wasi/wasi-engine.ts";
import { toNebulaError } from "./model/errors.ts";
import { DEFAULT_LIMITS } from "./model/function.ts";
import type { ImageBuilder } from "./model/image-builder.ts";
import type { BlobReader, Clock, GuestLog, Log } from "./model/ports.ts";
import { GIB, MIB } from "./model/units.ts";

/** What engines are made with. */
export interface EngineSettings {
  readonly sandbox: Sandbox;
  /** Absolute; what engines keep is in folders of its own below it. */
  readonly stateDir: string;
  /** Where the add-on is kept that is compiled at the first start. */
  readonly addonDir: string;
  readonly blobs: BlobReader;
  readonly clock: Clock;
  readonly log: Log;
}

/** Where cgroup v2 is mounted. */
export const CGROUP_ROOT = "/sys/fs/cgroup";
/** Blank guest processes for JavaScript kept ready. */
const SPARE_GUESTS = 2;
/** Everything that one Wasm guest process may hold, the memories of all requests in it: a quarter of a small machine. */
const LANE_MEMORY_BYTES = Math.min(GIB, Math.floor(totalmem() / 4));
/** V8 has instances of modules among the old from the start: collected as soon as usual, they cost more than all else. */
export const LANE_HEAP_BYTES = 128 * MIB;
/** Wasm guest processes at the most, for each core, when all are held up. */
const LANES_PER_CORE = 4;
/** User ids of JavaScript guests on Deno begin here, above those on Node. */
const DENO_FIRST_INDEX = 1_024;
/** User ids of Wasm guests begin here, above those of the isolates. */
const WASM_FIRST_INDEX = 2_048;
/** And those of a build in the same program here. */
const PROOF_FIRST_INDEX = 3_072;
/** How often a program is run to see what a step of its build is worth. */
const PROOF_ROUNDS = { rounds: 200, limitMs: 400 };
const KEPT_CODE_BYTES = 512 * MIB;
const SOURCE_DIR = dirname(fileURLToPath(import.meta.url));

/** The engine for JavaScript functions, its first blank processes ready. @throws {NebulaError} NEBULA_START_FAILED. */
export async function openIsolateEngine(settings: EngineSettings): Promise<Engine> {
  const { sandbox, blobs, clock, log } = settings;
  const cwd = await openEmptyDir(settings);
  const node = new Nursery({
    sandbox,
    bootstrap: await readPacked("engine/guest/bootstrap.guest"),
    cwd,
    spare: SPARE_GUESTS,
    defaultMemoryBytes: DEFAULT_LIMITS.memoryBytes,
    clock,
    log,
  });
  const openDeno = async () =>
    new Nursery({
      sandbox,
      runtime: createDenoRuntime(findDeno().binary),
      bootstrap: () => readPacked("engine/guest/bootstrap-deno.guest"),
      cwd,
      spare: SPARE_GUESTS,
      firstIndex: DENO_FIRST_INDEX,
      clock,
      log,
    });
  const watchdog = new Watchdog(clock);
  const onBackgroundLog = (name: string) => toGuestLog(log, { function: name });
  const nurseries = createNurseries(node, openDeno);
  const engine = createIsolateEngine({ nurseries, watchdog, blobs, clock, onBackgroundLog });
  await node.fill();
  return engine;
}

/** The engine for Wasm programs. Nothing is started, and the add-on not compiled, before the first of them. */
export async function openWasiEngine(settings: EngineSettings): Promise<Engine> {
  const { stateDir, blobs, clock, log } = settings;
  const closing = new AbortController();
  const nursery = await openWasmNursery(settings, { firstIndex: WASM_FIRST_INDEX, signal: closing.signal });
  const cpuFeatures = await readCpuFeatures();
  const { node = "", v8 = "" } = process.versions;
  const origin = { versions: { node, v8 }, arch: process.arch, flags: NODE_FLAGS, cpuFeatures };
  const engine = createWasiEngine({
    nursery,
    watchdog: new Watchdog(clock),
    blobs,
    clock,
    log,
    code: {
      kept: openKeptCode({ dir: join(stateDir, "code"), limitBytes: KEPT_CODE_BYTES, log, clock }),
      toKey: (digest) => toCodeKey(digest, origin),
    },
    laneCount: availableParallelism(),
    maxLaneCount: LANES_PER_CORE * availableParallelism(),
    laneMemoryBytes: LANE_MEMORY_BYTES,
    onBackgroundLog: toGuestLog(log, {}),
    states: openStateStore(join(stateDir, "states")),
  });
  return {
    ...engine,
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await engine[Symbol.asyncDispose]();
    },
  };
}

/** The engine for container images. Docker is not asked, and its client not loaded, before there is one. */
export function openContainerEngine({ stateDir, blobs, clock, log }: Omit<EngineSettings, "sandbox">): Engine {
  return createContainerEngine({
    dockerHost: process.env.DOCKER_HOST,
    nodeId: openNodeId(join(stateDir, "container-node")),
    bootId: randomBytes(3).toString("hex"),
    blobs,
    clock,
    log,
    onBackgroundLog: (name) => toGuestLog(log, { function: name }),
  });
}

/** Makes images with the Docker of this machine, for builds; it is asked when there is a Dockerfile. */
export function openImageBuilder({ clock }: Pick<EngineSettings, "clock">): ImageBuilder & AsyncDisposable {
  return createImageBuilder({ dockerHost: process.env.DOCKER_HOST, clock });
}

/** Runs programs that nobody has deployed, for builds; started when it is first asked. */
export interface Prover extends AsyncDisposable {
  readonly prove: Prove;
}

/** A prover of this machine. `stateDir` is for what it needs meanwhile. */
export function openProver(settings: Omit<EngineSettings, "blobs" | "sandbox">): Prover {
  const { clock } = settings;
  const watchdog = new Watchdog(clock);
  const closing = new AbortController();
  let opened: Promise<Nursery> | undefined;
  const open = async () => {
    const sandbox = createSandbox(inspectMachine());
    return await openWasmNursery({ ...settings, sandbox }, { firstIndex: PROOF_FIRST_INDEX, signal: closing.signal });
  };
  return {
    prove: async (subject, { signal }) => {
      opened ??= open();
      const nursery = await opened;
      signal.throwIfAborted();
      const parts = { nursery, watchdog, clock, memoryBytes: LANE_MEMORY_BYTES };
      const { answers, medianMs } = await prove(subject, PROOF_ROUNDS, parts);
      return { answers: answers.join("\n"), medianMs };
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await (await opened)?.[Symbol.asyncDispose]();
      watchdog[Symbol.dispose]();
    },
  };
}

/** One thing that a node can use, and whether this machine has it. */
export interface MachineCheck {
  readonly what: string;
  readonly isThere: boolean;
  /** Its version, or why it is missing and what follows. */
  readonly detail?: string;
}

/** Looks at what engines can use of this machine. Compiles the add-on where that has not been done. */
export async function checkMachine(
  settings: AddonSettings & { readonly signal: AbortSignal },
): Promise<MachineCheck[]> {
  const machine = inspectMachine();
  const cgroups = openCgroups({ root: CGROUP_ROOT, hostPid: machine.hostPid });
  const layers = createSandbox(machine, cgroups).layers.map(({ name, isActive, reason }) => ({
    what: `sandbox layer ${name}`,
    isThere: isActive,
    ...(reason !== undefined && { detail: reason }),
  }));
  if (typeof cgroups !== "string") cgroups[Symbol.dispose]();
  const addon = await findAddon(settings, settings.signal);
  const kept = "path" in addon;
  const detail = kept ? "machine code is kept on disk" : `${addon.reason}: Wasm is compiled anew at each start`;
  return [
    { what: "Node", isThere: true, detail: `${process.versions.node}, V8 ${process.versions.v8}` },
    ...layers,
    { what: "add-on for Wasm", isThere: kept, detail },
    { what: "Deno", ...describeDeno() },
    { what: "Docker", ...(await describeDocker({ host: process.env.DOCKER_HOST, clock: settings.clock })) },
  ];
}

function describeDeno(): Omit<MachineCheck, "what"> {
  try {
    return { isThere: true, detail: findDeno().version };
  } catch (thrown) {
    const { message, hint } = toNebulaError(thrown);
    return { isThere: false, detail: `${message}: ${hint}` };
  }
}

/** What the add-on is found or compiled with. */
export type AddonSettings = Pick<EngineSettings, "addonDir" | "log" | "clock">;

async function findAddon({ addonDir, log, clock }: AddonSettings, signal: AbortSignal): Promise<AddonFile> {
  const sourceFile = join(SOURCE_DIR, "engine/wasi/addon/addon.cc");
  return await openAddon({ cacheDir: addonDir, sourceFile, log, clock, signal });
}

/** Blank Wasm guest processes; none is started, and the add-on not compiled, before one is asked for. */
async function openWasmNursery(
  settings: Omit<EngineSettings, "blobs">,
  { firstIndex, signal }: { firstIndex: number; signal: AbortSignal },
): Promise<Nursery> {
  const { sandbox, stateDir, clock, log } = settings;
  return new Nursery({
    sandbox,
    bootstrap: () => readPacked("engine/wasi/bootstrap.guest"),
    cwd: await openEmptyDir({ stateDir }),
    spare: 0,
    defaultMemoryBytes: LANE_MEMORY_BYTES,
    initialHeapBytes: LANE_HEAP_BYTES,
    firstIndex,
    addon: async () => {
      const found = await findAddon(settings, signal);
      return "path" in found ? found.path : undefined;
    },
    clock,
    log,
  });
}

function toGuestLog(log: Log, fields: Readonly<Record<string, string>>): GuestLog {
  return (level, text) => log.write(level === "log" ? "info" : level, "guest", { ...fields, text });
}

/** Where guest processes stand: a folder without anything in it. */
async function openEmptyDir({ stateDir }: Pick<EngineSettings, "stateDir">): Promise<string> {
  const dir = join(stateDir, "empty");
  await mkdir(dir, { recursive: true, mode: 0o555 });
  return dir;
}

/** The code of a child process as one text: beside the packed JavaScript, or made from the sources. */
export async function readPacked(name: string): Promise<string> {
  const packed = join(SOURCE_DIR, `${name}.bundle.js`);
  try {
    return await readFile(packed, "utf8");
  } catch {
    // because only a packed installation has it
    return await buildGuestBootstrap(join(SOURCE_DIR, `${name}.ts`));
  }
}
