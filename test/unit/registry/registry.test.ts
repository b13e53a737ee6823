import { mkdir, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Digest } from "../../../src/model/artifact.ts";
import type { DeploymentInput } from "../../../src/model/deployment.ts";
import type { ErrorCode, NebulaError } from "../../../src/model/errors.ts";
import { DEFAULT_LIMITS, DEFAULT_SCALING } from "../../../src/model/function.ts";
import { systemClock } from "../../../src/model/ports.ts";
import type { Registry } from "../../../src/registry/registry.ts";
import { openRegistry } from "../../../src/registry/registry.ts";

let dir: string;
let path: string;
let nowMs: number;
let ids: number;
let registry: Registry;

function reopen(): Promise<Registry> {
  const clock = { ...systemClock, dateMs: () => nowMs };
  const randomId = () => {
    ids += 1;
    return String(ids);
  };
  return openRegistry(path, { clock, randomId });
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "nebula-registry-"));
  path = join(dir, "state", "registry.db");
  nowMs = 1_000;
  ids = 0;
  registry = await reopen();
});
afterEach(async () => {
  await registry[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

const failure = (code: ErrorCode, message: string | RegExp) =>
  expect.objectContaining({
    code,
    message: typeof message === "string" ? message : expect.stringMatching(message),
  });

const onDamaged = (error: NebulaError) => {
  throw error;
};

const digest = (seed: number): Digest => `sha256:${seed.toString(16).padStart(64, "0")}`;

function inputOf(name: string, seed = 1): DeploymentInput {
  return {
    spec: {
      name,
      engines: ["isolate"],
      compatibility: { date: "2026-11-01", flags: ["nodejs_compat"] },
      routes: ["*/*"],
      bindings: [{ type: "var", name: "GREETING", value: { text: "it's \u{1f600}" } }],
      assets: { htmlHandling: "none", notFoundHandling: "404-page", runWorkerFirst: ["/api/*"] },
      limits: { ...DEFAULT_LIMITS, wallMs: 5 },
      scaling: DEFAULT_SCALING,
      outbound: [],
    },
    forms: [
      {
        engine: "isolate",
        artifact: {
          kind: "js",
          main: { digest: digest(seed), bytes: 10, name: "index.js", kind: "js" },
          modules: [{ digest: digest(seed + 100), bytes: 10, name: "a.wasm", kind: "wasm" }],
          sourceMap: { digest: digest(seed + 200), bytes: 10 },
          style: "module",
        },
      },
      { engine: "wasi", failure: "Cannot build it" },
    ],
    assets: {
      files: {
        "/digest": {
          digest: digest(seed + 300),
          bytes: 10,
          contentType: "text/html",
          encoded: { br: { digest: digest(seed + 400), bytes: 5 } },
        },
      },
      headersFile: "/*\n  x: y",
    },
  };
}

async function deploy(name: string, seed = 1) {
  const { id } = await registry.insert(inputOf(name, seed), digest(seed));
  return registry.activate(id);
}

const states = async (name: string) =>
  (await registry.listDeployments(name, { limit: 100 })).map(({ id, state }) => `${id} ${state}`);

describe("insert()", () => {
  it("gives back what was put in, also after the file was closed", async () => {
    const inserted = await registry.insert(inputOf("hello"), digest(7));
    expect(inserted).toEqual({ ...inputOf("hello"), id: "d_1", digest: digest(7), createdAtMs: 1_000, state: "ready" });
    await registry[Symbol.asyncDispose]();
    registry = await reopen();
    expect(await registry.findDeployment("d_1")).toEqual(inserted);
  });

  it("takes a deployment of static files alone", async () => {
    const { spec } = inputOf("site");
    const inserted = await registry.insert({ spec, forms: [], assets: { files: {} } }, digest(1));
    expect(await registry.findDeployment(inserted.id)).toEqual(inserted);
  });

  it("tells nothing of what was deployed when it fails", async () => {
    await registry.insert(inputOf("hello"), digest(1));
    ids = 0;
    const error: unknown = await registry.insert(inputOf("hello"), digest(1)).catch((thrown: unknown) => thrown);
    expect(error).toEqual(
      failure("NEBULA_STATE_FAILED", `Cannot insert a deployment in "${path}": the database refused`),
    );
    expect(error).toHaveProperty("cause.message", "UNIQUE constraint failed: deployments.id");
    expect(await states("hello")).toEqual(["d_1 ready"]);
  });
});

describe("activate()", () => {
  it("makes one deployment active and retires the one before", async () => {
    await deploy("hello", 1);
    await deploy("other", 2);
    expect((await deploy("hello", 3)).state).toBe("active");
    expect(await states("hello")).toEqual(["d_3 active", "d_1 retired"]);
    expect(await states("other")).toEqual(["d_2 active"]);
    expect((await registry.findActive("hello"))?.id).toBe("d_3");
  });

  it("goes back to a retired one, and is quiet about an active one", async () => {
    await deploy("hello", 1);
    await deploy("hello", 2);
    await registry.activate("d_1");
    await registry.activate("d_1");
    expect(await states("hello")).toEqual(["d_2 retired", "d_1 active"]);
  });

  it("refuses an unknown and a failed deployment and changes nothing", async () => {
    await deploy("hello");
    const { id } = await registry.insert(inputOf("hello"), digest(2));
    await registry.fail(id, { code: "NEBULA_PREPARE_FAILED", message: "Cannot prepare" });
    await expect(registry.activate("d_unknown")).rejects.toThrow(
      failure("NEBULA_FUNCTION_NOT_FOUND", 'Cannot activate "d_unknown": there is no such deployment'),
    );
    await expect(registry.activate(id)).rejects.toThrow(
      failure("NEBULA_REQUEST_INVALID", 'Cannot activate "d_2": its state is "failed"'),
    );
    expect(await states("hello")).toEqual(["d_2 failed", "d_1 active"]);
  });
});

describe("fail()", () => {
  it("keeps the reason", async () => {
    const { id } = await registry.insert(inputOf("hello"), digest(1));
    await registry.fail(id, { code: "NEBULA_PREPARE_FAILED", message: "Cannot prepare it" });
    expect(await registry.findDeployment(id)).toMatchObject({
      state: "failed",
      failure: { code: "NEBULA_PREPARE_FAILED", message: "Cannot prepare it" },
    });
  });

  it("refuses a deployment that is not ready", async () => {
    const { id } = await deploy("hello");
    const reason = { code: "NEBULA_PREPARE_FAILED", message: "x" } as const;
    await expect(registry.fail(id, reason)).rejects.toThrow(
      failure("NEBULA_REQUEST_INVALID", 'Cannot fail "d_1": its state is "active"'),
    );
    await expect(registry.fail("d_9", reason)).rejects.toThrow(failure("NEBULA_FUNCTION_NOT_FOUND", /no such/));
  });
});

describe("the lists", () => {
  it("are empty in a new registry", async () => {
    expect(await registry.listActive({ onDamaged })).toEqual([]);
    expect(await registry.listFunctions()).toEqual([]);
    expect(await registry.listDeployments("hello", { limit: 10 })).toEqual([]);
    expect(await registry.findActive("hello")).toBeUndefined();
    expect(await registry.referencedDigests()).toEqual(new Set());
  });

  it("name functions with and without an active deployment", async () => {
    await deploy("b");
    nowMs = 2_000;
    await registry.insert(inputOf("a"), digest(1));
    await deploy("b", 2);
    expect(await registry.listFunctions()).toEqual([
      { name: "a", createdAtMs: 2_000 },
      { name: "b", createdAtMs: 1_000, activeId: "d_3" },
    ]);
    expect((await registry.listActive({ onDamaged })).map(({ id }) => id)).toEqual(["d_3"]);
  });

  it("hold the newest first and no more than asked for", async () => {
    for (let seed = 1; seed <= 5; seed++) await deploy("hello", seed);
    const newest = await registry.listDeployments("hello", { limit: 2 });
    expect(newest.map(({ id }) => id)).toEqual(["d_5", "d_4"]);
  });
});

describe("findByDigest()", () => {
  it("finds the newest with that content that has not failed", async () => {
    await deploy("hello", 1);
    await deploy("hello", 2);
    const { id } = await registry.insert(inputOf("hello"), digest(1));
    await registry.fail(id, { code: "NEBULA_PREPARE_FAILED", message: "x" });
    expect((await registry.findByDigest("hello", digest(1)))?.id).toBe("d_1");
    expect(await registry.findByDigest("other", digest(1))).toBeUndefined();
    expect(await registry.findByDigest("hello", digest(3))).toBeUndefined();
  });
});

describe("remove()", () => {
  it("forgets a function with its deployments, and tells whether there was one", async () => {
    await deploy("hello", 1);
    await deploy("other", 2);
    expect(await registry.remove("hello")).toBe(true);
    expect(await registry.remove("hello")).toBe(false);
    expect((await registry.listFunctions()).map(({ name }) => name)).toEqual(["other"]);
    expect(await states("hello")).toEqual([]);
  });
});

describe("prune() and referencedDigests()", () => {
  it("keep what is active or ready and the newest of the others, for each function", async () => {
    for (let seed = 1; seed <= 4; seed++) await deploy("hello", seed);
    await registry.activate("d_1");
    await deploy("other", 5);
    const failed = await registry.insert(inputOf("hello"), digest(6));
    await registry.fail(failed.id, { code: "NEBULA_PREPARE_FAILED", message: "x" });
    await registry.insert(inputOf("hello"), digest(7));
    expect(await registry.prune({ keepPerFunction: 2 })).toBe(2);
    expect(await states("hello")).toEqual(["d_7 ready", "d_6 failed", "d_4 retired", "d_1 active"]);
    expect(await states("other")).toEqual(["d_5 active"]);
    expect(await registry.prune({ keepPerFunction: 0 })).toBe(2);
    expect(await registry.prune({ keepPerFunction: 0 })).toBe(0);
  });

  it("name the blobs of migrations, which come back as they were", async () => {
    const files = [{ name: "0001_a.sql", digest: digest(999), bytes: 1 }];
    const migrations = [{ database: "db", table: "d1_migrations", files }];
    await registry.insert({ ...inputOf("hello"), migrations }, digest(8));
    expect(await registry.findDeployment("d_1")).toMatchObject({ migrations });
    expect(await registry.referencedDigests()).toContain(digest(999));
    await registry.insert(inputOf("hello"), digest(9));
    expect(await registry.findDeployment("d_2")).not.toHaveProperty("migrations");
  });

  it("name every blob of every deployment that is left, and no other", async () => {
    await deploy("hello", 1);
    await deploy("hello", 2);
    const blobs = (seed: number) => [0, 100, 200, 300, 400].map((offset) => digest(seed + offset));
    expect(await registry.referencedDigests()).toEqual(new Set([...blobs(1), ...blobs(2)]));
    await registry.prune({ keepPerFunction: 0 });
    expect(await registry.referencedDigests()).toEqual(new Set(blobs(2)));
  });

  it("are the same of a copy, which has the keys of its moment", async () => {
    await deploy("hello", 1);
    const copy = { path: join(dir, "it's a copy.db"), keyPath: join(dir, "copy.key") };
    expect(await registry.copyTo(copy)).toEqual({ digests: await registry.referencedDigests(), hasKey: false });
    await rm(copy.path);
    await registry.secrets.replace("hello", { TOKEN: "secret" });
    expect(await registry.copyTo(copy)).toMatchObject({ hasKey: true });
    await registry.secrets.rotate();
    await mkdir(join(dir, "other"));
    await rename(copy.path, join(dir, "other", "registry.db"));
    await rename(copy.keyPath, join(dir, "other", "secrets.key"));
    await using other = await openRegistry(join(dir, "other", "registry.db"), {
      clock: systemClock,
      randomId: () => "x",
    });
    expect(await other.secrets.read("hello")).toEqual({ TOKEN: "secret" });
    expect(await other.findActive("hello")).toMatchObject({ id: "d_1" });
  });

  it("keep the file from growing", async () => {
    const sizeOf = async () => {
      await using file = await open(path);
      return (await file.stat()).size;
    };
    const rounds = async (count: number) => {
      for (let seed = 0; seed < count; seed++) {
        await deploy("hello", seed);
        await registry.prune({ keepPerFunction: 3 });
      }
      await registry[Symbol.asyncDispose]();
      registry = await reopen();
    };
    await rounds(20);
    const before = await sizeOf();
    await rounds(60);
    expect(await sizeOf()).toBeLessThanOrEqual(before);
  });
});

describe("a damaged registry", () => {
  it("is named when the file is no database", async () => {
    const other = join(dir, "other.db");
    await writeFile(other, "this is not a database at all, but long enough to be looked at ".repeat(20));
    await expect(openRegistry(other, { clock: systemClock, randomId: () => "1" })).rejects.toThrow(
      expect.objectContaining({
        code: "NEBULA_STATE_FAILED",
        message: `Cannot open the registry in "${other}": it is damaged: this is not a database`,
        hint: "Restore the file from a copy, or move it away and deploy the functions again",
      }),
    );
  });

  it("is named when pages are overwritten", async () => {
    for (let seed = 0; seed < 20; seed++) await deploy("hello", seed);
    await registry[Symbol.asyncDispose]();
    const file = await open(path, "r+");
    const { size } = await file.stat();
    await file.write(new Uint8Array(size - 4096).fill(0xa5), 0, size - 4096, 4096);
    await file.close();
    const listed = reopen().then((opened) => {
      registry = opened;
      return registry.listActive({ onDamaged });
    });
    await expect(listed).rejects.toThrow(failure("NEBULA_STATE_FAILED", /"[^"]*registry\.db": it is damaged$/));
  });

  it("is named when its path is a folder", async () => {
    await expect(openRegistry(dir, { clock: systemClock, randomId: () => "1" })).rejects.toThrow(
      failure("NEBULA_STATE_FAILED", `Cannot open the registry in "${dir}": it cannot be opened`),
    );
  });

  const does = "does not hold what it should";
  const toForms = (artifact: string) => `[{"engine":"isolate","artifact":${artifact}}]`;
  it.each([
    ["spec", "{", '"spec" is not JSON'],
    ["spec", "[]", `"spec" ${does}`],
    ["spec", "null", `"spec" ${does}`],
    ["spec", JSON.stringify({ ...inputOf("hello").spec, engines: ["unknown"] }), `"spec" ${does}`],
    ["spec", JSON.stringify({ ...inputOf("hello").spec, limits: { wallMs: "5" } }), `"spec" ${does}`],
    ["forms", toForms('{"kind":"js","main":{"digest":"../x","bytes":1,"name":"a","kind":"js"}}'), `"forms" ${does}`],
    ["forms", toForms('{"kind":"wasm","main":{}}'), `"forms" ${does}`],
    ["forms", toForms(`{"kind":"wasi-p1","main":{"digest":"${digest(1)}","bytes":1},"files":{}}`), `"forms" ${does}`],
    ["forms", "{}", `"forms" ${does}`],
    ["assets", '{"files":{"/a":{"digest":"x"}}}', `"assets" ${does}`],
    ["digest", "sha256:x", `"digest" ${does}`],
    ["failure_code", "NEBULA_NONE", `"failure_code" ${does}`],
    ["created_at_ms", "yesterday", `"created_at_ms" ${does}`],
  ])("is named when a record's %s is %s", async (column, value, problem) => {
    await deploy("hello");
    using db = new DatabaseSync(path);
    db.prepare(`UPDATE deployments SET ${column} = ?`).run(value);
    const damaged: NebulaError[] = [];
    await deploy("other");
    const active = await registry.listActive({ onDamaged: (error) => damaged.push(error) });
    expect(active.map(({ spec }) => spec.name)).toEqual(["other"]);
    expect(damaged).toEqual([failure("NEBULA_STATE_FAILED", `Cannot read the record of "d_1": ${problem}`)]);
  });

  it("fills limits that an older node did not write", async () => {
    await deploy("hello");
    using db = new DatabaseSync(path);
    db.exec("UPDATE deployments SET spec = json_remove(spec, '$.limits.cpuMs', '$.scaling.queueMs')");
    const spec = (await registry.findActive("hello"))?.spec;
    expect(spec?.limits).toEqual({ ...DEFAULT_LIMITS, wallMs: 5 });
    expect(spec?.scaling).toEqual(DEFAULT_SCALING);
  });
});

describe("openRegistry() and dispose", () => {
  it("migrate once and leave one file, twice quietly", async () => {
    await deploy("hello");
    await registry[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
    expect(await readdir(join(dir, "state"))).toEqual(["registry.db"]);
    registry = await reopen();
    expect(await states("hello")).toEqual(["d_1 active"]);
  });

  it("bring over what was written when a deployment had one artifact", async () => {
    await registry[Symbol.asyncDispose]();
    const { spec, forms } = inputOf("old");
    const [form] = forms;
    if (form === undefined || !("artifact" in form)) throw new Error("no artifact");
    const old = join(dir, "old");
    await mkdir(old);
    using db = new DatabaseSync(join(old, "registry.db"));
    db.exec(await readFile("migrations/registry/0000_registry.sql", "utf8"));
    db.exec("CREATE TABLE __drizzle_migrations (id INTEGER PRIMARY KEY, hash text NOT NULL, created_at numeric)");
    const { entries } = JSON.parse(await readFile("migrations/registry/meta/_journal.json", "utf8"));
    db.prepare("INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('', ?)").run(entries[0].when);
    db.exec("INSERT INTO functions VALUES ('old', 1)");
    const insert = db.prepare(
      "INSERT INTO deployments (id, function_name, digest, state, created_at_ms, spec, artifact) VALUES (?, 'old', ?, 'ready', 1, ?, ?)",
    );
    insert.run("d_code", digest(1), JSON.stringify(spec), JSON.stringify(form.artifact));
    insert.run("d_files", digest(2), JSON.stringify(spec), null);
    db.close();
    registry = await openRegistry(join(old, "registry.db"), { clock: systemClock, randomId: () => "1" });
    expect((await registry.findDeployment("d_code"))?.forms).toEqual([form]);
    expect((await registry.findDeployment("d_files"))?.forms).toEqual([]);
  });

  it("make methods fail after closing", async () => {
    await registry[Symbol.asyncDispose]();
    await expect(registry.listActive({ onDamaged })).rejects.toThrow(
      failure("NEBULA_STATE_FAILED", /Cannot list active/),
    );
  });
});
