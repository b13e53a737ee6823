/**
 * The project's own WASI functions on a node, built as authors build them: each request of the shared table, and what a
 * table cannot say.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createEsbuild } from "../../src/build/esbuild.ts";
import { planBuild } from "../../src/build/plan.ts";
import { openBuilder } from "../../src/build/run.ts";
import { createClient } from "../../src/client/client.ts";
import { readProject } from "../../src/config/read-project.ts";
import { deployProject } from "../../src/deploy.ts";
import { type Host, openHost } from "../../src/host.ts";
import { silentLog } from "../../src/model/ports.ts";
import { openRaw } from "../support/raw-http.ts";
import { type FunctionCase, findPngFault, WASI_FUNCTIONS } from "../support/wasi-functions.ts";

const REPO = join(import.meta.dirname, "../..");

let host: Host;
let stateDir: string;

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), "nebula-wasi-functions-"));
  host = await openHost({
    stateDir,
    hostname: "127.0.0.1",
    dataPort: 0,
    controlPort: 0,
    isDevelopment: false,
    log: silentLog,
  });
  for (const dir of [".", ...Object.keys(WASI_FUNCTIONS).map((name) => join("functions", name))]) await deploy(dir);
}, 120_000);

async function deploy(dir: string): Promise<void> {
  await using esbuild = createEsbuild();
  const { project, warnings } = await readProject(join(REPO, dir));
  expect(warnings).toEqual([]);
  const spec = dir === "." ? { ...project.spec, routes: ["*/*"] } : project.spec;
  await using builder = openBuilder(planBuild(project), { esbuild });
  await deployProject(spec, { target: createClient(host), builder, signal: new AbortController().signal });
}

afterAll(async () => {
  await host.drain();
  await rm(stateDir, { recursive: true, force: true });
});

const ask = (name: string, { path, method, body, headers }: FunctionCase) =>
  fetch(`${host.dataUrl}/fn/${name}${path}`, {
    redirect: "manual",
    method: method ?? (body === undefined ? "GET" : "POST"),
    ...(body !== undefined && { body }),
    ...(headers && { headers }),
  });

test("reading-list is made by asking its own entry point by a method, and markdown by a request", async () => {
  await deploy("functions/reading-list");
  const answer = await fetch(`${host.dataUrl}/fn/reading-list/?topic=logic`);
  expect(answer.headers.get("content-type")).toMatch(/^text\/html/);
  const page = await answer.text();
  expect(page).toMatch(/<h1>Reading list: logic<\/h1>/);
  expect(page.indexOf("Turing")).toBeLessThan(page.indexOf("Boole"));
  expect(page).not.toContain("Shannon");
  const unknown = await fetch(`${host.dataUrl}/fn/reading-list/?topic=none`);
  expect([unknown.status, await unknown.text()]).toEqual([
    404,
    "Nothing about that; there is machines, logic, signals\n",
  ]);
});

describe.each(Object.entries(WASI_FUNCTIONS))("functions/%s", (name, cases) => {
  test("answers each request of the table", async () => {
    for (const each of cases) {
      const about = `${each.method ?? ""} ${each.path.slice(0, 80)} ${each.body?.slice(0, 20) ?? ""}`;
      const response = await ask(name, each);
      const body = await response.bytes();
      const text = new TextDecoder().decode(body);
      expect(response.status, `${about}: ${text.slice(0, 200)}`).toBe(each.status ?? 200);
      expect(response.headers.get("x-nebula-engine"), about).toBe("wasi");
      if (each.type !== undefined)
        expect(response.headers.get("content-type"), about).toMatch(new RegExp(`^${each.type}`));
      if (typeof each.text === "string") expect(text, about).toContain(each.text);
      if (typeof each.text === "string" && each.type !== "text/html") expect(text.length, about).toBe(each.text.length);
      if (each.text instanceof RegExp) expect(text, about).toMatch(each.text);
      expect(each.find?.(body), about).toBeUndefined();
    }
  });
});

describe("functions/guestbook-cgi", () => {
  test("leads back to the form, and keeps what was written for a fresh instance", async () => {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const response = await ask("guestbook-cgi", { path: "/", body: "name=Eve&message=Kept", headers });
    expect(response.status).toBe(303);
    expect(new URL(response.headers.get("location") ?? "", response.url).pathname).toBe("/fn/guestbook-cgi/");
    expect(await (await ask("guestbook-cgi", { path: "/entries.txt" })).text()).toContain("\tEve\tKept\n");
  });

  test("keeps each of many who sign at once", async () => {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const names = Array.from({ length: 20 }, (_, i) => `Guest${i}`);
    await Promise.all(
      names.map((name) => ask("guestbook-cgi", { path: "/", body: `name=${name}&message=Hello`, headers })),
    );
    const book = await (await ask("guestbook-cgi", { path: "/entries.txt" })).text();
    for (const name of names) expect(book).toContain(`\t${name}\tHello\n`);
  });
});

describe("functions/stream-component", () => {
  test("sends its first line before its last", async () => {
    await using connection = await openRaw(host.dataUrl);
    const startedAtMs = performance.now();
    connection.send("GET /fn/stream-component/?n=3&delay=300 HTTP/1.1\r\nHost: a.test\r\nTE: trailers\r\n\r\n");
    await connection.until("[1] cites [2]");
    const firstMs = performance.now() - startedAtMs;
    const answer = await connection.next();
    expect(performance.now() - startedAtMs - firstMs).toBeGreaterThan(400);
    expect(answer.body).toBe("[1] cites [2]\n[2] cites [3]\n[3] cites [1]\n");
  });

  test("sends capitals while small letters still come", async () => {
    await using connection = await openRaw(host.dataUrl);
    connection.send("POST /fn/stream-component/ HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (const word of ["one", "two", "six"]) {
      connection.send(`3\r\n${word}\r\n`);
      await connection.until(word.toUpperCase());
    }
    connection.send("0\r\n\r\n");
    expect((await connection.next()).body).toBe("ONETWOSIX");
  });
});

describe("functions/caption", () => {
  test("draws each meme of the site, as the site asks for it", async () => {
    const listed = await fetch(`${host.dataUrl}/api/memes?limit=50`);
    const { items } = (await listed.json()) as { items: { id: string; png: string }[] };
    expect(items.length).toBeGreaterThanOrEqual(24);
    for (const { id, png } of items) {
      const response = await fetch(png);
      expect(response.headers.get("content-type"), id).toBe("image/png");
      expect(findPngFault(await response.bytes(), 1200, 900), id).toBeUndefined();
    }
  });

  test("is where the site's pages say that their pictures are", async () => {
    const page = await (await fetch(`${host.dataUrl}/m/null-result`)).text();
    const [, address = ""] = /property="og:image" content="([^"]+)"/.exec(page) ?? [];
    const response = await fetch(address.replaceAll("&amp;", "&"));
    expect(response.headers.get("content-type")).toBe("image/png");
    expect(response.headers.get("cache-control")).toContain("public");
    expect(findPngFault(await response.bytes(), 1200, 900)).toBeUndefined();
  });
});
