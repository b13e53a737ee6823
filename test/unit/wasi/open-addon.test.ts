/** The add-on is compiled once, and every machine that cannot do it says why and goes on. */

import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type AddonOptions, openAddon } from "../../../src/engine/wasi/addon/open-addon.ts";
import { ADDON_SOURCE, findAddonFile, loadAddonFile } from "../../support/addon.ts";

const hasCompiler = (await findAddonFile()) !== undefined;
const dir = await mkdtemp(join(tmpdir(), "nebula-open-addon-"));
afterAll(async () => await rm(dir, { recursive: true, force: true }));

/** Opens with a fresh cache, and keeps what is logged. */
async function open(name: string, options: Partial<AddonOptions> = {}) {
  const lines: string[] = [];
  const cacheDir = join(dir, name);
  const log = { write: (level: string, msg: string) => void lines.push(`${level} ${msg}`) };
  const found = await openAddon({ cacheDir, sourceFile: ADDON_SOURCE, log, ...options });
  return { found, lines, cacheDir };
}

/** A compiler of a few lines of shell. */
async function makeCompiler(name: string, script: string): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

describe.skipIf(!hasCompiler)("openAddon()", () => {
  it("compiles once and finds it from then on, for guests of any user", { timeout: 120_000 }, async () => {
    const { found, lines, cacheDir } = await open("once");
    expect(lines).toEqual(["info add-on compiled"]);
    if (!("path" in found)) throw new Error(found.reason);
    expect(loadAddonFile(found.path).resetMemory).toBeTypeOf("function");
    const { mode, ino } = await stat(found.path);
    expect(mode & 0o777).toBe(0o444);
    expect((await stat(cacheDir)).mode & 0o777).toBe(0o700);
    expect(await readdir(cacheDir)).toHaveLength(1);
    const again = await open("once", { compilers: ["no-such-compiler"] });
    expect(again).toMatchObject({ found, lines: [] });
    expect((await stat(found.path)).ino).toBe(ino);
  });

  it("makes one file when many ask at the same time", { timeout: 120_000 }, async () => {
    const all = await Promise.all([open("many"), open("many"), open("many")]);
    expect(new Set(all.map(({ found }) => JSON.stringify(found))).size).toBe(1);
    expect(await readdir(join(dir, "many"))).toHaveLength(1);
  });

  it("tries the next compiler when one is absent or broken", { timeout: 120_000 }, async () => {
    const broken = await makeCompiler("broken", "echo 'fatal error: it is broken' >&2; exit 1");
    const { found } = await open("next", { compilers: ["no-such-compiler", broken, "c++", "g++", "clang++"] });
    expect(found).toHaveProperty("path");
  });

  it("removes what a crash and older versions left behind", { timeout: 120_000 }, async () => {
    const cacheDir = join(dir, "stale");
    await mkdir(join(cacheDir, "compiling-old"), { recursive: true });
    for (const name of ["compiling-old/addon.node", "addon-x64-0.node", "addon-x64-1.node"]) {
      await writeFile(join(cacheDir, name), "");
    }
    const long = new Date(Date.now() - 25 * 3_600_000);
    for (const name of ["compiling-old", "addon-x64-0.node"]) await utimes(join(cacheDir, name), long, long);
    await open("stale");
    const left = await readdir(cacheDir);
    expect(left).toContain("addon-x64-1.node");
    expect(left).toHaveLength(2);
  });
});

describe("openAddon() where it cannot compile", () => {
  const refusals: { why: string; options: () => Promise<Partial<AddonOptions>>; reason: RegExp }[] = [
    { why: "there is no compiler", options: async () => ({ path: dir }), reason: /^no C\+\+ compiler$/ },
    {
      why: "the headers are absent",
      options: async () => ({ includeDir: join(dir, "nothing") }),
      reason: /^Node's headers are not beside its binary$/,
    },
    { why: "the source is absent", options: async () => ({ sourceFile: join(dir, "no.cc") }), reason: /ENOENT/ },
    {
      why: "the folder cannot be made",
      options: async () => ({ cacheDir: "/dev/null/addon" }),
      reason: /ENOTDIR|EEXIST/,
    },
    {
      why: "the compiler fails, with its first error",
      options: async () => ({
        compilers: [await makeCompiler("fails", "echo note >&2; echo 'x.h:1: error: bad' >&2; echo more >&2; exit 1")],
      }),
      reason: /fails: x\.h:1: error: bad$/,
    },
    {
      why: "the compiler fails without a word",
      options: async () => ({ compilers: [await makeCompiler("mute", "exit 3")] }),
      reason: /mute: it ended with exit code 3$/,
    },
    {
      why: "what the compiler made does not load",
      options: async () => ({
        compilers: [await makeCompiler("liar", `while [ "$1" != -o ]; do shift; done; echo text > "$2"`)],
      }),
      reason: /liar: .*Error/,
    },
    {
      why: "the compiler made nothing",
      options: async () => ({ compilers: [await makeCompiler("lazy", "exit 0")] }),
      reason: /lazy: .*Error/,
    },
  ];

  it.each(refusals)("says so when $why", async ({ options, reason }) => {
    const { found, lines } = await open("refused", await options());
    expect(found).toEqual({ reason: expect.stringMatching(reason) });
    expect(lines).toEqual(["warn kept machine code is off"]);
    expect((await readdir(join(dir, "refused")).catch(() => [])).filter((name) => !name.startsWith("addon-"))).toEqual(
      [],
    );
  });

  it("ends a compiler that hangs, and what it started", async () => {
    const pidFile = join(dir, "pid");
    const hangs = await makeCompiler("hangs", `sleep 1000 & echo $! > ${pidFile}; wait`);
    const { found } = await open("hanging", { compilers: [hangs], timeoutMs: 500 });
    expect(found).toEqual({ reason: expect.stringMatching(/hangs: .*timeout/) });
    const pid = Number(await readFile(pidFile, "utf8"));
    const state = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "gone Z");
    expect(state).toMatch(/ Z/);
  });

  it("ends when the node stops", async () => {
    const hangs = await makeCompiler("hangs-too", "exec sleep 1000");
    const stop = new AbortController();
    const opening = open("stops", { compilers: [hangs], signal: stop.signal });
    stop.abort(new Error("the node is stopping"));
    expect((await opening).found).toEqual({ reason: expect.stringMatching(/the node is stopping$/) });
  });

  it("gives a compiler a clean environment", async () => {
    const out = join(dir, "environment");
    const spy = await makeCompiler("spy", `env > ${out}; exit 1`);
    process.env.NEBULA_SECRET_OF_THE_TEST = "secret";
    try {
      await open("environment-cache", { compilers: [spy] });
    } finally {
      delete process.env.NEBULA_SECRET_OF_THE_TEST;
    }
    const names = (await readFile(out, "utf8")).split("\n").map((line) => line.split("=")[0]);
    expect(
      names.filter((name) => !["", "PATH", "TMPDIR", "LC_ALL", "PWD", "_", "OLDPWD", "SHLVL"].includes(name ?? "")),
    ).toEqual([]);
  });

  it("takes names as they are, whatever is in them", async () => {
    const odd = join(dir, "odd $(exit 1) 'name");
    await mkdir(odd);
    const source = join(odd, "addon.cc");
    await symlink(ADDON_SOURCE, source);
    const { found } = await open('odd $(exit 2) "cache', { sourceFile: source });
    if (hasCompiler) expect(found).toHaveProperty("path");
    else expect(found).toHaveProperty("reason");
  });
});
