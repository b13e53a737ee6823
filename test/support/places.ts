/**
 * The places where the functions of this repository live: a node, Cloudflare's runtime and Deno, each on a real socket.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { build } from "esbuild";
import { Miniflare, supportedCompatibilityDate, type WorkerOptions } from "miniflare";
import { parse } from "smol-toml";
import { createEsbuild } from "../../src/build/esbuild.ts";
import { planBuild } from "../../src/build/plan.ts";
import { openBuilder } from "../../src/build/run.ts";
import { createClient } from "../../src/client/client.ts";
import { readProject } from "../../src/config/read-project.ts";
import { deployProject } from "../../src/deploy.ts";
import { findDeno } from "../../src/engine/guest/find-deno.ts";
import { openHost } from "../../src/host.ts";
import type { EngineName, Project } from "../../src/model/function.ts";
import { silentLog } from "../../src/model/ports.ts";

const REPO = join(import.meta.dirname, "../..");
const MODULE_DATE = "2026-07-01";

/** Something that answers requests, until it is disposed of. */
export interface Place extends AsyncDisposable {
  readonly url: string;
}

export interface Question {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly bytes: Buffer;
}

/** Asks a place by the name that a function has in tests, so that absolute addresses are the same everywhere. */
export async function ask(
  place: Place,
  path: string,
  { method = "GET", headers, body, host = "memes.test" }: Question & { readonly host?: string } = {},
): Promise<Reply> {
  const { hostname, port } = new URL(place.url);
  // The path as it is: a URL would tidy it.
  const sent = httpRequest({ hostname, port, path, method, headers: { host, ...headers }, agent: false });
  sent.end(body);
  const [response] = await once(sent, "response");
  const bytes = await buffer(response);
  return { status: response.statusCode, headers: response.headers, body: bytes.toString(), bytes };
}

/** The functions of these folders on a node of their own; the repository's own takes every path that no other has. */
export async function openOnNebula(
  folders: readonly string[] = ["functions/caption", ""],
  /** In place of those that each function names. */
  engine?: EngineName,
): Promise<Place & { readonly stateDir: string }> {
  const stateDir = await mkdtemp(join(tmpdir(), "places-nebula-"));
  const settings = { stateDir, hostname: "127.0.0.1", dataPort: 0, controlPort: 0, isDevelopment: false };
  const host = await openHost({ ...settings, log: silentLog });
  await using esbuild = createEsbuild();
  for (const folder of folders) {
    const project = await readOwn(folder, engine);
    await using builder = openBuilder(planBuild(project), { esbuild });
    const target = createClient(host);
    await deployProject(project.spec, { target, builder, signal: new AbortController().signal });
  }
  return {
    url: host.dataUrl,
    stateDir,
    [Symbol.asyncDispose]: async () => {
      await host.drain();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

async function readOwn(folder: string, engine: EngineName | undefined): Promise<Project> {
  const { main, env } = await readWrangler(folder);
  // A component in place of its source is all that the environment changes.
  const isComponentAlone = engine === "isolate" && main.endsWith(".wasm") && env?.source !== undefined;
  const options = isComponentAlone ? { env: "source" } : {};
  const { project, warnings } = await readProject(join(REPO, folder), options);
  if (warnings.length > 0) throw new Error(warnings.map(({ message }) => message).join("; "));
  const { spec } = project;
  const name = isComponentAlone ? spec.name.replace(/-source$/, "") : spec.name;
  const routes = folder === "" ? ["*/*"] : spec.routes;
  return { ...project, spec: { ...spec, name, routes, engines: engine ? [engine] : spec.engines } };
}

/** What of wrangler.toml is looked at. */
interface Wrangler {
  readonly name: string;
  readonly main: string;
  readonly compatibility_date: string;
  readonly vars?: Readonly<Record<string, string>>;
  readonly assets?: { readonly directory: string; readonly binding: string };
  readonly services?: readonly {
    readonly binding: string;
    readonly service: string;
    readonly entrypoint?: string;
    readonly props?: Readonly<Record<string, unknown>>;
  }[];
  readonly d1_databases?: readonly {
    readonly binding: string;
    readonly database_id: string;
    readonly migrations_dir: string;
  }[];
  readonly nebula?: { readonly forms?: { readonly isolate?: string } };
  readonly env?: { readonly source?: { readonly main: string } };
}

/** A folder's wrangler.toml; one without it is called after its folder, and begins at its index.ts. */
export async function readWrangler(folder: string): Promise<Wrangler> {
  const plain = { name: folder.split("/").at(-1) ?? "", main: "index.ts", compatibility_date: MODULE_DATE };
  const text = await readFile(join(REPO, folder, "wrangler.toml"), "utf8").catch(() => "");
  return { ...plain, ...(parse(text) as Partial<Wrangler>) };
}

/** The file of JavaScript that a function begins at: `main`, the form for `isolate`, or the source of a component. */
export function findEntry({ main, nebula, env }: Wrangler): string {
  return main.endsWith(".wasm") ? (nebula?.forms?.isolate ?? env?.source?.main ?? main) : main;
}

/**
 * Functions of the repository on workerd, as the wrangler.toml of each says. The first takes what comes for no other,
 * the others what comes to `<name>.localhost`.
 */
export async function openOnWorkerd(folders: readonly string[]): Promise<Place> {
  const read = await Promise.all(folders.map(async (folder) => ({ folder, wrangler: await readWrangler(folder) })));
  const workers = await Promise.all(read.map(({ folder, wrangler }) => toWorker(folder, wrangler)));
  const said: string[] = [];
  const handleRuntimeStdio = (...streams: readonly Readable[]) => {
    for (const stream of streams) createInterface(stream).on("line", (line) => said.push(line));
  };
  const miniflare = new Miniflare({ host: "127.0.0.1", port: 0, workers, handleRuntimeStdio });
  try {
    const { href: url } = await miniflare.ready;
    for (const { folder, wrangler } of read) await migrate(miniflare, folder, wrangler);
    return { url, [Symbol.asyncDispose]: () => miniflare.dispose() };
  } catch (cause) {
    await miniflare.dispose();
    throw new Error(`workerd ended: ${said.join("\n")}`, { cause });
  }
}

async function toWorker(folder: string, wrangler: Wrangler): Promise<WorkerOptions> {
  const { name, vars, assets, services = [], d1_databases = [], compatibility_date } = wrangler;
  return {
    name,
    routes: [`${name}.localhost/*`],
    modules: await bundleModules(join(REPO, folder, findEntry(wrangler))),
    // It refuses what is younger than itself.
    compatibilityDate: [compatibility_date, supportedCompatibilityDate].sort()[0] ?? MODULE_DATE,
    ...(vars && { bindings: vars }),
    d1Databases: Object.fromEntries(d1_databases.map((each) => [each.binding, each.database_id])),
    serviceBindings: Object.fromEntries(
      services.map(({ binding, service, entrypoint, props }) => [
        binding,
        { name: service, ...(entrypoint && { entrypoint }), ...(props && { props }) },
      ]),
    ),
    ...(assets && {
      assets: {
        directory: join(REPO, folder, assets.directory),
        binding: assets.binding,
        routerConfig: { has_user_worker: true },
      },
    }),
  };
}

async function migrate(miniflare: Miniflare, folder: string, { name, d1_databases = [] }: Wrangler): Promise<void> {
  for (const { binding, migrations_dir } of d1_databases) {
    const db = await miniflare.getD1Database(binding, name);
    const from = join(REPO, folder, migrations_dir);
    for (const file of (await readdir(from)).sort()) {
      const statements = (await readFile(join(from, file), "utf8")).split("--> statement-breakpoint");
      await db.batch(statements.map((sql) => db.prepare(sql)));
    }
  }
}

/** One module on workerd, with databases and namespaces by the names of their bindings. */
export async function openModuleOnWorkerd(
  script: string,
  bindings: { readonly d1Databases?: Record<string, string>; readonly kvNamespaces?: string[] } = {},
): Promise<Place> {
  const options = { compatibilityDate: MODULE_DATE, compatibilityFlags: ["nodejs_compat"] };
  const miniflare = new Miniflare({ host: "127.0.0.1", port: 0, modules: true, script, ...bindings, ...options });
  const { href: url } = await miniflare.ready;
  return { url, [Symbol.asyncDispose]: () => miniflare.dispose() };
}

/** A function and what it imports as one text, which every place can serve. */
export async function bundleFunction(entry: string): Promise<string> {
  const options = { bundle: true, format: "esm", write: false, target: "es2022", logLevel: "silent" } as const;
  const { outputFiles } = await build({ entryPoints: [entry], ...options, external: ["node:*"] });
  return outputFiles[0]?.text ?? "";
}

/** The modules of a function as wrangler makes them: one of JavaScript, and its programs as files of their own. */
async function bundleModules(entry: string) {
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    format: "esm",
    conditions: ["workerd"],
    external: ["*.wasm", "cloudflare:*"],
    metafile: true,
    write: false,
  });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path));
  const programs = imports.filter((path) => path.endsWith(".wasm"));
  return [
    { type: "ESModule", path: "index.js", contents: outputFiles[0]?.text ?? "" } as const,
    ...(await Promise.all(
      programs.map(async (path) => {
        return { type: "CompiledWasm", path, contents: await readFile(join(dirname(entry), path)) } as const;
      }),
    )),
  ];
}

export interface DenoOptions {
  /** `serve` for what exports a handler, `run` for what calls `Deno.serve`. */
  readonly command: "serve" | "run";
  readonly env?: Readonly<Record<string, string>>;
  /** The variable that names a file in a folder which goes with the process. */
  readonly fileVariable?: string;
}

/** A file of the repository on Deno, with leave for what it needs and no more. */
export async function openOnDeno(entry: string, { command, env = {}, fileVariable }: DenoOptions): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), "elsewhere-deno-"));
  const leave = ["--allow-net=127.0.0.1", `--allow-read=${REPO},${folder}`, `--allow-write=${folder}`, "--allow-env"];
  const address = command === "serve" ? ["--host", "127.0.0.1", "--port", "0"] : [];
  const deno = spawn(findDeno().binary, [command, "--no-lock", ...leave, ...address, entry], {
    cwd: REPO,
    env: {
      PATH: process.env.PATH ?? "",
      NO_COLOR: "1",
      DENO_DIR: folder,
      ...(command === "run" && { DENO_SERVE_ADDRESS: "tcp:127.0.0.1:0" }),
      ...(fileVariable && { [fileVariable]: join(folder, "file") }),
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const close = async () => {
    const ended = deno.exitCode === null && deno.signalCode === null ? once(deno, "exit") : undefined;
    deno.kill();
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const said: string[] = [];
  try {
    const url = await new Promise<string>((resolve, reject) => {
      for (const stream of [deno.stdout, deno.stderr]) {
        createInterface(stream).on("line", (line) => {
          said.push(line);
          const listening = /Listening on (http:\/\/\S+)/.exec(line)?.[1];
          if (listening) resolve(listening);
        });
      }
      deno.once("close", () => reject(new Error(`Deno ended: ${said.join("\n")}`)));
    });
    return { url, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The site at each of its places. */
export const ACADEMEMES = {
  nebula: () => openOnNebula(),
  workerd: () => openOnWorkerd(["", "functions/caption"]),
  deno: () => openOnDeno("routes/deno.ts", { command: "serve", fileVariable: "DATABASE" }),
} as const;
