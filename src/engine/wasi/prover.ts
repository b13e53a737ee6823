/**
 * Runs programs on their proof requests, each in a process of its own: how a build finds out what a step is worth.
 */

import type { WasmArtifact } from "../../model/artifact.ts";
import { NebulaError } from "../../model/errors.ts";
import { DEFAULT_WASI, type FunctionSpec } from "../../model/function.ts";
import type { Clock } from "../../model/ports.ts";
import type { Tenant } from "../guest/invocations.ts";
import type { Nursery } from "../guest/nursery.ts";
import type { Watchdog } from "../guest/watchdog.ts";
import { HostedProgram } from "./hosted-program.ts";
import { Lane } from "./lane.ts";
import { toLoadable } from "./loadable.ts";
import { toProgramError } from "./program-error.ts";
import type { ProveAnswer } from "./protocol.ts";

/** With what processes are made. */
export interface ProverParts {
  readonly nursery: Nursery;
  readonly watchdog: Watchdog;
  readonly clock: Clock;
  readonly memoryBytes: number;
}

/** A program that nobody has deployed. */
export interface Provable {
  readonly kind: WasmArtifact["kind"];
  readonly bytes: Uint8Array;
  readonly spec: FunctionSpec;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** How often each is run, and for how long at the most. */
export interface ProofRounds {
  readonly rounds: number;
  readonly limitMs: number;
}

/** Answers and times. @throws {NebulaError} when it cannot be loaded, fails on a request, or breaks a limit. */
export async function prove(
  { kind, bytes, spec: deployed, files }: Provable,
  { rounds, limitMs }: ProofRounds,
  { nursery, watchdog, clock, memoryBytes }: ProverParts,
): Promise<ProveAnswer> {
  // Whoever builds does not know the secrets.
  const spec = { ...deployed, bindings: deployed.bindings.filter(({ type }) => type !== "secret") };
  const tenant: Tenant = {
    spec,
    capabilities: NOTHING,
    mapStack: async (text) => text,
    toError: async (error, failure) => toProgramError(error, failure, spec),
  };
  const read = async () => toLoadable({ id: "proof", spec, kind, main: bytes, files, memoryBytes });
  const program = new HostedProgram({
    id: "proof",
    tenant,
    read,
    codeKey: undefined,
    onCodeRefused: () => {},
    state: undefined,
  });
  const guest = await nursery.take(memoryBytes);
  await using lane = new Lane({ guest, watchdog, clock, memoryBytes, onBackgroundLog: () => {}, onRoom: () => {} });
  await lane.load(program);
  const requests = (spec.wasi ?? DEFAULT_WASI).proof;
  const { head } = await lane.ask({ op: "prove", program: "proof", requests, rounds, limitMs }, program);
  return fromGuest(head);
}

const NOTHING: Tenant["capabilities"] = {
  binding: () => Promise.reject(new NebulaError("NEBULA_OUTBOUND_DENIED", "Cannot call out during a proof")),
  outbound: () => Promise.reject(new NebulaError("NEBULA_OUTBOUND_DENIED", "Cannot call out during a proof")),
};

/** Our own code answers this, and its word counts for the author's own artifact only. */
function fromGuest(head: unknown): ProveAnswer {
  return head as ProveAnswer;
}
