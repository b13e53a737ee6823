/**
 * The engines of a node, each with what it needs of this machine. Part of the composition root.
 */

import { mkdir, readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildGuestBootstrap } from "./build/guest-bootstrap.ts";
import type { Engine } from "./engine/engine.ts";
import { Nursery } from "./engine/guest/nursery.ts";
import type { Sandbox } from "./engine/guest/sandbox.ts";
import { Watchdog } from "./engine/guest/watchdog.ts";
import { createIsolateEngine } from "./engine/isolate/isolate-engine.ts";
import { openAddon } from "./engine/wasi/addon/open-addon.ts";
import { openKeptCode, readCpuFeatures, toCodeKey } from "./engine/wasi/kept-code.ts";
import { openStateStore } from "./engine/wasi/state-store.ts";
import { createWasiEngine } from "./engine/wasi/wasi-engine.ts";
import { DEFAULT_LIMITS } from "./model/function.ts";
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

/** Blank guest processes for JavaScript kept ready. */
const SPARE_GUESTS = 2;
/** Everything that one Wasm guest process may hold: the memories of all requests in it. */
const LANE_MEMORY_BYTES = GIB;
/** Wasm guest processes at the most, for each core, when all are held up. */
const LANES_PER_CORE = 4;
/** User ids of Wasm guests begin here, above those of the isolates. */
const WASM_FIRST_INDEX = 2_048;
const KEPT_CODE_BYTES = 512 * MIB;
const SOURCE_DIR = dirname(fileURLToPath(import.meta.url));

/** The engine for JavaScript functions, its first blank processes ready. @throws {NebulaError} NEBULA_START_FAILED. */
export async function openIsolateEngine(settings: EngineSettings): Promise<Engine> {
  const { sandbox, blobs, clock, log } = settings;
  const nursery = new Nursery({
    sandbox,
    bootstrap: await readBootstrap("engine/guest/bootstrap.guest"),
    cwd: await openEmptyDir(settings),
    spare: SPARE_GUESTS,
    defaultMemoryBytes: DEFAULT_LIMITS.memoryBytes,
    clock,
    log,
  });
  const watchdog = new Watchdog(clock);
  const onBackgroundLog = (name: string) => toGuestLog(log, { function: name });
  const engine = createIsolateEngine({ nursery, watchdog, blobs, clock, onBackgroundLog });
  await nursery.fill();
  return engine;
}

/** The engine for Wasm programs. Nothing is started, and the add-on not compiled, before the first of them. */
export async function openWasiEngine(settings: EngineSettings): Promise<Engine> {
  const { sandbox, stateDir, addonDir, blobs, clock, log } = settings;
  const closing = new AbortController();
  const findAddon = async () => {
    const sourceFile = join(SOURCE_DIR, "engine/wasi/addon/addon.cc");
    const found = await openAddon({ cacheDir: addonDir, sourceFile, log, clock, signal: closing.signal });
    return "path" in found ? found.path : undefined;
  };
  const nursery = new Nursery({
    sandbox,
    bootstrap: await readBootstrap("engine/wasi/bootstrap.guest"),
    cwd: await openEmptyDir(settings),
    spare: 0,
    defaultMemoryBytes: LANE_MEMORY_BYTES,
    firstIndex: WASM_FIRST_INDEX,
    addon: findAddon,
    clock,
    log,
  });
  const cpuFeatures = await readCpuFeatures();
  const { node = "", v8 = "" } = process.versions;
  const flags = sandbox
    .command({ index: WASM_FIRST_INDEX, memoryBytes: LANE_MEMORY_BYTES })
    .args.filter((arg) => arg.startsWith("--"));
  const origin = { versions: { node, v8 }, arch: process.arch, flags, cpuFeatures };
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

function toGuestLog(log: Log, fields: Readonly<Record<string, string>>): GuestLog {
  return (level, text) => log.write(level === "log" ? "info" : level, "guest", { ...fields, text });
}

/** Where guest processes stand: a folder without anything in it. */
async function openEmptyDir({ stateDir }: EngineSettings): Promise<string> {
  const dir = join(stateDir, "empty");
  await mkdir(dir, { recursive: true, mode: 0o555 });
  return dir;
}

/** The bundled guest code: beside the packed JavaScript, or made from the sources. */
async function readBootstrap(name: string): Promise<string> {
  const packed = join(SOURCE_DIR, `${name}.bundle.js`);
  try {
    return await readFile(packed, "utf8");
  } catch {
    // because only a packed installation has it
    return await buildGuestBootstrap(join(SOURCE_DIR, `${name}.ts`));
  }
}
