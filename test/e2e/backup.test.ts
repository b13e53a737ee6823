/**
 * A backup of a node that is being written to, and another node that serves what the first one served.
 */

import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../unit/cli/support.ts";
import { type CliProcess, createTempProject, familyOf, startCli, type TempProject, untilGone } from "./cli-process.ts";

const SHOP = `export default { async fetch(request, env) {
  const { pathname, searchParams } = new URL(request.url);
  const n = Number(searchParams.get("n"));
  if (pathname === "/d1") {
    await env.DB.batch([
      env.DB.prepare("INSERT INTO pairs VALUES (?, 0)").bind(n),
      env.DB.prepare("UPDATE pairs SET b = a WHERE a = ?").bind(n),
    ]);
    return new Response("ok");
  }
  if (pathname === "/kv") {
    await env.CACHE.put("n" + n, String(n));
    return new Response("ok");
  }
  const { results } = await env.DB.prepare("SELECT a, b FROM pairs").all();
  const { keys } = await env.CACHE.list({ prefix: "n" });
  return Response.json({ secret: env.TOKEN, rows: results, keys: keys.map(({ name }) => name), cached: await env.CACHE.get("n0") });
} };`;
const WRANGLER = `name = "shop"
main = "index.js"
compatibility_date = "2026-11-01"
secrets.required = ["TOKEN"]
[[d1_databases]]
binding = "DB"
database_id = "pairs.main"
[[kv_namespaces]]
binding = "CACHE"
[assets]
directory = "public"
`;

let project: TempProject;
let node: CliProcess;
const started: CliProcess[] = [];

beforeAll(async () => {
  project = await createTempProject({
    "wrangler.toml": WRANGLER,
    "index.js": SHOP,
    "public/hello.txt": "static",
    "migrations/0001.sql": "CREATE TABLE pairs (a INTEGER, b INTEGER)",
    "elsewhere/README.md": "an empty folder but for this",
  });
  // The first start deploys nothing: the secret is missing.
  node = start(project.dir);
  await node.ready();
  expect((await cli("secret", "put", "TOKEN", { stdin: "hunter2" })).code).toBe(0);
  await stop(node);
  node = start(project.dir);
  await node.ready();
}, 60_000);
afterAll(async () => {
  for (const each of started) await stop(each);
  await project.remove();
});

function start(cwd: string, ...argv: string[]): CliProcess {
  const process = startCli(["serve", ...argv], { cwd });
  started.push(process);
  return process;
}

async function stop(process: CliProcess): Promise<void> {
  if (process.child.exitCode !== null) return;
  const family = familyOf(process.pid);
  process.child.kill("SIGTERM");
  await process.exit;
  await untilGone(family);
}

async function cli(...argv: (string | { stdin?: string; cwd?: string })[]) {
  const options = argv.filter((each) => typeof each === "object");
  const words = argv.filter((each) => typeof each === "string");
  return await run(words, Object.assign({ cwd: project.dir }, ...options));
}

/** What the function says of all that it has. */
interface Kept {
  readonly secret: string;
  readonly rows: readonly { readonly a: number; readonly b: number }[];
  readonly keys: readonly string[];
  readonly cached: string;
}

async function readKept(dataUrl: string): Promise<Kept> {
  const kept: Kept = JSON.parse(await (await ask(`${dataUrl}/fn/shop/`)).text());
  return kept;
}

async function ask(url: string) {
  const response = await fetch(url);
  expect(response.status, await response.clone().text()).toBe(200);
  return response;
}

/** Writes until it is told to stop; tells which writes were answered. */
function writeOn(dataUrl: string, kind: "d1" | "kv") {
  const answered: number[] = [];
  let isOver = false;
  const work = (async () => {
    for (let n = 0; !isOver; n += 1) {
      await (await ask(`${dataUrl}/${kind}?n=${n}`)).text();
      answered.push(n);
    }
  })();
  return {
    answered,
    stop: async () => {
      isOver = true;
      await work;
    },
  };
}

describe("a backup of a node under load", () => {
  test("has every write that was answered before, no half of a batch, and serves elsewhere", {
    timeout: 60_000,
  }, async () => {
    const { dataUrl } = await node.ready();
    const writers = [writeOn(dataUrl, "d1"), writeOn(dataUrl, "kv")];
    await expect.poll(() => writers.every(({ answered }) => answered.length > 50), { timeout: 30_000 }).toBe(true);
    const before = writers.map(({ answered }) => answered.length);
    const done = await cli("backup", "all.tar");
    for (const writer of writers) await writer.stop();
    expect(done.stderr).toContain("keep it where nobody else reads it");
    expect(done.stdout).toMatch(/^backed up \d+ files, .*, to all\.tar, and verified them\n$/);
    expect((await stat(join(project.dir, "all.tar"))).mode & 0o777).toBe(0o600);
    expect((await readdir(project.dir)).filter((name) => name.endsWith(".part"))).toEqual([]);
    // Nothing of the copies stays on the node.
    expect(await readdir(join(project.dir, ".nebula"))).not.toContain("backup");
    for (const kind of ["d1", "kv"]) expect(await readdir(join(project.dir, ".nebula", kind, ".copies"))).toEqual([]);

    const elsewhere = join(project.dir, "elsewhere");
    const restored = await cli("restore", join(project.dir, "all.tar"), { cwd: elsewhere });
    expect(restored.stderr).toBe("");
    expect(restored.stdout).toMatch(/^restored \d+ files/);
    const other = start(elsewhere, "--no-deploy");
    const { dataUrl: otherUrl } = await other.ready();
    const { rows, keys, secret, cached } = await readKept(otherUrl);
    expect({ secret, cached }).toEqual({ secret: "hunter2", cached: "0" });
    expect(rows.filter(({ a, b }) => a !== b)).toEqual([]);
    const [d1 = 0, kv = 0] = before;
    const found = new Set(rows.map(({ a }) => a));
    expect(Array.from({ length: d1 }, (_, n) => n).filter((n) => !found.has(n))).toEqual([]);
    expect(Array.from({ length: Math.min(kv, 500) }, (_, n) => `n${n}`).filter((name) => !keys.includes(name))).toEqual(
      [],
    );
    expect(await (await ask(`${otherUrl}/fn/shop/hello.txt`)).text()).toBe("static");
    const token = (dir: string) => readFile(join(dir, ".nebula/token"), "utf8");
    expect(await token(elsewhere)).toBe(await token(project.dir));

    const busy = await cli("restore", join(project.dir, "all.tar"), "--replace", { cwd: elsewhere });
    expect(busy).toMatchObject({ code: 70, stderr: expect.stringContaining("in use by another node") });
    await stop(other);
  });

  test("without its key holds no secret in the open, and opens where the key is", { timeout: 60_000 }, async () => {
    const done = await cli("backup", "sealed.tar", "--without-key", "--json");
    expect(JSON.parse(done.stdout)).toMatchObject({ file: "sealed.tar", hasKey: false });
    const tar = await readFile(join(project.dir, "sealed.tar"));
    const key = JSON.parse(await readFile(join(project.dir, ".nebula/secrets.key"), "utf8")).keys[0].key;
    const token = (await readFile(join(project.dir, ".nebula/token"), "utf8")).trim();
    for (const secret of ["hunter2", key, token]) expect(tar.includes(secret)).toBe(false);
    expect((await readFile(join(project.dir, "all.tar"))).includes(key)).toBe(true);

    const { dataUrl } = await node.ready();
    await ask(`${dataUrl}/d1?n=-1`);
    await stop(node);
    const refused = await cli("restore", "sealed.tar");
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("there is state already") });
    const restored = await cli("restore", "sealed.tar", "--replace");
    expect(restored.stderr).toContain("secrets open only where secrets.key is there already");
    node = start(project.dir, "--no-deploy");
    const { secret, rows } = await readKept((await node.ready()).dataUrl);
    expect(secret).toBe("hunter2");
    expect(rows.some(({ a }) => a === -1)).toBe(false);
  });

  test("keeps the file of before when there is no node, and when the new one cannot be written", async () => {
    await writeFile(join(project.dir, "kept.tar"), "before");
    expect((await cli("backup", "no/such/folder/a.tar")).stderr).toContain("there is no such folder");
    await stop(node);
    expect(await cli("backup", "kept.tar")).toMatchObject({ code: 70, stdout: "" });
    expect(await readFile(join(project.dir, "kept.tar"), "utf8")).toBe("before");
    const refused = await cli("restore", "kept.tar", "--replace");
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("NEBULA_BACKUP_INVALID") });
    node = start(project.dir, "--no-deploy");
    expect(await (await ask(`${(await node.ready()).dataUrl}/fn/shop/hello.txt`)).text()).toBe("static");
  });
});
