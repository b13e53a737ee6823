import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { formatEnvTypes } from "../../../src/cli/types/env-types.ts";
import { createFolder, run } from "./support.ts";

const TSC = join(import.meta.dirname, "../../../node_modules/typescript/bin/tsc");

const CONFIG = `
name = "shop"
main = "index.ts"
compatibility_date = "2026-11-01"

[vars]
MODE = "it's \\"quoted\\""
COUNT = 3
FLAGS = { debug = true, "log-level" = "warn", hosts = ["a", 1], none = [] }

[assets]
directory = "public"
binding = "ASSETS"

[secrets]
required = ["API_KEY"]

[[d1_databases]]
binding = "DB"

[[kv_namespaces]]
binding = "KV"

[[services]]
binding = "AUTH"
service = "auth"
entrypoint = "Auth"

[[services]]
binding = "PLAIN"
service = "plain"

[[services]]
binding = "ELSEWHERE"
service = "elsewhere"
`;

/** Uses every method; a line that must not be right says so. */
const PROGRAM = `
import { env as imported, RpcTarget, WorkerEntrypoint, waitUntil } from "cloudflare:workers";

export default {
  async fetch(request, env, ctx) {
    const mode: "it's \\"quoted\\"" = env.MODE;
    const count: 3 = env.COUNT;
    const debug: true = env.FLAGS.debug;
    const level: "warn" = env.FLAGS["log-level"];
    const [first, second]: ["a", 1] = env.FLAGS.hosts;
    const none: [] = env.FLAGS.none;
    const key: string = env.API_KEY;
    const same: string = imported.API_KEY;
    // @ts-expect-error it has no such variable
    env.OTHER;
    // @ts-expect-error env cannot be changed
    env.API_KEY = "x";

    const page: Response = await env.ASSETS.fetch(new URL("/a", request.url));
    await env.ASSETS.fetch(request, { method: "HEAD" });
    await env.ASSETS.fetch("http://assets/a");

    const all = env.DB.prepare("SELECT ?").bind(1, "a", null, true, new Uint8Array(1), new ArrayBuffer(1));
    const row = await all.first<{ id: number }>();
    const id: number | undefined = row?.id;
    const column: number | null = await all.first<number>("id");
    const { results, success, meta } = await all.all<{ id: number }>();
    const ids: number[] = results.map((one) => one.id);
    const sum: number = meta.duration + meta.changes + meta.last_row_id + meta.rows_read + meta.rows_written + meta.size_after;
    const isChanged: boolean = meta.changed_db && success;
    const ran = await all.run();
    const value: unknown = ran.results[0]?.id;
    const lists: [number, string][] = await all.raw<[number, string]>();
    const [names, ...rest]: [string[], ...unknown[][]] = await all.raw({ columnNames: true });
    const [one] = await env.DB.batch<{ id: number }>([all, all]);
    const batched: number | undefined = one?.results[0]?.id;
    const { count: statements, duration } = await env.DB.exec("SELECT 1");
    const session = env.DB.withSession("first-primary");
    const bookmark: string | null = session.getBookmark();
    await env.DB.withSession(bookmark ?? undefined).prepare("SELECT 1").first();
    await session.batch([session.prepare("SELECT 1")]);
    // @ts-expect-error a statement is no text
    await env.DB.batch(["SELECT 1"]);

    const text: string | null = await env.KV.get("a");
    const text2: string | null = await env.KV.get("a", "text");
    const text3: string | null = await env.KV.get("a", { cacheTtl: 60 });
    const json = await env.KV.get<{ a: number }>("a", "json");
    const inside: number | undefined = json?.a;
    const json2: { a: number } | null = await env.KV.get<{ a: number }>("a", { type: "json", cacheTtl: 60 });
    const buffer: ArrayBuffer | null = await env.KV.get("a", "arrayBuffer");
    const stream: ReadableStream<Uint8Array> | null = await env.KV.get("a", { type: "stream" });
    const bulk: Map<string, string | null> = await env.KV.get(["a", "b"]);
    const bulkJson: Map<string, { a: number } | null> = await env.KV.get<{ a: number }>(["a"], "json");
    // @ts-expect-error there is no such type
    await env.KV.get("a", "blob");
    const { value: kept, metadata } = await env.KV.getWithMetadata<{ by: string }>("a");
    const by: string | undefined = metadata?.by;
    const keptText: string | null = kept;
    const withJson = await env.KV.getWithMetadata<{ a: number }, { by: string }>("a", "json");
    const both: [number | undefined, string | undefined] = [withJson.value?.a, withJson.metadata?.by];
    const bytes: ArrayBuffer | null = (await env.KV.getWithMetadata("a", "arrayBuffer")).value;
    const chunks: ReadableStream | null = (await env.KV.getWithMetadata("a", { type: "stream" })).value;
    const several = await env.KV.getWithMetadata<{ by: string }>(["a"]);
    const nobody: string | undefined = several.get("a")?.metadata?.by;
    const parsed: number | undefined = (await env.KV.getWithMetadata<{ a: number }>(["a"], "json")).get("a")?.value.a;
    await env.KV.put("a", "text", { expirationTtl: 60, expiration: 1, metadata: { by: "me" } });
    await env.KV.put("a", new Uint8Array(1));
    await env.KV.put("a", new ArrayBuffer(1));
    await env.KV.put("a", new Blob(["a"]).stream());
    // @ts-expect-error a value is no object
    await env.KV.put("a", { a: 1 });
    await env.KV.delete("a");
    const listed = await env.KV.list<{ by: string }>({ prefix: "a", limit: 10, cursor: null });
    const next: string | undefined = listed.list_complete ? undefined : listed.cursor;
    const [found] = listed.keys;
    const about: (string | number | undefined)[] = [found?.name, found?.expiration, found?.metadata?.by];

    const user: { name: string } | undefined = await env.AUTH.check("token", 1);
    const version: number = await env.AUTH.version;
    const answered: Response = await env.AUTH.fetch(request);
    // @ts-expect-error it wants a text
    await env.AUTH.check(1, 1);
    // @ts-expect-error it has no such method
    await env.AUTH.destroy();
    const plain: Response = await env.PLAIN.fetch("http://plain/");
    const unknown: unknown = await env.ELSEWHERE.anything?.(1, "a");
    const other: Response = await env.ELSEWHERE.fetch(request);

    ctx.waitUntil(env.KV.delete("a"));
    ctx.passThroughOnException();
    waitUntil(Promise.resolve());
    const props: unknown = ctx.props.a;
    await caches.default.put(request, page.clone());
    const hit: Response | undefined = await caches.default.match(request);
    return hit ?? page;
  },
} satisfies ExportedHandler<Env>;

export class Greeter extends WorkerEntrypoint<Env, { greeting: string }> {
  override fetch(request: Request): Response {
    this.ctx.waitUntil(this.env.KV.delete(request.url));
    return new Response(this.ctx.props.greeting);
  }
}

export class Counter extends RpcTarget {}
`;

const AUTH = `
import { WorkerEntrypoint } from "cloudflare:workers";
export class Auth extends WorkerEntrypoint {
  check(token: string, level: number): { name: string } | undefined {
    return token.length > level ? { name: token } : undefined;
  }
  get version(): Promise<number> {
    return Promise.resolve(1);
  }
}
`;

const FILES = {
  "wrangler.toml": CONFIG,
  "index.ts": PROGRAM,
  "public/index.html": "",
  "functions/auth/index.ts": AUTH,
  "functions/plain/index.ts": "export default { fetch: (request: Request) => new Response(request.url) };\n",
};

async function check(dir: string, lib: readonly string[]): Promise<string> {
  const compilerOptions = {
    target: "ES2024",
    lib,
    module: "NodeNext",
    types: [],
    noEmit: true,
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    noImplicitOverride: true,
    skipLibCheck: false,
  };
  const include = ["env.d.ts", "index.ts", "functions"];
  await writeFile(join(dir, "tsconfig.json"), JSON.stringify({ compilerOptions, include }));
  await writeFile(join(dir, "package.json"), '{"type":"module"}');
  const { stdout } = await promisify(execFile)(process.execPath, [TSC, "-p", dir]).catch((failed: unknown) =>
    Object(failed),
  );
  return String(stdout);
}

describe("nebula types", () => {
  test.each([[["ES2024", "WebWorker"]], [["ES2024", "DOM", "DOM.Iterable"]]])(
    "writes what a program that uses every method is right with, under the lib %j",
    async (lib) => {
      await using folder = await createFolder(FILES);
      expect(await run(["types"], { cwd: folder.dir })).toMatchObject({ code: 0, stdout: "wrote env.d.ts\n" });
      expect(await check(folder.dir, lib)).toBe("");
      await folder.write("index.ts", PROGRAM.replace("env.API_KEY;", "env.API_KEYS;"));
      expect(await check(folder.dir, lib)).toContain("API_KEYS");
    },
  );

  test("declares nothing that the function does not have", async () => {
    const base = formatEnvTypes({ bindings: [], secrets: [], entrypoints: {} });
    expect(base).toContain("interface Env {}");
    for (const name of ["D1Database", "KVNamespace", "Fetcher", "Service"]) expect(base).not.toContain(name);
    const kv = formatEnvTypes({ bindings: [{ type: "kv", name: "KV", id: "a" }], secrets: [], entrypoints: {} });
    expect(kv).toContain("readonly KV: KVNamespace;");
    expect(kv).toContain("interface KVNamespace {");
    for (const name of ["D1Database", "Fetcher", "Service"]) expect(kv).not.toContain(name);
  });

  test("is the same each time, and says so", async () => {
    await using folder = await createFolder(FILES);
    const { dir } = folder;
    expect((await run(["types", "--check"], { cwd: dir })).code).toBe(1);
    await run(["types"], { cwd: dir });
    const first = await readFile(join(dir, "env.d.ts"), "utf8");
    expect(await run(["types"], { cwd: dir })).toMatchObject({ code: 0, stdout: "env.d.ts is up to date\n" });
    expect((await run(["types", "--check"], { cwd: dir })).code).toBe(0);
    await folder.write("wrangler.toml", CONFIG.replace('"DB"', '"DATABASE"'));
    const outdated = await run(["types", "--check"], { cwd: dir });
    expect(outdated).toMatchObject({ code: 1, stdout: "" });
    expect(outdated.stderr).toContain('Cannot rely on "env.d.ts": it is not up to date');
    expect(await readFile(join(dir, "env.d.ts"), "utf8")).toBe(first);
    expect(JSON.parse((await run(["types", "--json"], { cwd: dir })).stdout)).toEqual({
      file: join(dir, "env.d.ts"),
      isChanged: true,
    });
  });

  test("writes the names of secrets in .dev.vars where the configuration requires none, and no value", async () => {
    const config = CONFIG.replace(/\[secrets\]\nrequired.*\n/, "");
    await using folder = await createFolder({
      ...FILES,
      "wrangler.toml": config,
      ".dev.vars": "B=hunter2\nMODE=hunter3\n",
    });
    await run(["types", "--out", "types/env.d.ts"], { cwd: folder.dir });
    await folder.write("types/", "");
    expect(await run(["types", "--out", "types/env.d.ts"], { cwd: folder.dir })).toMatchObject({ code: 0 });
    const text = await readFile(join(folder.dir, "types/env.d.ts"), "utf8");
    expect(text).toMatch(/\n {2}readonly B: string;\n {2}readonly MODE: string;\n/);
    expect(text).toContain('typeof import("../functions/auth/index.ts")');
    expect(text).not.toContain("hunter");
    await folder.write("wrangler.toml", CONFIG);
    await run(["types"], { cwd: folder.dir });
    expect(await readFile(join(folder.dir, "env.d.ts"), "utf8")).not.toContain("readonly B:");
  });

  test("writes over no file of others, and into no other kind of file", async () => {
    await using folder = await createFolder({ ...FILES, "env.d.ts": "interface Mine {}\n" });
    const ran = await run(["types"], { cwd: folder.dir });
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain('Cannot write "env.d.ts": it was not made by nebula types');
    expect(await readFile(join(folder.dir, "env.d.ts"), "utf8")).toBe("interface Mine {}\n");
    expect((await run(["types", "--out", "index.ts"], { cwd: folder.dir })).code).toBe(2);
    expect((await run(["types", "--out", "nowhere/env.d.ts"], { cwd: folder.dir })).code).toBe(2);
    expect((await run(["types", "nowhere"], { cwd: folder.dir })).code).toBe(2);
  });

  test("tells what is wrong with the configuration and writes nothing", async () => {
    await using folder = await createFolder({ ...FILES, "wrangler.toml": `${CONFIG}\n[vars]\n` });
    const ran = await run(["types"], { cwd: folder.dir });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain("NEBULA_CONFIG_INVALID");
    await expect(readFile(join(folder.dir, "env.d.ts"))).rejects.toThrow();
  });
});
