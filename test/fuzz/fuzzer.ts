/**
 * Puts programs by chance through all that a node does with one: inspect, rewrite, compile, invoke.
 */

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { checkWasm } from "../../src/build/check-wasm.ts";
import { inspectWasm } from "../../src/cli/inspect-wasm.ts";
import type { Instance } from "../../src/engine/engine.ts";
import type { ErrorCode } from "../../src/model/errors.ts";
import { NebulaError } from "../../src/model/errors.ts";
import { findWasmForm } from "../../src/wasm/form.ts";
import { importMemory } from "../../src/wasm/import-memory.ts";
import { WasmError } from "../../src/wasm/reader.ts";
import { splitData } from "../../src/wasm/split-data.ts";
import { ask, bytesOf, noCapabilities } from "../support/capabilities.ts";
import { createChance } from "../support/random.ts";
import type { WasiLab } from "../support/wasi-lab.ts";
import { generateProgram } from "./generate.ts";
import { mutate } from "./mutate.ts";

/** What became of a module. */
export type Fate = "refused" | "unfit" | "answered" | ErrorCode;

/** What a program may fail with; anything else is a fault of ours. */
const ALLOWED: ReadonlySet<string> = new Set([
  "NEBULA_START_FAILED",
  "NEBULA_GUEST_TRAPPED",
  "NEBULA_EXIT_CODE",
  "NEBULA_RESPONSE_INVALID",
  "NEBULA_CPU_LIMIT",
  "NEBULA_WALL_LIMIT",
  "NEBULA_MEMORY_LIMIT",
  "NEBULA_GUEST_EXITED",
]);
/** A component may say of a type of WASI that it is another one, and finds out when it meets a value of it. */
const ALLOWED_OF_COMPONENTS: ReadonlySet<string> = new Set([...ALLOWED, "NEBULA_GUEST_THREW"]);
const MIB = 1024 * 1024;
const LIMITS = { memoryBytes: 4 * MIB, wallMs: 400, cpuMs: 150, startMs: 2_000, logBytes: 10_000 } as const;
const ROOT = join(import.meta.dirname, "../..");

/** Something that must not happen, with the module that made it happen. */
export class FuzzFailure extends Error {
  readonly bytes: Uint8Array;
  readonly seed: number;

  constructor(message: string, { bytes, seed, cause }: { bytes: Uint8Array; seed: number; cause?: unknown }) {
    super(`seed ${seed}: ${message}`, { cause });
    this.bytes = bytes;
    this.seed = seed;
  }
}

/** Real programs, small enough to be read ten thousand times. */
export function readSeeds(): Uint8Array[] {
  return globSync("functions/*/*.wasm", { cwd: ROOT })
    .sort()
    .map((name) => Uint8Array.from(readFileSync(join(ROOT, name))))
    .filter((bytes) => bytes.byteLength < 100_000);
}

/** The module of a seed: the same each time. */
export function makeModule(seed: number, real: readonly Uint8Array[]): Uint8Array {
  const chance = createChance(seed);
  if (chance.once(4)) return mutate(chance.pick(real), chance);
  const generated = generateProgram(chance);
  return chance.once(3) ? mutate(generated, chance) : generated;
}

/** @throws {FuzzFailure} when anything but the program is at fault. */
export async function tryModule(seed: number, bytes: Uint8Array, lab: WasiLab): Promise<Fate> {
  const fate = findFate(seed, bytes);
  // One in ten of those that cannot run is sent all the same: the engine has to say so too.
  if (fate === "fit" || seed % 10 === 0) return await invoke(seed, bytes, lab);
  return fate;
}

/** What the command line and the build make of it. */
function findFate(seed: number, bytes: Uint8Array): "fit" | "unfit" | "refused" {
  try {
    const { problems } = checkWasm(bytes, { memoryBytes: LIMITS.memoryBytes });
    inspectWasm(bytes);
    if (findWasmForm(bytes) === "module") checkRewriting(seed, bytes);
    return problems === undefined ? "fit" : "unfit";
  } catch (thrown) {
    if (thrown instanceof WasmError) return "refused";
    throw thrown instanceof FuzzFailure ? thrown : new FuzzFailure("a reader failed", { bytes, seed, cause: thrown });
  }
}

function checkRewriting(seed: number, bytes: Uint8Array): void {
  const { bytes: after } = splitData(importMemory(bytes).bytes);
  const isValid = WebAssembly.validate(Uint8Array.from(bytes));
  if (isValid && !WebAssembly.validate(Uint8Array.from(after))) {
    throw new FuzzFailure("it is valid until it is rewritten", { bytes, seed });
  }
}

async function invoke(seed: number, wasm: Uint8Array, lab: WasiLab): Promise<Fate> {
  const { signal } = new AbortController();
  const kind = findWasmForm(wasm) === "component" ? "component" : "wasi-p1";
  let instance: Instance | undefined;
  try {
    const deployment = lab.deploy({ wasm, kind, limits: LIMITS });
    const prepared = await lab.engine.prepare(deployment, { signal, capabilities: noCapabilities, isProven: true });
    instance = await prepared.start({ signal });
    const { body, settled } = await ask(instance, { path: "/?a=b&input=text" });
    await bytesOf(body);
    await settled;
    return "answered";
  } catch (thrown) {
    const allowed = kind === "component" ? ALLOWED_OF_COMPONENTS : ALLOWED;
    if (thrown instanceof NebulaError && allowed.has(thrown.code)) return thrown.code;
    throw new FuzzFailure("the engine failed", { bytes: wasm, seed, cause: thrown });
  } finally {
    await instance?.[Symbol.asyncDispose]();
  }
}
