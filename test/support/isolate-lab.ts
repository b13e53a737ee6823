/**
 * The isolate engine with everything real below it (build, guest processes, sandbox) and nothing above it.
 */

import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readBlobSource } from "../../src/build/blob-source.ts";
import { createEsbuild } from "../../src/build/esbuild.ts";
import { buildGuestBootstrap } from "../../src/build/guest-bootstrap.ts";
import { planBuild } from "../../src/build/plan.ts";
import { runBuild } from "../../src/build/run.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { findDeno } from "../../src/engine/guest/find-deno.ts";
import { Nursery } from "../../src/engine/guest/nursery.ts";
import { createDenoRuntime, nodeRuntime } from "../../src/engine/guest/runtime.ts";
import { createSandbox, inspectMachine } from "../../src/engine/guest/sandbox.ts";
import { Watchdog } from "../../src/engine/guest/watchdog.ts";
import { createIsolateEngine } from "../../src/engine/isolate/isolate-engine.ts";
import { createNurseries } from "../../src/engine/isolate/nurseries.ts";
import type { Runnable } from "../../src/model/deployment.ts";
import { DEFAULT_LIMITS, type Project, type RuntimeName } from "../../src/model/function.ts";
import { silentLog, systemClock } from "../../src/model/ports.ts";
import { findArtifact } from "./built.ts";
import type { LogLine } from "./capabilities.ts";
import { type GuestSource, toSpec } from "./guest-source.ts";
import { toPlainBuild } from "./plain-build.ts";

export interface IsolateLab extends AsyncDisposable {
  readonly engine: Engine;
  readonly nursery: Nursery;
  /** Console lines outside of any request. */
  readonly backgroundLines: LogLine[];
  build(source: GuestSource): Promise<Runnable>;
  /** Builds the project in a folder that is there already. */
  buildFolder(dir: string, source: Omit<GuestSource, "files">): Promise<Runnable>;
}

const GUEST_DIR = join(import.meta.dirname, "../../src/engine/guest");
export const BOOTSTRAP_ENTRY = join(GUEST_DIR, "bootstrap.guest.ts");
const BOOTSTRAPS: Readonly<Record<RuntimeName, string>> = {
  node: BOOTSTRAP_ENTRY,
  deno: join(GUEST_DIR, "bootstrap-deno.guest.ts"),
};

export interface IsolateLabOptions {
  readonly spare?: number;
  /** On what all of its functions run. */
  readonly runtime?: RuntimeName;
}

export async function openIsolateLab({ spare = 2, runtime = "node" }: IsolateLabOptions = {}): Promise<IsolateLab> {
  const root = await realpath(await mkdtemp(join(tmpdir(), "nebula-lab-")));
  const cwd = join(root, "empty");
  await mkdir(cwd);
  const esbuild = createEsbuild();
  const blobs = new Map<string, Uint8Array>();
  const backgroundLines: LogLine[] = [];
  const nursery = new Nursery({
    sandbox: createSandbox(inspectMachine()),
    runtime: runtime === "deno" ? createDenoRuntime(findDeno().binary) : nodeRuntime,
    bootstrap: await buildGuestBootstrap(BOOTSTRAPS[runtime], { esbuild }),
    cwd,
    spare,
    defaultMemoryBytes: DEFAULT_LIMITS.memoryBytes,
    clock: systemClock,
    log: silentLog,
  });
  const engine = createIsolateEngine({
    nurseries: createNurseries(nursery, async () => nursery),
    watchdog: new Watchdog(systemClock),
    clock: systemClock,
    blobs: {
      read: async (digest) => blobs.get(digest) ?? Promise.reject(new Error(`no blob ${digest}`)),
      stream: () => new ReadableStream(),
    },
    onBackgroundLog: () => (level, text) => void backgroundLines.push({ level, text }),
  });
  let builds = 0;
  const buildFolder: IsolateLab["buildFolder"] = async (dir, source) => {
    const project = toProject(dir, { ...source, files: {} });
    const built = await runBuild(planBuild(project), { signal: new AbortController().signal, esbuild });
    for (const [digest, blob] of built.blobs) blobs.set(digest, await readBlobSource(blob));
    const artifact = findArtifact(built);
    if (artifact?.kind !== "js") throw new Error("the build made no JavaScript artifact");
    const spec = { ...project.spec, runtime };
    const { digest } = artifact.main;
    return { id: `d_${builds++}`, digest, createdAtMs: 0, state: "ready", spec, artifact };
  };
  return {
    engine,
    nursery,
    backgroundLines,
    buildFolder,
    build: async (source) => {
      const dir = join(root, `guest-${builds++}`);
      for (const [name, content] of Object.entries(source.files)) {
        await mkdir(dirname(join(dir, name)), { recursive: true });
        await writeFile(join(dir, name), content);
      }
      return await buildFolder(dir, source);
    },
    [Symbol.asyncDispose]: async () => {
      await engine[Symbol.asyncDispose]();
      await esbuild[Symbol.asyncDispose]();
      await rm(root, { recursive: true, force: true });
    },
  };
}

function toProject(dir: string, source: GuestSource): Project {
  const { isBundled = true } = source;
  return {
    dir,
    main: join(dir, isBundled ? "index.ts" : "index.js"),
    build: {
      ...toPlainBuild(dir),
      rules: isBundled ? [] : [{ type: "ESModule", globs: ["**/*.mjs"], fallthrough: true }],
      isBundled,
    },
    spec: toSpec(source),
  };
}
