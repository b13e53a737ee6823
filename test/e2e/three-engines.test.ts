/**
 * One function in three engines: fibonacci, markdown and caption, built as authors build them, each form alone and all of
 * them as a chain. Without Docker there are two engines to compare.
 */

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createEsbuild, type Esbuild } from "../../src/build/esbuild.ts";
import { planBuild } from "../../src/build/plan.ts";
import { openBuilder } from "../../src/build/run.ts";
import { createClient } from "../../src/client/client.ts";
import { readProject } from "../../src/config/read-project.ts";
import { deployProject } from "../../src/deploy.ts";
import { openImageBuilder } from "../../src/engines.ts";
import { type Host, openHost } from "../../src/host.ts";
import type { EngineName, Project } from "../../src/model/function.ts";
import { systemClock } from "../../src/model/ports.ts";
import { ensureBaseImage } from "../support/base-images.ts";
import { until } from "../support/capabilities.ts";
import { type FunctionCase, WASI_FUNCTIONS } from "../support/wasi-functions.ts";

const run = promisify(execFile);

const REPO = join(import.meta.dirname, "../..");
const ENGINES = ["wasi", "isolate", "container"] as const;
const NAMES = ["fibonacci", "markdown", "caption"] as const;
/** Headers that are the function's, and not of the day or of the connection. */
const COMPARED = ["content-type", "cache-control", "x-content-type-options", "location"];

/** What the shared table does not ask: the same request in other words. */
const MORE: Readonly<Record<(typeof NAMES)[number], readonly FunctionCase[]>> = {
  fibonacci: [
    { path: "/?n=%39%30" },
    { path: "/?n=10&n=11" },
    { path: "/?n=007" },
    { path: "/?n=30&recursive=2" },
    { path: "/?%6E=12&recursive=%31" },
    { path: "/a/b?n=20", method: "HEAD" },
    { path: "/?n=20", body: "a body that nobody reads" },
    { path: "/?n=", status: 500 },
    { path: "/?n", status: 500 },
    { path: "/?n=+1", status: 500 },
    { path: "/?n=1e1", status: 500 },
  ],
  markdown: [
    { path: "/", method: "HEAD" },
    { path: "/", body: "" },
    { path: "/?input=%ff", status: 400 },
    { path: "/", body: "Zoë, ∎ and 🙂\n\n> *quoted*\n" },
  ],
  caption: [
    { path: "/?template=two-doors&text=a", method: "HEAD" },
    { path: "/?template=balance&text=%3C%22%27%3E&width=100" },
  ],
};

async function findMissing(): Promise<string | undefined> {
  for (const [file, ...args] of [
    ["docker", "version"],
    ["gcc", "--version"],
  ] as const) {
    const isThere = await run(file, args).then(Boolean, () => false);
    if (!isThere) return file;
  }
  return undefined;
}

const missing = await findMissing();
if (missing !== undefined) {
  if (process.env.CI) throw new Error(`${missing} is missing: functions cannot be compared in three engines`);
  console.warn(`SKIPPED: the forms of functions for containers, since there is no ${missing}`);
}
const here: readonly EngineName[] = missing === undefined ? ENGINES : ["wasi", "isolate"];

let host: Host;
let dir: string;
/** What the node has logged. */
const lines: Readonly<Record<string, unknown>>[] = [];
let esbuild: Esbuild;

beforeAll(async () => {
  if (missing === undefined) await Promise.all([ensureBaseImage("node:26-slim"), ensureBaseImage("gcc:15")]);
  dir = await mkdtemp(join(tmpdir(), "nebula-three-engines-"));
  await writeFile(join(dir, "broken.wasm"), "no program");
  await writeFile(join(dir, "broken.ts"), "no program");
  esbuild = createEsbuild();
  host = await openHost({
    stateDir: join(dir, "state"),
    hostname: "127.0.0.1",
    dataPort: 0,
    controlPort: 0,
    isDevelopment: false,
    log: { write: (_level, _msg, fields = {}) => void lines.push(fields) },
  });
}, 120_000);

afterAll(async () => {
  const nodeId = missing === undefined ? await readNodeId() : undefined;
  await host.drain();
  await esbuild[Symbol.asyncDispose]();
  if (nodeId !== undefined) await removeImages(nodeId);
  await rm(dir, { recursive: true, force: true });
}, 60_000);

async function readNodeId(): Promise<string> {
  return (await readFile(join(dir, "state", "container-node"), "utf8")).trim();
}

/** A node keeps images for its next start, which this one has not. */
async function removeImages(nodeId: string): Promise<void> {
  const format = ["--format", "{{.Repository}}:{{.Tag}}"];
  const { stdout } = await run("docker", ["images", ...format, `nebula-${nodeId}/*`]);
  const names = stdout.split("\n").filter((name) => name !== "");
  if (names.length > 0) await run("docker", ["rmi", ...names]);
}

async function read(name: string): Promise<Project> {
  const { project, warnings } = await readProject(join(REPO, name));
  expect(warnings).toEqual([]);
  return project;
}

/** Gives the engines whose form could not be built. */
async function deploy(project: Project): Promise<readonly EngineName[]> {
  const failed: EngineName[] = [];
  await using images = openImageBuilder({ clock: systemClock });
  await using builder = openBuilder(planBuild(project), { esbuild, images, cacheDir: join(dir, "cache") });
  await deployProject(project.spec, {
    target: createClient(host),
    builder,
    signal: new AbortController().signal,
    onBuilt: ({ failures }) => failed.push(...failures.map(({ engine }) => engine)),
  });
  return failed;
}

function withEngines(project: Project, engines: readonly EngineName[]): Project {
  return { ...project, spec: { ...project.spec, engines } };
}

/** An answer as far as it is the function's own, and what tells the engines apart. */
interface Answer {
  readonly engine: string | null;
  readonly status: number;
  readonly shown: unknown;
}

async function ask(name: string, { path, method, body, headers }: FunctionCase): Promise<Answer> {
  const response = await fetch(`${host.dataUrl}/fn/${name}${path}`, {
    redirect: "manual",
    method: method ?? (body === undefined ? "GET" : "POST"),
    ...(body !== undefined && { body }),
    ...(headers && { headers }),
  });
  const { status } = response;
  const content = Buffer.from(await response.arrayBuffer());
  const told = COMPARED.map((header) => [header, response.headers.get(header)]);
  // Bytes as they are: a difference is easier to read in text than in a digest, and a picture has no text.
  const shown = { headers: Object.fromEntries(told), body: content.toString("latin1") };
  const engine = response.headers.get("x-nebula-engine");
  // Each engine has its own word for a program that failed: an exit code, an exception, an answer of the container's.
  return { engine, status, shown: status === 500 ? undefined : shown };
}

function tell({ path, method = "", body }: FunctionCase): string {
  return `${method} ${path.slice(0, 80)} ${body?.slice(0, 20) ?? ""}`;
}

describe.each(NAMES)("functions/%s", (name) => {
  const cases = [...(WASI_FUNCTIONS[name] ?? []), ...MORE[name]];

  test("gives the same answers in each engine", { timeout: 60_000 }, async () => {
    const project = await read(join("functions", name));
    expect(project.spec.engines).toEqual(ENGINES);
    const wanted = new Map<FunctionCase, Answer>();
    for (const engine of here) {
      expect(await deploy(withEngines(project, [engine]))).toEqual([]);
      for (const each of cases) {
        const answer = await ask(name, each);
        const about = `${engine}: ${tell(each)}`;
        expect(answer.engine, about).toBe(engine);
        expect(answer.status, about).toBe(each.status ?? 200);
        const first = wanted.get(each);
        if (first === undefined) wanted.set(each, answer);
        else expect(answer.shown, about).toEqual(first.shown);
      }
    }
  });
});

describe("all forms together", () => {
  test("answer in their order, each in place of those that could not be built", { timeout: 60_000 }, async () => {
    const project = await read("functions/caption");
    const root = await read(".");
    await deploy({ ...root, spec: { ...root.spec, routes: ["*/*"] } });
    const pictures: Answer[] = [];
    for (const [answering, meme, broken] of [
      ["wasi", "minor-revisions", {}],
      ["isolate", "deadline-or-nap", { wasi: join(dir, "broken.wasm") }],
      ["container", "just-plot-it", { wasi: join(dir, "broken.wasm"), isolate: join(dir, "broken.ts") }],
    ] as const) {
      if (!here.includes(answering)) continue;
      const entries = { ...project.entries, ...broken };
      const absent = ENGINES.filter((engine) => !here.includes(engine));
      expect(await deploy({ ...project, entries })).toEqual([...Object.keys(broken), ...absent]);
      const picture = await ask("caption", { path: "/?template=two-doors&text=a" });
      expect(picture).toMatchObject({ engine: answering, status: 200 });
      pictures.push(picture);
      expect(await findDrawer(meme), `who draws for the page of ${meme}`).toBe(answering);
    }
    const [first, ...others] = pictures;
    for (const other of others) expect(other.shown).toEqual(first?.shown);
  });

  test.skipIf(missing !== undefined)(
    "go on when the container of the first is killed",
    { timeout: 60_000 },
    async () => {
      const project = await read("functions/fibonacci");
      await deploy(withEngines(project, ["container", "wasi", "isolate"]));
      const path = "/?n=90";
      expect(await ask("fibonacci", { path })).toMatchObject({ engine: "container", status: 200 });
      const labels = [`label=nebula.node=${await readNodeId()}`, "label=nebula.function=fibonacci"];
      let running: readonly string[] = [];
      await until("the container of the deployment before is gone", async () => {
        const { stdout } = await run("docker", ["ps", "--quiet", ...labels.flatMap((label) => ["--filter", label])]);
        running = stdout.trim().split("\n");
        return running.length === 1;
      });
      await run("docker", ["kill", ...running]);
      const after = await ask("fibonacci", { path });
      expect(after).toMatchObject({ status: 200, shown: { body: "2880067194370816120\n" } });
    },
  );
});

/** The engine that draws the picture of a page of the site. */
async function findDrawer(meme: string): Promise<unknown> {
  const page = await (await fetch(`${host.dataUrl}/m/${meme}`)).text();
  const [, address = ""] = /property="og:image" content="([^"]+)"/.exec(page) ?? [];
  lines.length = 0;
  const { status, headers } = await fetch(address.replaceAll("&amp;", "&"));
  expect([status, headers.get("content-type")]).toEqual([200, "image/png"]);
  return lines.find((line) => line.function === "caption" && line.caller === "academemes")?.engine;
}
