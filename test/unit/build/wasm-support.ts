/**
 * Wasm projects for tests: programs written as text, tools that are shell scripts, and a way of running that is made up.
 */

import { chmod } from "node:fs/promises";
import { join } from "node:path";
import type { Built } from "../../../src/build/built.ts";
import { planBuild } from "../../../src/build/plan.ts";
import type { Prove } from "../../../src/build/prove.ts";
import { type BuilderOptions, type BuildOptions, runBuild } from "../../../src/build/run.ts";
import type { FindTool, ToolName } from "../../../src/build/tools.ts";
import type { WasmArtifact } from "../../../src/model/artifact.ts";
import type { Project, WasiSettings } from "../../../src/model/function.ts";
import { findArtifact } from "../../support/built.ts";
import { assembleWat } from "../../support/wat.ts";
import { type Files, tempFolder, toProject } from "./support.ts";

/** A command whose start fills memory, so that there is something to take away. */
export const COMMAND = assembleWat(`(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (global $ready (mut i32) (i32.const 0))
  (func $fill (local $i i32)
    (loop $more
      (i32.store (local.get $i) (local.get $i))
      (local.set $i (i32.add (local.get $i) (i32.const 4)))
      (br_if $more (i32.lt_u (local.get $i) (i32.const 1024))))
    (global.set $ready (i32.const 1)))
  (func $unused (result i32) (i32.add (i32.const 1) (i32.const 2)))
  (func (export "_start") (call $fill) (call $exit (i32.const 0))))`);

/** One with Wizer's hook. */
export const HOOKED = assembleWat(`(module
  (memory (export "memory") 1)
  (global $ready (mut i32) (i32.const 0))
  (func (export "wizer-initialize") (i32.store (i32.const 16) (i32.const 7)) (global.set $ready (i32.const 1)))
  (func (export "_start")))`);

export interface WasmProjectOptions {
  readonly wasi?: Partial<WasiSettings>;
  /** Path inside the program → name in the folder. */
  readonly mounts?: Readonly<Record<string, string>>;
  readonly memoryBytes?: number;
  readonly main?: string;
  readonly build?: Partial<Project["build"]>;
  readonly run?: Partial<BuildOptions & BuilderOptions>;
}

/** A project over a folder. */
export function toWasmProject(dir: string, options: WasmProjectOptions = {}): Project {
  const { wasi, mounts, memoryBytes, main = "main.wasm", build } = options;
  const project = toProject(dir, { main, ...(build && { build }) });
  const { spec } = project;
  return {
    ...project,
    ...(mounts && {
      files: Object.fromEntries(Object.entries(mounts).map(([guest, name]) => [guest, join(dir, name)])),
    }),
    spec: {
      ...spec,
      engines: ["wasi"],
      ...(wasi && { wasi: { interface: "stdio", args: [], proof: [{ method: "GET", path: "/" }], ...wasi } }),
      limits: { ...spec.limits, ...(memoryBytes !== undefined && { memoryBytes }) },
    },
  };
}

/** Writes the files and builds them. */
export async function buildWasm(files: Files, options: WasmProjectOptions = {}) {
  const dir = await tempFolder(files);
  const plan = planBuild(toWasmProject(dir, options));
  const built = await runBuild(plan, { signal: new AbortController().signal, ...options.run });
  const notes = Object.fromEntries(built.steps.map(({ step, note }) => [step, note]));
  return { ...built, dir, notes };
}

/** An artifact that must be there. */
export function wasmOf(built: Pick<Built, "forms">): WasmArtifact {
  const artifact = findArtifact(built);
  if (artifact === undefined || !("savings" in artifact)) throw new Error("the build made no Wasm artifact");
  return artifact;
}

/** No tool is installed. */
export const noTools: FindTool = async () => undefined;

/** Tools that are shell scripts: `$in` and `$out` are the files, `$args` the arguments. */
export async function scriptTools(scripts: Readonly<Partial<Record<ToolName, string>>>): Promise<FindTool> {
  const head = '#!/bin/sh\nin=$1; args="$*"; while [ "$1" != "-o" ]; do shift; done; out=$2\n';
  const dir = await tempFolder(Object.fromEntries(Object.entries(scripts).map(([name, text]) => [name, head + text])));
  for (const name of Object.keys(scripts)) await chmod(join(dir, name), 0o755);
  return async (name) => (name in scripts ? { file: join(dir, name), args: [], version: `${name} 1` } : undefined);
}

/** Times before and after each step; the answers are the same unless given. Each program is run twice, in turn. */
export function provesWith(times: readonly number[], answers: readonly string[] = []): Prove {
  let runs = 0;
  return async () => {
    const [step, side, isAgain] = [Math.floor(runs / 4), runs % 2, runs % 4 > 1];
    runs += 1;
    const at = step * 2 + side;
    // The slower one of two runs does not count.
    return { answers: answers[at] ?? "same", medianMs: (times[at] ?? 1) * (isAgain ? 3 : 1) };
  };
}
