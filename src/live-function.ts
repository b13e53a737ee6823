/**
 * A deployment that serves: its static files, its pool of instances, and what it may reach.
 *
 * Made by deploy.ts when a deployment is prepared, asked by invoke.ts at each request, ended when it has drained.
 */

import { type Assets, createAssets } from "./bindings/assets/assets.ts";
import { createOutbound } from "./bindings/outbound.ts";
import type { Engine, PrepareOptions } from "./engine/engine.ts";
import { Pool } from "./engine/pool.ts";
import type { Deployment, Runnable } from "./model/deployment.ts";
import { NebulaError } from "./model/errors.ts";
import type { EngineName } from "./model/function.ts";
import type { BlobReader, Capabilities, Clock, Log } from "./model/ports.ts";

/** A deployment that serves. */
export interface LiveFunction extends AsyncDisposable {
  readonly deployment: Deployment;
  /** What answers: `assets` for static files alone. */
  readonly engine: EngineName | "assets";
  readonly assets: Assets | undefined;
  /** Absent for static files alone. */
  readonly pool: Pool | undefined;
  /** A request to it may turn into another protocol. */
  readonly mayUpgrade: boolean;
  /** Fulfils when nothing is in flight any more and everything of it is gone. */
  drain(): Promise<void>;
}

/** What deployments are brought to life with. */
export interface LiveParts {
  /** By name, those that this node has. */
  readonly engines: Readonly<Partial<Record<EngineName, Engine>>>;
  readonly blobs: BlobReader;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Prepares a deployment, so that it can answer its first request.
 * @throws {NebulaError} NEBULA_PREPARE_FAILED when no engine of its list can run it.
 */
export async function openLiveFunction(
  deployment: Deployment,
  parts: LiveParts,
  options: Pick<PrepareOptions, "signal" | "isProven">,
): Promise<LiveFunction> {
  const { spec, assets: manifest, forms } = deployment;
  const { blobs, clock, log } = parts;
  const settings = spec.assets;
  const assets = manifest && settings && createAssets({ manifest, settings, blobs, compatibility: spec.compatibility });
  if (forms.length === 0) {
    if (assets === undefined)
      throw new NebulaError(
        "NEBULA_PREPARE_FAILED",
        `Cannot prepare "${spec.name}": it has neither code nor static files`,
      );
    return {
      deployment,
      engine: "assets",
      assets,
      pool: undefined,
      mayUpgrade: false,
      drain: async () => {},
      [Symbol.asyncDispose]: async () => {},
    };
  }
  const { name, engine, runnable } = findEngine(deployment, parts);
  const { limits } = spec;
  const outbound = createOutbound({ name: spec.name, allow: spec.outbound, headersTimeoutMs: limits.wallMs, clock });
  const capabilities: Capabilities = {
    outbound: outbound.fetch,
    binding: async (binding, call) => {
      const found = spec.bindings.find((each) => each.name === binding);
      if (found?.type === "assets" && assets !== undefined) return await assets.fetch(call);
      throw new NebulaError("NEBULA_OUTBOUND_DENIED", `Cannot call "${binding}": "${spec.name}" has no such binding`);
    },
  };
  const prepared = await engine.prepare(runnable, { ...options, capabilities });
  const pool = new Pool({ prepared, spec, isConcurrent: engine.supports.concurrency, clock, log });
  return {
    deployment,
    engine: name,
    assets,
    pool,
    mayUpgrade: engine.supports.upgrade,
    drain: async () => {
      await pool.drain();
      await outbound[Symbol.asyncDispose]();
    },
    [Symbol.asyncDispose]: async () => {
      await pool[Symbol.asyncDispose]();
      await outbound[Symbol.asyncDispose]();
    },
  };
}

/** The first engine of the function's list that this node has and that runs its form of it. */
function findEngine(
  { forms, ...deployment }: Deployment,
  { engines }: LiveParts,
): { name: EngineName; engine: Engine; runnable: Runnable } {
  const { spec } = deployment;
  for (const form of forms) {
    const engine = engines[form.engine];
    if (engine === undefined || !("artifact" in form) || !engine.runs.includes(form.artifact.kind)) continue;
    return { name: form.engine, engine, runnable: { ...deployment, artifact: form.artifact } };
  }
  throw new NebulaError(
    "NEBULA_PREPARE_FAILED",
    `Cannot prepare "${spec.name}": no engine of its list (${spec.engines.join(", ")}) runs here`,
    {
      hint: 'set engines = ["isolate"] under [nebula]',
    },
  );
}
