/**
 * A deployment that serves: its static files, the chain of its forms, and what it may reach.
 *
 * Made by deploy.ts when a deployment is prepared, asked by invoke.ts at each request, ended when it has drained.
 */

import { type Assets, createAssets } from "./bindings/assets/assets.ts";
import { createBindings, type Resources } from "./bindings/bindings.ts";
import { createOutbound } from "./bindings/outbound.ts";
import { type Chain, openChain } from "./engine/chain/chain.ts";
import type { Engine, PrepareOptions } from "./engine/engine.ts";
import type { Deployment } from "./model/deployment.ts";
import { NebulaError } from "./model/errors.ts";
import type { EngineName } from "./model/function.ts";
import type { BlobReader, Capabilities, Clock, Log } from "./model/ports.ts";
import { type SecretValues, toOpenSpec } from "./model/secrets.ts";

/** A deployment that serves. */
export interface LiveFunction extends AsyncDisposable {
  readonly deployment: Deployment;
  /** What answers first: `assets` for static files alone. */
  readonly engine: EngineName | "assets";
  readonly assets: Assets | undefined;
  /** Absent for static files alone. */
  readonly chain: Chain | undefined;
  /** Fulfils when nothing is in flight any more and everything of it is gone. */
  drain(): Promise<void>;
}

/** What deployments are brought to life with. */
export interface LiveParts {
  /** By name, those that this node has. */
  readonly engines: Readonly<Partial<Record<EngineName, Engine>>>;
  readonly blobs: BlobReader;
  /** What bindings lead to, besides the function's own static files. */
  readonly resources: Resources;
  readonly clock: Clock;
  readonly log: Log;
}

/** How a deployment is brought to life. */
export interface OpenLiveOptions extends Pick<PrepareOptions, "signal" | "isProven"> {
  /** All that the function has. */
  readonly secrets: SecretValues;
}

/**
 * Prepares a deployment, so that it can answer its first request. Its engines see secrets as variables; nobody else does.
 *
 * @throws {NebulaError} what the first of its forms fails with when none can be prepared, NEBULA_PREPARE_FAILED above all;
 * NEBULA_CONFIG_INVALID when it lacks secrets.
 */
export async function openLiveFunction(
  deployment: Deployment,
  parts: LiveParts,
  { secrets, ...options }: OpenLiveOptions,
): Promise<LiveFunction> {
  const { spec, assets: manifest, forms } = deployment;
  const opened = { ...deployment, spec: toOpenSpec(spec, secrets) };
  const { blobs, resources, clock, log, engines } = parts;
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
      chain: undefined,
      drain: async () => {},
      [Symbol.asyncDispose]: async () => {},
    };
  }
  const { limits } = spec;
  const binding = createBindings(spec, { ...resources, ...(assets && { assets: () => assets }) });
  const outbound = createOutbound({ name: spec.name, allow: spec.outbound, headersTimeoutMs: limits.wallMs, clock });
  const capabilities: Capabilities = {
    outbound: outbound.fetch,
    binding,
  };
  const { random } = Math;
  const chain = await openChain({ deployment: opened, engines, capabilities, clock, log, random }, options);
  return {
    deployment,
    get engine() {
      return chain.engine;
    },
    assets,
    chain,
    drain: async () => {
      await chain.drain();
      await outbound[Symbol.asyncDispose]();
    },
    [Symbol.asyncDispose]: async () => {
      await chain[Symbol.asyncDispose]();
      await outbound[Symbol.asyncDispose]();
    },
  };
}
