/**
 * What a case of the engine contract is, and what it has at hand.
 */

import { onTestFinished } from "vitest";
import type { Engine, EngineSupports, Instance, Prepared } from "../../src/engine/engine.ts";
import type { Runnable } from "../../src/model/deployment.ts";
import type { Capabilities } from "../../src/model/ports.ts";
import { noCapabilities } from "../support/capabilities.ts";
import type { GuestSource } from "../support/guest-source.ts";

export interface ContractSetup {
  readonly engine: Engine;
  /** Makes what this engine runs out of a guest's source. */
  build(source: GuestSource): Promise<Runnable>;
  /** Names of cases that this engine cannot pass, each with the reason. */
  readonly skip?: Readonly<Record<string, string>>;
}

export interface ContractCase {
  /** A sentence: what the engine does when. */
  readonly name: string;
  /** Skips the case on engines that do not support it. */
  readonly needs?: keyof EngineSupports;
  run(lab: ContractLab): Promise<void>;
}

/** Starts guests that are gone when the test is over. */
export interface ContractLab {
  readonly engine: Engine;
  build(source: GuestSource): Promise<Runnable>;
  prepare(source: GuestSource, capabilities?: Capabilities): Promise<Prepared>;
  /** Prepares and starts one instance. */
  start(source: GuestSource, capabilities?: Capabilities): Promise<Instance>;
}

export function createContractLab({ engine, build }: ContractSetup): ContractLab {
  const prepare: ContractLab["prepare"] = async (source, capabilities = noCapabilities) => {
    const deployment = await build(source);
    const prepared = await engine.prepare(deployment, {
      signal: new AbortController().signal,
      capabilities,
      isProven: false,
    });
    onTestFinished(() => prepared[Symbol.asyncDispose]());
    return prepared;
  };
  return {
    engine,
    build,
    prepare,
    start: async (source, capabilities) => {
      const prepared = await prepare(source, capabilities);
      const instance = await prepared.start({ signal: new AbortController().signal });
      onTestFinished(() => instance[Symbol.asyncDispose]());
      return instance;
    },
  };
}
