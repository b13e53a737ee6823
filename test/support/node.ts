/**
 * A whole node on free ports and a temporary state directory, and functions deployed to it as an author would.
 */

import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createEsbuild } from "../../src/build/esbuild.ts";
import { planBuild } from "../../src/build/plan.ts";
import { openBuilder } from "../../src/build/run.ts";
import { type Client, createClient } from "../../src/client/client.ts";
import { type DeployTarget, deployProject } from "../../src/deploy.ts";
import { type Host, openHost } from "../../src/host.ts";
import type { DeployAnswer } from "../../src/model/control.ts";
import type {
  AssetsSettings,
  FunctionSpec,
  Limits,
  Project,
  ProjectDatabase,
  Scaling,
} from "../../src/model/function.ts";
import type { Log, LogLevel } from "../../src/model/ports.ts";
import { toSpec } from "./guest-source.ts";
import { toPlainBuild } from "./plain-build.ts";

export interface TestNode {
  readonly dataUrl: string;
  readonly controlUrl: string;
  readonly token: string;
  readonly stateDir: string;
  readonly client: Client;
  /** Everything that the node has logged. */
  readonly lines: LoggedLine[];
  /** Builds and deploys. A text is the function's `index.ts`. */
  deploy(name: string, source: string | Source, change?: SpecChange): Promise<DeployAnswer>;
  /** Stops the node, and starts another one on the same state. */
  restart(): Promise<void>;
  /** Stops the node and removes its state. */
  close(): Promise<void>;
}

export interface LoggedLine {
  readonly level: LogLevel;
  readonly msg: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface Source {
  /** File name → content. The entry, where there is one, is `index.ts`. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  /** Path below the site's root → content. */
  readonly assets?: Readonly<Record<string, string | Uint8Array>>;
  /** Of every database of the function: file name → SQL. */
  readonly migrations?: Readonly<Record<string, string>>;
}

export interface SpecChange extends Partial<Omit<FunctionSpec, "name" | "limits" | "scaling" | "assets">> {
  readonly limits?: Partial<Limits>;
  readonly scaling?: Partial<Scaling>;
  readonly assets?: Partial<AssetsSettings>;
  /** In place of the node itself: to watch or to change what is sent to it. */
  readonly target?: DeployTarget;
}

const ASSETS: AssetsSettings = { htmlHandling: "auto-trailing-slash", notFoundHandling: "none", runWorkerFirst: false };

export async function openTestNode({ isDevelopment = false } = {}): Promise<TestNode> {
  const root = await realpath(await mkdtemp(join(tmpdir(), "nebula-node-")));
  const stateDir = join(root, "state");
  await mkdir(stateDir);
  const lines: LoggedLine[] = [];
  const log: Log = { write: (level, msg, fields = {}) => void lines.push({ level, msg, fields }) };
  const open = () => openHost({ stateDir, hostname: "127.0.0.1", dataPort: 0, controlPort: 0, isDevelopment, log });
  const esbuild = createEsbuild();
  let host: Host = await open();
  let client = createClient(host);
  let projects = 0;

  const deploy: TestNode["deploy"] = async (name, source, { target = client, ...change } = {}) => {
    const dir = join(root, `project-${projects++}`);
    const project = await writeProject(dir, { name, source, change });
    await using builder = openBuilder(planBuild(project), { esbuild });
    return await deployProject(project.spec, { target, builder, signal: new AbortController().signal });
  };

  return {
    get dataUrl() {
      return host.dataUrl;
    },
    get controlUrl() {
      return host.controlUrl;
    },
    get token() {
      return host.token;
    },
    get client() {
      return client;
    },
    stateDir,
    lines,
    deploy,
    restart: async () => {
      await host.drain();
      host = await open();
      client = createClient(host);
    },
    close: async () => {
      await host.drain();
      await esbuild[Symbol.asyncDispose]();
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function writeProject(
  dir: string,
  { name, source, change }: { name: string; source: string | Source; change: Omit<SpecChange, "target"> },
): Promise<Project> {
  const whole: Source = typeof source === "string" ? { files: { "index.ts": source } } : source;
  const { files, assets, migrations } = whole;
  await writeFiles(dir, files);
  if (assets !== undefined) await writeFiles(join(dir, "public"), assets);
  if (migrations !== undefined) await writeFiles(join(dir, "migrations"), migrations);
  const { limits, scaling, assets: settings, ...rest } = change;
  const plain = toSpec({ name, files: {} });
  return {
    dir,
    ...("index.ts" in files && { main: join(dir, "index.ts") }),
    ...(assets !== undefined && { assetsDir: join(dir, "public") }),
    ...(migrations !== undefined && { databases: toDatabases(change, join(dir, "migrations")) }),
    build: toPlainBuild(dir),
    spec: {
      ...plain,
      ...rest,
      ...(assets !== undefined && { assets: { ...ASSETS, ...settings } }),
      limits: { ...plain.limits, ...limits },
      scaling: { ...plain.scaling, ...scaling },
    },
  };
}

function toDatabases({ bindings = [] }: SpecChange, migrationsDir: string): readonly ProjectDatabase[] {
  const ids = bindings.flatMap((each) => (each.type === "d1" ? [each] : []));
  return ids.map(({ name, id }) => ({ binding: name, id, migrationsDir, migrationsTable: "d1_migrations" }));
}

async function writeFiles(dir: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  await mkdir(dir, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), content);
  }
}
