/**
 * The container engine for tests, with a node and images of its own: each file of tests disturbs no other.
 *
 * Functions of tests run in one image for all, which has Node in it; their code comes as an argument.
 */

import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { readBlobSource } from "../../src/build/blob-source.ts";
import { createEsbuild } from "../../src/build/esbuild.ts";
import { planBuild } from "../../src/build/plan.ts";
import { runBuild } from "../../src/build/run.ts";
import { createContainerEngine } from "../../src/engine/container/container-engine.ts";
import { openNodeId } from "../../src/engine/container/node-id.ts";
import type { Engine, Instance, Prepared } from "../../src/engine/engine.ts";
import type { ImageArtifact } from "../../src/model/artifact.ts";
import type { Runnable } from "../../src/model/deployment.ts";
import { type ContainerSettings, DEFAULT_CONTAINER, type FunctionSpec } from "../../src/model/function.ts";
import { type Clock, type Log, systemClock } from "../../src/model/ports.ts";
import { ensureBaseImage } from "./base-images.ts";
import { type LogLine, noCapabilities } from "./capabilities.ts";
import { docker } from "./docker.ts";
import { type GuestSource, toSpec } from "./guest-source.ts";
import { toPlainBuild } from "./plain-build.ts";

/** What a container of a test is. */
export interface ContainerSource extends Omit<GuestSource, "files"> {
  readonly artifact?: ImageArtifact;
  readonly container?: Partial<ContainerSettings>;
  readonly outbound?: readonly string[];
  readonly scaling?: Partial<FunctionSpec["scaling"]>;
}

export interface ContainerLabOptions {
  readonly clock?: Clock;
  readonly log?: Log;
  readonly dockerHost?: string;
  /** The state directory of a node of before. */
  readonly stateDir?: string;
}

export interface ContainerLab extends AsyncDisposable {
  readonly engine: Engine;
  readonly stateDir: string;
  /** The image that functions run in. */
  readonly image: ImageArtifact;
  readonly blobs: Map<string, Uint8Array>;
  /** What containers print. */
  readonly printed: LogLine[];
  /** What the engine says. */
  readonly said: { readonly msg: string; readonly fields: Readonly<Record<string, unknown>> }[];
  nodeId(): Promise<string>;
  build(source: GuestSource): Promise<Runnable>;
  /** A container that runs `sh -c` with this script. */
  script(script: string, source?: ContainerSource): Runnable;
  deploy(source: ContainerSource): Runnable;
  prepare(deployment: Runnable, options?: { isProven?: boolean }): Promise<Prepared>;
  start(deployment: Runnable): Promise<Instance>;
  /** Lines of `docker ps` for containers of this node, in the form of `--format`. */
  list(format: string): Promise<string[]>;
}

/** What Node holds before a function does anything: the memory limit is for everything in a container. */
const NODE_BYTES = 96 * 1024 * 1024;
const PORT = 8080;
const BASE = "node:26-slim";

export async function openContainerLab(options: ContainerLabOptions = {}): Promise<ContainerLab> {
  const { clock = systemClock } = options;
  const root = await realpath(await mkdtemp(join(tmpdir(), "nebula-containers-")));
  const stateDir = options.stateDir ?? join(root, "state");
  await mkdir(stateDir, { recursive: true });
  const { dockerHost = process.env.DOCKER_HOST } = options;
  await ensureBaseImage(BASE);
  const image: ImageArtifact = { kind: "image", image: await docker("image", "inspect", "--format", "{{.Id}}", BASE) };
  const esbuild = createEsbuild();
  const blobs = new Map<string, Uint8Array>();
  const printed: LogLine[] = [];
  const said: { msg: string; fields: Readonly<Record<string, unknown>> }[] = [];
  const nodeId = openNodeId(join(stateDir, "container-node"));
  const engine = createContainerEngine({
    dockerHost,
    nodeId,
    bootId: randomBytes(3).toString("hex"),
    clock,
    log: { write: (_, msg, fields = {}) => void said.push({ msg, fields }) },
    blobs: {
      read: async (digest) => blobs.get(digest) ?? Promise.reject(new Error(`no blob ${digest}`)),
      stream: (digest) => Readable.toWeb(Readable.from([blobs.get(digest) ?? Buffer.alloc(0)])),
    },
    onBackgroundLog: () => (level, text) => void printed.push({ level, text }),
  });
  const server = stripTypeScriptTypes(await readFile(join(import.meta.dirname, "container-server.ts"), "utf8"));
  let builds = 0;

  async function bundle(main: string): Promise<string> {
    const dir = dirname(main);
    const built = await runBuild(planBuild(toProject(dir, main)), { signal: new AbortController().signal, esbuild });
    const [form] = built.forms;
    if (form === undefined || !("artifact" in form) || form.artifact.kind !== "js") throw new Error("no bundle");
    const blob = built.blobs.get(form.artifact.main.digest);
    return blob === undefined ? "" : Buffer.from(await readBlobSource(blob)).toString();
  }

  const deploy: ContainerLab["deploy"] = ({ artifact = image, container, outbound = [], scaling, ...source }) => {
    const spec = toSpec({ ...source, files: {} });
    builds += 1;
    return {
      id: `d_${builds}`,
      digest: `sha256:${"0".repeat(64)}`,
      createdAtMs: 0,
      state: "ready",
      artifact,
      spec: {
        ...spec,
        engines: ["container"],
        outbound,
        scaling: { ...spec.scaling, ...scaling },
        container: { ...DEFAULT_CONTAINER, port: PORT, ...container },
      },
    };
  };
  const prepare: ContainerLab["prepare"] = async (deployment, { isProven = false } = {}) => {
    const { signal } = new AbortController();
    return await engine.prepare(deployment, { signal, capabilities: noCapabilities, isProven });
  };
  return {
    ...{ engine, stateDir, image, blobs, printed, said, deploy, prepare },
    nodeId: () => nodeId.ensure(),
    build: async ({ files, ...source }) => {
      const dir = join(root, `guest-${builds++}`);
      for (const [name, content] of Object.entries(files)) {
        await mkdir(dirname(join(dir, name)), { recursive: true });
        await writeFile(join(dir, name), content);
      }
      const code = Buffer.from(await bundle(join(dir, "index.ts"))).toString("base64");
      const names = JSON.stringify(Object.keys(source.vars ?? {}));
      const args = ["node", "--input-type=module", "-e", server, "--", code, names];
      const { memoryBytes } = source.limits ?? {};
      const limits = memoryBytes === undefined ? {} : { memoryBytes: memoryBytes + NODE_BYTES };
      return deploy({ ...source, limits: { ...source.limits, ...limits }, container: { args } });
    },
    script: (script, source = {}) =>
      deploy({ ...source, container: { ...source.container, args: ["sh", "-c", script, "sh"] } }),
    start: async (deployment) => {
      const prepared = await prepare(deployment, { isProven: true });
      return await prepared.start({ signal: new AbortController().signal });
    },
    list: async (format) => {
      const filter = `label=nebula.node=${await nodeId.ensure()}`;
      const lines = await docker("ps", "--all", "--filter", filter, "--format", format);
      return lines.split("\n").filter((line) => line !== "");
    },
    [Symbol.asyncDispose]: async () => {
      await engine[Symbol.asyncDispose]();
      await removeNames(await nodeId.ensure());
      await esbuild[Symbol.asyncDispose]();
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** Images of a test are not kept for a next start. */
async function removeNames(nodeId: string): Promise<void> {
  const names = await docker("images", "--format", "{{.Repository}}:{{.Tag}}", `nebula-${nodeId}/*`);
  for (const name of names.split("\n").filter((each) => each !== "")) await docker("rmi", name);
}

function toProject(dir: string, main: string) {
  return {
    dir,
    main,
    build: toPlainBuild(dir),
    spec: toSpec({ files: {} }),
  };
}
