/**
 * Wasm functions on a node: deployed through the control API as the command line does, or written into the state
 * directory of a node that does not run yet, where there are too many to deploy each.
 */

import { cpSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { openArtifacts } from "../src/artifacts/artifacts.ts";
import { digestOfJson } from "../src/artifacts/digest.ts";
import { toBlob } from "../src/build/blob-source.ts";
import type { DeployAnswer } from "../src/model/control.ts";
import type { DeploymentInput } from "../src/model/deployment.ts";
import { DEFAULT_LIMITS, DEFAULT_SCALING, DEFAULT_WASI } from "../src/model/function.ts";
import { systemClock } from "../src/model/ports.ts";
import { openRegistry } from "../src/registry/registry.ts";
import type { NebulaServer } from "./nebula.ts";
import { ADDON_DIR } from "./wasm-guest.ts";
import type { WasmProgram } from "./wasm-programs.ts";

/** Longer than any run, so that what is loaded stays loaded. */
const IDLE_MS = 3_600_000;

/** What a node is told of the program; it serves under `/fn/<name>/`. */
export function toDeployment(
  { bytes, kind, proof }: WasmProgram,
  { name, idleMs = IDLE_MS }: { name: string; idleMs?: number },
): DeploymentInput {
  return {
    spec: {
      name,
      engines: ["wasi"],
      compatibility: { date: "2026-11-01", flags: [] },
      routes: [],
      bindings: [],
      wasi: { ...DEFAULT_WASI, proof },
      limits: DEFAULT_LIMITS,
      scaling: { ...DEFAULT_SCALING, idleMs },
      outbound: [],
    },
    forms: [{ engine: "wasi", artifact: { kind, main: toBlob(bytes), files: {}, savings: [] } }],
  };
}

/** Deploys it; the node has then tried it and kept its machine code. */
export async function deployWasm({ client }: NebulaServer, program: WasmProgram, name: string): Promise<DeployAnswer> {
  const { digest } = toBlob(program.bytes);
  const missing = await client.missing([digest]);
  if (missing.includes(digest)) await client.put(digest, { from: "memory", content: program.bytes });
  return await client.deploy(toDeployment(program, { name }));
}

/** Writes programs into a state directory as if they had been deployed there, each under its name. */
export async function seed(
  stateDir: string,
  { programs, idleMs }: { programs: Iterable<WasmProgram>; idleMs: number },
): Promise<void> {
  lendAddon(stateDir);
  const artifacts = await openArtifacts(join(stateDir, "artifacts"));
  let count = 0;
  await using registry = await openRegistry(join(stateDir, "registry.db"), {
    clock: systemClock,
    randomId: () => `bench${count++}`,
  });
  for (const program of programs) {
    const input = toDeployment(program, { name: program.name, idleMs });
    await artifacts.put(toBlob(program.bytes).digest, program.bytes, { limitBytes: program.bytes.byteLength });
    await registry.activate((await registry.insert(input, digestOfJson(input))).id);
  }
}

/** The add-on of this checkout, so that no start of a node is the one that compiles it. */
export function lendAddon(stateDir: string): void {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  if (existsSync(ADDON_DIR)) cpSync(ADDON_DIR, join(stateDir, "addon"), { recursive: true });
}
