/**
 * Projects in temporary folders, built for real, and a look at what a build leaves behind.
 */

import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { type BlobSources, readBlobSource } from "../../../src/build/blob-source.ts";
import type { Built } from "../../../src/build/built.ts";
import { planBuild } from "../../../src/build/plan.ts";
import { type BuilderOptions, type BuildOptions, runBuild } from "../../../src/build/run.ts";
import type { Digest, JsArtifact } from "../../../src/model/artifact.ts";
import { NebulaError } from "../../../src/model/errors.ts";
import {
  DEFAULT_LIMITS,
  DEFAULT_SCALING,
  type EngineName,
  type FunctionSpec,
  type Project,
} from "../../../src/model/function.ts";
import type { Clock } from "../../../src/model/ports.ts";
import { findArtifact } from "../../support/built.ts";
import { toPlainBuild } from "../../support/plain-build.ts";

/** The eight bytes of an empty module. */
export const EMPTY_WASM = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

export type Files = Readonly<Record<string, string | Uint8Array>>;

/** A folder with these files, gone after the test. */
export async function tempFolder(files: Files = {}): Promise<string> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), "nebula-build-")));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  await writeFiles(dir, files);
  return dir;
}

export async function writeFiles(dir: string, files: Files): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const path = join(dir, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
}

export interface ProjectOptions {
  readonly main?: string;
  readonly assetsDir?: string;
  /** `isolate` alone unless given. */
  readonly engines?: readonly EngineName[];
  /** Relative to the folder, as `main` is. */
  readonly entries?: Project["entries"];
  readonly dockerfile?: string;
  readonly reference?: string;
  readonly build?: Partial<Project["build"]>;
  readonly flags?: readonly string[];
  readonly date?: string;
}

const SPEC: FunctionSpec = {
  name: "sample",
  engines: ["isolate"],
  compatibility: { date: "2026-01-01", flags: [] },
  routes: [],
  bindings: [],
  limits: DEFAULT_LIMITS,
  scaling: DEFAULT_SCALING,
  outbound: [],
};

/** A project over a folder; its files are named relative to it. */
export function toProject(dir: string, options: ProjectOptions = {}): Project {
  const { main, assetsDir, engines = SPEC.engines, entries, dockerfile, reference, build } = options;
  const { flags = [], date = SPEC.compatibility.date } = options;
  const files = Object.entries(entries ?? {}).map(([engine, file]) => [engine, join(dir, file)]);
  return {
    dir,
    ...(main !== undefined && { main: join(dir, main) }),
    ...(entries && { entries: Object.fromEntries(files) }),
    ...(dockerfile !== undefined && { image: { dockerfile: join(dir, dockerfile) } }),
    ...(reference !== undefined && { image: { reference } }),
    ...(assetsDir !== undefined && { assetsDir: join(dir, assetsDir) }),
    build: { ...toPlainBuild(dir), ...build },
    spec: { ...SPEC, engines, compatibility: { date, flags } },
  };
}

/** Writes the files and builds them; the entry is `index.ts` or `index.js` unless said otherwise. */
export async function buildFiles(
  files: Files,
  { run, ...options }: ProjectOptions & { run?: Partial<BuildOptions & BuilderOptions> } = {},
): Promise<Built & { dir: string }> {
  const dir = await tempFolder(files);
  const main = ["index.ts", "index.js"].find((name) => name in files);
  const project = toProject(dir, { ...(main !== undefined && { main }), ...options });
  const built = await runBuild(planBuild(project), { signal: new AbortController().signal, ...run });
  return { ...built, dir };
}

/** The NebulaError that a promise rejects with; fails the test when it does not. */
export async function rejectionOf(promise: Promise<unknown>): Promise<NebulaError> {
  try {
    await promise;
  } catch (thrown) {
    if (thrown instanceof NebulaError) return thrown;
    throw new Error("rejected with something that is no NebulaError", { cause: thrown });
  }
  throw new Error("did not reject");
}

/** An artifact that must be there. */
export function artifactOf(built: Built): JsArtifact {
  const artifact = findArtifact(built);
  if (artifact?.kind !== "js") throw new Error("the build made no JavaScript artifact");
  return artifact;
}

export async function blobText(blobs: BlobSources, digest: Digest | undefined): Promise<string> {
  const source = digest === undefined ? undefined : blobs.get(digest);
  if (source === undefined) throw new Error(`no blob ${digest}`);
  return Buffer.from(await readBlobSource(source)).toString();
}

/** A clock that stands still; `fire` ends all waits of that length which have begun. */
export function createManualClock(): { clock: Clock; fire(ms: number): void } {
  const waits = new Set<{ ms: number; callback: () => void }>();
  const after = (ms: number, callback: () => void): Disposable => {
    const wait = { ms, callback };
    waits.add(wait);
    return { [Symbol.dispose]: () => void waits.delete(wait) };
  };
  return {
    clock: { nowMs: () => 0, dateMs: () => 0, after },
    fire(ms) {
      for (const wait of waits) {
        if (wait.ms === ms && waits.delete(wait)) wait.callback();
      }
    },
  };
}

/** The text of the bundle. */
export async function codeOf(built: Built): Promise<string> {
  return await blobText(built.blobs, artifactOf(built).main.digest);
}

/** The default export of the built function, its wasm and data imports linked as a guest would. */
export async function evaluate(built: Built): Promise<unknown> {
  let code = await codeOf(built);
  const files: Record<string, string> = {};
  for (const { name, kind, digest } of artifactOf(built).modules) {
    const source = built.blobs.get(digest);
    if (source === undefined) throw new Error(`no blob for ${name}`);
    const bytes = `Uint8Array.fromBase64("${Buffer.from(await readBlobSource(source)).toString("base64")}")`;
    files[`${name}.mjs`] =
      `export default ${kind === "wasm" ? `new WebAssembly.Module(${bytes})` : `${bytes}.buffer`};`;
    code = code.replaceAll(JSON.stringify(name), JSON.stringify(`${name}.mjs`));
  }
  const dir = await tempFolder({ ...files, "index.mjs": code });
  const module: unknown = loadNatively(join(dir, "index.mjs"));
  return typeof module === "object" && module !== null && "default" in module ? module.default : undefined;
}

/** Node's own loader: the test runner's gives modules a `require`, which an ES module does not have. */
const loadNatively: (path: string) => unknown = createRequire(import.meta.url);

/** Ids of live processes for which `isWanted` holds; zombies do not count. */
async function findProcesses(isWanted: (found: { parent: number; group: number }) => boolean): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
    // Behind the command's name, which may hold anything: state, parent, group.
    const [state, parent, group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (state === undefined || state === "Z" || state === "") continue;
    if (isWanted({ parent: Number(parent), group: Number(group) })) found.push(Number(name));
  }
  return found;
}

export const childProcesses = (): Promise<number[]> => findProcesses(({ parent }) => parent === process.pid);

export const groupProcesses = (id: number): Promise<number[]> => findProcesses(({ group }) => group === id);
