/**
 * The repository's own project on a node: every page, picture and function through the whole path.
 */

import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { get as httpGet } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEsbuild } from "../../src/build/esbuild.ts";
import { planBuild } from "../../src/build/plan.ts";
import { openBuilder } from "../../src/build/run.ts";
import { createClient } from "../../src/client/client.ts";
import { readProject } from "../../src/config/read-project.ts";
import { deployProject } from "../../src/deploy.ts";
import { type Host, openHost } from "../../src/host.ts";
import { silentLog } from "../../src/model/ports.ts";

const REPO = join(import.meta.dirname, "../..");
const FUNCTIONS = ["hello", "hello-deno", "citation-stream"];

let host: Host;
let stateDir: string;

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), "nebula-academemes-"));
  host = await openHost({
    stateDir,
    hostname: "127.0.0.1",
    dataPort: 0,
    controlPort: 0,
    isDevelopment: false,
    log: silentLog,
  });
  await using esbuild = createEsbuild();
  for (const dir of [REPO, ...FUNCTIONS.map((name) => join(REPO, "functions", name))]) {
    const { project, warnings } = await readProject(dir);
    expect(warnings).toEqual([]);
    const spec = dir === REPO ? { ...project.spec, routes: ["*/*"] } : project.spec;
    await using builder = openBuilder(planBuild(project), { esbuild });
    await deployProject(spec, { target: createClient(host), builder, signal: new AbortController().signal });
  }
});

afterAll(async () => {
  await host.drain();
  await rm(stateDir, { recursive: true, force: true });
});

const get = (path: string, init?: RequestInit) => fetch(host.dataUrl + path, { redirect: "manual", ...init });

describe("the site", () => {
  it.each([
    ["/", 200, "text/html", "Academemes"],
    ["/?page=2", 200, "text/html", "Fig."],
    ["/?tag=coffee", 200, "text/html", "coffee"],
    ["/m/null-result", 200, "text/html", "A publishable null result"],
    ["/m/null-result/picture.svg", 200, "image/svg+xml", "<svg"],
    ["/templates", 200, "text/html", "Template"],
    ["/about", 200, "text/html", "Academemes"],
    ["/robots.txt", 200, "text/plain", "Sitemap: http"],
    ["/api/memes?limit=2", 200, "application/json", '"items"'],
    ["/api/memes?limit=0", 400, "application/problem+json", "limit"],
    ["/nope", 404, "text/html", "Reference not found"],
    ["/m/nope", 404, "text/html", "not found"],
  ])("answers %s with %i", async (path, status, type, text) => {
    const response = await get(path);
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toContain(type);
    expect(response.headers.get("x-nebula-engine")).toBe("isolate");
    expect(await response.text()).toContain(text);
  });

  it("answers its static files without waking the function", async () => {
    for (const path of ["/style.css", "/icon.svg", "/templates/balance.svg", "/make.js"]) {
      const response = await get(path, { headers: { "accept-encoding": "br" } });
      expect(response.status, path).toBe(200);
      expect(response.headers.get("x-nebula-engine"), path).toBe("assets");
      expect(response.headers.get("server-timing")).toContain('start;desc="none"');
      await response.arrayBuffer();
    }
  });

  it("sends a visitor to a random meme", async () => {
    const response = await get("/random");
    expect(response.status).toBe(302);
    expect(response.headers.get("cache-control")).toContain("no-store");
    expect((await get(response.headers.get("location") ?? "")).status).toBe(200);
  });

  it("answers 304 for what the visitor has already", async () => {
    const etag = (await get("/m/null-result/picture.svg")).headers.get("etag") ?? "";
    expect(etag).not.toBe("");
    expect((await get("/m/null-result/picture.svg", { headers: { "if-none-match": etag } })).status).toBe(304);
  });
});

describe("the functions", () => {
  it("hello answers at its path and at its host", async () => {
    expect(await (await get("/fn/hello/")).text()).toBe("Hello, world\n");
    // By the Host header, because not every resolver knows *.localhost as browsers and curl do.
    const request = httpGet(host.dataUrl, { headers: { host: "hello.localhost" } });
    const [response] = await once(request, "response");
    expect(await text(response)).toBe("Hello, world\n");
  });

  it("hello-deno greets in Deno style", async () => {
    expect(await (await get("/fn/hello-deno/?name=Ada")).text()).toContain("Ada");
  });

  it("citation-stream sends its first line before its last", async () => {
    const response = await get("/fn/citation-stream/?n=5&delay=20");
    const chunks: string[] = [];
    for await (const chunk of response.body ?? []) chunks.push(Buffer.from(chunk).toString());
    expect(chunks.length).toBeGreaterThan(1);
    expect(chunks.join("").trim().split("\n")).toHaveLength(5);
  });
});
