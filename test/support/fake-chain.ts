/**
 * A function in several engines that are closures of the test.
 */

import { type Ask, type Chain, openChain } from "../../src/engine/chain/chain.ts";
import type { Engine, Prepared } from "../../src/engine/engine.ts";
import type { Artifact, ArtifactKind } from "../../src/model/artifact.ts";
import type { Deployment, Form } from "../../src/model/deployment.ts";
import type { Body, Call } from "../../src/model/exchange.ts";
import type { ChainSettings, EngineName, FunctionSpec, Scaling } from "../../src/model/function.ts";
import { DEFAULT_CHAIN } from "../../src/model/function.ts";
import { type Clock, type Log, silentLog, systemClock } from "../../src/model/ports.ts";
import { createTrace } from "../../src/model/trace.ts";
import { noCapabilities } from "./capabilities.ts";
import { toSpec } from "./guest-source.ts";

const DIGEST = `sha256:${"0".repeat(64)}` as const;
const BLOB = { digest: DIGEST, bytes: 1 };

/** What each engine runs, with nothing in it. */
export const ARTIFACTS: Readonly<Record<EngineName, Artifact>> = {
  isolate: { kind: "js", main: { ...BLOB, name: "index.js", kind: "js" }, modules: [], style: "module" },
  wasi: { kind: "wasi-p1", main: BLOB, files: {}, savings: [] },
  container: { kind: "image", image: DIGEST },
};

const KINDS: readonly ArtifactKind[] = ["js", "wasi-p1", "component", "image"];

/** An engine that prepares what the test gives it: each time it is asked, where that is a function. */
export function createFakeEngine(
  prepared: Prepared | (() => Promise<Prepared>),
  { mayUpgrade = false, isConcurrent = true } = {},
): Engine {
  return {
    runs: KINDS,
    supports: { streaming: true, concurrency: isConcurrent, cpuLimit: true, upgrade: mayUpgrade },
    prepare: async () => (typeof prepared === "function" ? await prepared() : prepared),
    [Symbol.asyncDispose]: async () => {},
  };
}

export interface TestChainOptions {
  /** In the order wanted. */
  readonly engines: Readonly<Partial<Record<EngineName, Engine>>>;
  readonly spec?: FunctionSpec;
  /** In place of the engines' own. */
  readonly forms?: readonly Form[];
  readonly settings?: Partial<ChainSettings>;
  readonly scaling?: Partial<Scaling>;
  readonly clock?: Clock;
  readonly log?: Log;
  readonly isProven?: boolean;
  random?(): number;
}

/** A chain and the deployment that it is of. */
export type TestChain = Chain & { readonly deployment: Deployment };

export async function openTestChain(options: TestChainOptions): Promise<TestChain> {
  const { engines, settings, scaling, clock = systemClock, log = silentLog, isProven = false } = options;
  const plain = options.spec ?? toSpec({ files: {} });
  const names = Object.keys(engines).filter((name): name is EngineName => name in ARTIFACTS);
  const forms = options.forms ?? names.map((engine) => ({ engine, artifact: ARTIFACTS[engine] }));
  const spec: FunctionSpec = {
    ...plain,
    engines: forms.map(({ engine }) => engine),
    chain: { ...DEFAULT_CHAIN, weaker: ["isolate"], ...settings },
    scaling: { ...plain.scaling, ...scaling },
  };
  const deployment: Deployment = { id: "d_1", digest: DIGEST, createdAtMs: 0, state: "active", spec, forms };
  const { signal } = new AbortController();
  const { random = () => 0.5 } = options;
  const parts = { deployment, engines, capabilities: noCapabilities, clock, log, random };
  return Object.assign(await openChain(parts, { signal, isProven }), { deployment });
}

export interface AskChange {
  readonly method?: string;
  readonly path?: string;
  readonly body?: Body;
  readonly upgrade?: string;
  readonly signal?: AbortSignal;
}

/** One request to a chain; its trace tells afterwards what has become of it. */
export function toAsk(change: AskChange = {}): Ask {
  const { method = "GET", path = "/", body = null, upgrade, signal = new AbortController().signal } = change;
  const call: Call = { head: { method, url: `http://guest.localhost${path}`, headers: [] }, body, signal, upgrade };
  return { call, requestId: "r", onLog: () => {}, trace: createTrace("r", method) };
}
