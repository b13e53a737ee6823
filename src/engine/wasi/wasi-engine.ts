/**
 * The WASI engine: Wasm programs that share guest processes, each request in a fresh instance.
 *
 *     prepare   read the program, try it and make it hot in a process of its own, keep what V8 compiled
 *     start     have it loaded in a lane
 *     fetch     frames; the instance is made inside
 */

import { readBody } from "../../frames/read-body.ts";
import type { Blob, WasmArtifact } from "../../model/artifact.ts";
import type { Runnable } from "../../model/deployment.ts";
import { NebulaError } from "../../model/errors.ts";
import type { BlobReader, Capabilities, Clock, GuestLog, Log } from "../../model/ports.ts";
import type { Engine, Instance, Prepared, PrepareOptions } from "../engine.ts";
import type { Tenant } from "../guest/invocations.ts";
import type { Nursery } from "../guest/nursery.ts";
import { createStackMapper } from "../guest/stack-mapper.ts";
import type { Watchdog } from "../guest/watchdog.ts";
import { toPrepareFailed } from "../prepare-failed.ts";
import { HostedProgram } from "./hosted-program.ts";
import type { KeptCode } from "./kept-code.ts";
import { Lane } from "./lane.ts";
import { Lanes } from "./lanes.ts";
import { toLoadable } from "./loadable.ts";
import { toProgramError } from "./program-error.ts";
import { STATE_BINDING } from "./protocol.ts";
import { StateHolds } from "./state-hold.ts";
import type { StateStore } from "./state-store.ts";
import { tryProgram } from "./trial.ts";

/** What the engine works with. */
export interface WasiEngineParts {
  /** Blank Wasm guest processes. */
  readonly nursery: Nursery;
  readonly watchdog: Watchdog;
  readonly blobs: BlobReader;
  readonly clock: Clock;
  readonly log: Log;
  /** Machine code of before, and the name of that of a program; absent where there is no add-on. */
  readonly code?: { readonly kept: KeptCode; toKey(digest: string): string } | undefined;
  /** Processes kept, and at the most. */
  readonly laneCount: number;
  readonly maxLaneCount: number;
  /** Everything that one of them may hold. */
  readonly laneMemoryBytes: number;
  readonly onBackgroundLog: GuestLog;
  /** Directories that outlive invocations. */
  readonly states: StateStore;
}

/** Makes the engine. It owns the nursery and the watchdog from then on. */
export function createWasiEngine(parts: WasiEngineParts): Engine {
  const { nursery, watchdog, clock, log, laneCount, maxLaneCount } = parts;
  const openLane = async (onRoom: () => void, signal: AbortSignal) => {
    const guest = await nursery.take(parts.laneMemoryBytes, signal);
    return new Lane({
      guest,
      watchdog,
      clock,
      memoryBytes: parts.laneMemoryBytes,
      onBackgroundLog: parts.onBackgroundLog,
      onRoom,
    });
  };
  const holds = new StateHolds();
  let programs = 0;
  const lanes = new Lanes({ open: openLane, count: laneCount, maxCount: maxLaneCount, clock, log });
  const tryOut = async (program: HostedProgram, { signal }: Pick<PrepareOptions, "signal">) => {
    try {
      await using lane = await openLane(() => {}, signal);
      await tryProgram(program, { lane, signal, log, code: parts.code });
    } catch (thrown) {
      throw toPrepareFailed(thrown);
    }
  };
  return {
    runs: ["wasi-p1", "component"],
    supports: { streaming: true, concurrency: true, cpuLimit: true, upgrade: false },
    prepare: async (deployment, { signal, capabilities, isProven }) => {
      programs += 1;
      // A deployment is prepared again when its secrets change, and a process knows a program by its id alone.
      const id = `${deployment.id}.${programs}`;
      const program = toProgram(deployment, { id, parts, capabilities, holds });
      if (isProven) lanes.warm();
      else await tryOut(program, { signal });
      return toPrepared(program, { lanes });
    },
    findUsage: async () => lanes.findUsage(),
    [Symbol.asyncDispose]: async () => {
      await lanes[Symbol.asyncDispose]();
      await nursery[Symbol.asyncDispose]();
      watchdog[Symbol.dispose]();
    },
  };
}

function toPrepared(program: HostedProgram, { lanes }: { lanes: Lanes }): Prepared {
  let instances = 0;
  return {
    start: async ({ signal }) => {
      await lanes.load(program, { signal });
      instances += 1;
      const { promise: ended, resolve } = Promise.withResolvers<undefined>();
      const instance: Instance = {
        ended,
        fetch: async (call, options) => {
          const { queueMs, startMs, ...answer } = await lanes.fetch(program, { call, ...options });
          return { ...answer, phases: { queueMs, startMs } };
        },
        [Symbol.asyncDispose]: async () => {
          instances -= 1;
          if (instances === 0) lanes.unload(program);
          resolve(undefined);
        },
      };
      return instance;
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** What JavaScript in Wasm calls itself in stacks. */
const SCRIPT_NAME = "index.js";

function toProgram(
  deployment: Runnable,
  options: { id: string; parts: WasiEngineParts; capabilities: Capabilities; holds: StateHolds },
): HostedProgram {
  const { spec } = deployment;
  const { id, parts, capabilities, holds } = options;
  const artifact = getArtifact(deployment);
  const { blobs, code } = parts;
  const statePath = spec.wasi?.state;
  const { sourceMap } = artifact;
  const mapStack = createStackMapper(SCRIPT_NAME, async () => sourceMap && (await blobs.read(sourceMap.digest)));
  const tenant: Tenant = {
    spec,
    capabilities: statePath === undefined ? capabilities : withState(capabilities, { name: spec.name, parts }),
    mapStack,
    toError: async ({ wire }, failure) => {
      const stack = wire.stack === undefined ? {} : { stack: await mapStack(wire.stack) };
      return toProgramError({ wire: { ...wire, ...stack } }, failure, spec);
    },
  };
  const codeKey = code?.toKey(artifact.main.digest);
  return new HostedProgram({
    id,
    tenant,
    state: statePath === undefined ? undefined : holds.find(spec.name),
    codeKey,
    onCodeRefused: () => (codeKey === undefined ? undefined : void code?.kept.remove(codeKey)),
    read: async () => {
      const {
        kind,
        main: { digest },
        files: named,
      } = artifact;
      const readOne = async ([path, blob]: [string, Blob]) => [path, await blobs.read(blob.digest)] as const;
      const [main, files, state, kept] = await Promise.all([
        blobs.read(digest),
        Promise.all(Object.entries(named).map(readOne)),
        statePath === undefined ? undefined : parts.states.read(spec.name),
        codeKey === undefined ? undefined : code?.kept.find(codeKey),
      ]);
      const memoryBytes = parts.laneMemoryBytes;
      return toLoadable({ id, spec, kind, main, files: new Map(files), state, code: kept, memoryBytes });
    },
  });
}

/** Saving the state directory is a call to a binding that only our own code in the guest can name. */
function withState(
  capabilities: Capabilities,
  { name, parts }: { name: string; parts: Pick<WasiEngineParts, "states"> },
): Capabilities {
  return {
    ...capabilities,
    binding: async (binding, call, context) => {
      if (binding !== STATE_BINDING) return await capabilities.binding(binding, call, context);
      await parts.states.write(name, await readBody(call.body));
      return { head: { status: 204, headers: [] }, body: null };
    },
  };
}

function getArtifact({ artifact, spec }: Runnable): WasmArtifact {
  if (artifact.kind === "wasi-p1" || artifact.kind === "component") return artifact;
  throw new NebulaError("NEBULA_PREPARE_FAILED", `Cannot prepare "${spec.name}": it has no Wasm artifact`);
}
