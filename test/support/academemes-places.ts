/**
 * Academemes where it can live: on a node, on workerd, on Deno. Each from the repository's own files, on a real socket.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { build } from "esbuild";
import { Miniflare } from "miniflare";
import { parse } from "smol-toml";
import { createEsbuild } from "../../src/build/esbuild.ts";
import { planBuild } from "../../src/build/plan.ts";
import { openBuilder } from "../../src/build/run.ts";
import { createClient } from "../../src/client/client.ts";
import { readProject } from "../../src/config/read-project.ts";
import { deployProject } from "../../src/deploy.ts";
import { findDeno } from "../../src/engine/guest/find-deno.ts";
import { openHost } from "../../src/host.ts";
import { silentLog } from "../../src/model/ports.ts";

const REPO = join(import.meta.dirname, "../..");

export interface Question {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** The site at one of its places. */
export interface Place extends AsyncDisposable {
  readonly url: string;
}

/** Asks a place by the name that the site has in tests, so that absolute addresses are the same everywhere. */
export async function ask(
  place: Place,
  path: string,
  { method = "GET", headers, body }: Question = {},
): Promise<Reply> {
  const sent = httpRequest(new URL(path, place.url), {
    method,
    headers: { host: "memes.test", ...headers },
    agent: false,
  });
  sent.end(body);
  const [response] = await once(sent, "response");
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

/** The functions of these folders on a node of their own; the repository's own takes every path that no other has. */
export async function openOnNebula(
  folders: readonly string[] = ["functions/caption", ""],
): Promise<Place & { readonly stateDir: string }> {
  const stateDir = await mkdtemp(join(tmpdir(), "academemes-nebula-"));
  const settings = { stateDir, hostname: "127.0.0.1", dataPort: 0, controlPort: 0, isDevelopment: false };
  const host = await openHost({ ...settings, log: silentLog });
  await using esbuild = createEsbuild();
  for (const folder of folders) {
    const { project, warnings } = await readProject(join(REPO, folder));
    if (warnings.length > 0) throw new Error(warnings.map(({ message }) => message).join("; "));
    const spec = folder === "" ? { ...project.spec, routes: ["*/*"] } : project.spec;
    await using builder = openBuilder(planBuild(project), { esbuild });
    await deployProject(spec, { target: createClient(host), builder, signal: new AbortController().signal });
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

interface Wrangler {
  readonly name: string;
  readonly main: string;
  readonly compatibility_date: string;
  readonly vars: Record<string, string>;
  readonly assets: { readonly directory: string; readonly binding: string };
  readonly services: readonly { readonly binding: string; readonly service: string }[];
  readonly d1_databases: readonly {
    readonly binding: string;
    readonly database_id: string;
    readonly migrations_dir: string;
  }[];
}

/** On workerd, as wrangler.toml says. */
export async function openOnWorkerd(): Promise<Place> {
  const wrangler = parse(await readFile(join(REPO, "wrangler.toml"), "utf8")) as unknown as Wrangler;
  const site = {
    name: wrangler.name,
    modules: [await bundle(wrangler.main)],
    bindings: wrangler.vars,
    d1Databases: Object.fromEntries(wrangler.d1_databases.map((each) => [each.binding, each.database_id])),
    serviceBindings: Object.fromEntries(wrangler.services.map((each) => [each.binding, each.service])),
    assets: {
      directory: join(REPO, wrangler.assets.directory),
      binding: wrangler.assets.binding,
      routerConfig: { has_user_worker: true },
    },
  };
  const program = await readFile(join(REPO, "functions/caption/caption.wasm"));
  const caption = {
    name: "caption",
    modules: [
      await bundle("functions/caption/index.ts"),
      { type: "CompiledWasm", path: "caption.wasm", contents: program } as const,
    ],
  };
  const miniflare = new Miniflare({ host: "127.0.0.1", port: 0, workers: [site, caption] });
  const url = (await miniflare.ready).href;
  for (const { binding, migrations_dir } of wrangler.d1_databases) {
    const db = await miniflare.getD1Database(binding);
    const folder = join(REPO, migrations_dir);
    for (const name of (await readdir(folder)).sort()) {
      const statements = (await readFile(join(folder, name), "utf8")).split("--> statement-breakpoint");
      await db.batch(statements.map((sql) => db.prepare(sql)));
    }
  }
  return { url, [Symbol.asyncDispose]: () => miniflare.dispose() };
}

/** A module as wrangler makes it; programs of Wasm stay files of their own. */
async function bundle(entry: string) {
  const { outputFiles } = await build({
    entryPoints: [join(REPO, entry)],
    bundle: true,
    format: "esm",
    conditions: ["workerd"],
    external: ["*.wasm"],
    write: false,
  });
  return { type: "ESModule", path: "index.js", contents: outputFiles[0]?.text ?? "" } as const;
}

/** Under `deno serve`, with leave for what it needs and no more. */
export async function openOnDeno(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), "academemes-deno-"));
  const leave = ["--allow-net=127.0.0.1", `--allow-read=${REPO},${folder}`, `--allow-write=${folder}`, "--allow-env"];
  const args = ["serve", "--no-lock", ...leave, "--host", "127.0.0.1", "--port", "0", "routes/deno.ts"];
  const env = { PATH: process.env.PATH ?? "", NO_COLOR: "1", DENO_DIR: folder, DATABASE: join(folder, "memes.sqlite") };
  const deno = spawn(findDeno().binary, args, { cwd: REPO, env, stdio: ["ignore", "pipe", "pipe"] });
  const said: string[] = [];
  const [url] = await new Promise<[string]>((resolve, reject) => {
    for (const stream of [deno.stdout, deno.stderr]) {
      createInterface(stream).on("line", (line) => {
        said.push(line);
        const listening = /http:\/\/\S+/.exec(line)?.[0];
        if (listening) resolve([listening]);
      });
    }
    deno.once("exit", () => reject(new Error(`Deno ended: ${said.join("\n")}`)));
  });
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      const ended = once(deno, "exit");
      deno.kill();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
