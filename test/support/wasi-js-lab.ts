/**
 * The WASI engine with JavaScript guests: the build makes components of them.
 */

import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readBlobSource } from "../../src/build/blob-source.ts";
import { createEsbuild } from "../../src/build/esbuild.ts";
import { planBuild } from "../../src/build/plan.ts";
import { runBuild } from "../../src/build/run.ts";
import type { Engine } from "../../src/engine/engine.ts";
import type { Runnable } from "../../src/model/deployment.ts";
import type { Project } from "../../src/model/function.ts";
import { findArtifact } from "./built.ts";
import { type GuestSource, toSpec } from "./guest-source.ts";
import { toPlainBuild } from "./plain-build.ts";
import { openWasiLab } from "./wasi-lab.ts";

export interface WasiJsLab extends AsyncDisposable {
  readonly engine: Engine;
  build(source: GuestSource): Promise<Runnable>;
  /** The component, its source map, and what its top level printed. */
  compile(source: GuestSource): Promise<{ wasm: Uint8Array; sourceMap: Uint8Array; printed: string }>;
}

export async function openWasiJsLab(): Promise<WasiJsLab> {
  const root = await realpath(await mkdtemp(join(tmpdir(), "nebula-js-")));
  const esbuild = createEsbuild();
  const wasi = await openWasiLab();
  let builds = 0;
  const compileOnce: WasiJsLab["compile"] = async (source) => {
    const dir = join(root, `guest-${builds++}`);
    for (const [name, content] of Object.entries(source.files)) {
      await mkdir(dirname(join(dir, name)), { recursive: true });
      await writeFile(join(dir, name), content);
    }
    const { signal } = new AbortController();
    let printed = "";
    const onOutput = (text: string) => {
      printed += text;
    };
    const built = await runBuild(planBuild(toProject(dir, source)), { signal, esbuild, onOutput });
    const { blobs } = built;
    const artifact = findArtifact(built);
    if (artifact?.kind !== "component") throw new Error("the build made no component");
    const read = async (digest: typeof artifact.main.digest | undefined) => {
      const blob = digest === undefined ? undefined : blobs.get(digest);
      return blob === undefined ? new Uint8Array() : await readBlobSource(blob);
    };
    return { wasm: await read(artifact.main.digest), sourceMap: await read(artifact.sourceMap?.digest), printed };
  };
  // By what is built, whatever its limits and variables are: cases share guests, and those ahead may be under way.
  const known = new Map<string, ReturnType<WasiJsLab["compile"]>>();
  const compile: WasiJsLab["compile"] = (source) => {
    const { files, name, flags } = source;
    const key = JSON.stringify({ files, name, flags });
    const found = known.get(key) ?? compileOnce(source);
    known.set(key, found);
    return found;
  };
  return {
    // Cases ask for what never answers: nothing is to be proven with requests of the engine's own.
    engine: {
      ...wasi.engine,
      prepare: (deployment, options) => wasi.engine.prepare(deployment, { ...options, isProven: true }),
    },
    compile,
    build: async (source) => {
      const { wasm, sourceMap } = await compile(source);
      return wasi.deploy({ ...source, wasm, sourceMap, kind: "component", files: {} });
    },
    [Symbol.asyncDispose]: async () => {
      await wasi[Symbol.asyncDispose]();
      await esbuild[Symbol.asyncDispose]();
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** A project of one entry, for the Wasm engine. */
export function toProject(dir: string, source: GuestSource): Project {
  return {
    dir,
    main: join(dir, "index.ts"),
    build: toPlainBuild(dir),
    spec: { ...toSpec(source), engines: ["wasi"] },
  };
}
