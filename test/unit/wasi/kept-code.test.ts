/** Machine code comes back whole or not at all, and no disk's trouble reaches those who ask. */

import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type KeptCodeOptions, openKeptCode, readCpuFeatures, toCodeKey } from "../../../src/engine/wasi/kept-code.ts";

const root = await mkdtemp(join(tmpdir(), "nebula-kept-code-"));
afterAll(async () => await rm(root, { recursive: true, force: true }));

const ORIGIN = {
  versions: { node: "26.10.0", v8: "14.6" },
  arch: "x64",
  flags: ["--a", "--b"],
  cpuFeatures: "aes avx",
};
const keyOf = (name: string) => toCodeKey(name, ORIGIN);
const KEY = keyOf("some module");
const CODE = Uint8Array.from({ length: 5_000 }, (_, i) => i % 251);

async function open(options: Partial<KeptCodeOptions> = {}) {
  const dir = join(await mkdtemp(join(root, "case-")), "code");
  const lines: string[] = [];
  // From now on: files that are being written have the time of the machine.
  let dateMs = Date.now();
  const clock = { nowMs: () => 0, dateMs: () => (dateMs += 1_000), after: () => ({ [Symbol.dispose]: () => {} }) };
  const log = { write: (_level: string, msg: string) => void lines.push(msg) };
  const kept = openKeptCode({ dir, limitBytes: 1_000_000, log, clock, ...options });
  return { kept, dir, lines, pathOf: (key: string) => join(dir, `${key}.code`) };
}

describe("kept code", () => {
  it("comes back as it was put, also to the next who opens the folder", async () => {
    const { kept, dir, lines, pathOf } = await open();
    expect(await kept.find(KEY)).toBeUndefined();
    expect(await kept.put(KEY, CODE)).toBe(true);
    expect(await kept.find(KEY)).toEqual(Buffer.from(CODE));
    expect(await (await open({ dir })).kept.find(KEY)).toEqual(Buffer.from(CODE));
    expect((await stat(pathOf(KEY))).mode & 0o777).toBe(0o600);
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    expect(lines).toEqual([]);
  });

  it("is replaced by what is put later, and empty code is code", async () => {
    const { kept } = await open();
    await kept.put(KEY, CODE);
    await kept.put(KEY, CODE.subarray(7));
    expect(await kept.find(KEY)).toEqual(Buffer.from(CODE.subarray(7)));
    await kept.put(KEY, new Uint8Array(0));
    expect(await kept.find(KEY)).toEqual(Buffer.alloc(0));
  });

  it("is gone when it is removed, twice", async () => {
    const { kept, lines } = await open();
    await kept.put(KEY, CODE);
    await kept.remove(KEY);
    await kept.remove(KEY);
    expect(await kept.find(KEY)).toBeUndefined();
    expect(lines).toEqual([]);
  });

  const damages: { what: string; damage: (path: string) => Promise<void> }[] = [
    { what: "its first byte is another", damage: (path) => flip(path, 0) },
    { what: "its digest is another", damage: (path) => flip(path, 31) },
    { what: "its code is another", damage: (path) => flip(path, 32) },
    { what: "its last byte is another", damage: (path) => flip(path, 5_031) },
    { what: "its end is missing", damage: (path) => truncate(path, 4_000) },
    { what: "only its digest is left", damage: (path) => truncate(path, 32) },
    { what: "half of its digest is left", damage: (path) => truncate(path, 16) },
    { what: "nothing of it is left", damage: (path) => truncate(path, 0) },
    { what: "zeros stand where it was", damage: (path) => writeFile(path, new Uint8Array(5_032)) },
    { what: "there is more behind it", damage: (path) => writeFile(path, "more", { flag: "a" }) },
  ];

  it.each(damages)("is removed and not given when $what", async ({ damage }) => {
    const { kept, dir, lines, pathOf } = await open();
    await kept.put(KEY, CODE);
    await damage(pathOf(KEY));
    expect(await kept.find(KEY)).toBeUndefined();
    expect(await readdir(dir)).toEqual([]);
    expect(lines).toEqual(["kept machine code was damaged"]);
    expect(await kept.put(KEY, CODE)).toBe(true);
    expect(await kept.find(KEY)).toEqual(Buffer.from(CODE));
  });

  it("is whole for everybody while many put it at the same time", async () => {
    const { kept, dir } = await open();
    const pieces = [10, 20, 30, 40].map((length) => new Uint8Array(length * 10_000).fill(length));
    const puts = pieces.map(async (piece) => await kept.put(KEY, piece));
    const finds = Array.from({ length: 20 }, async () => await kept.find(KEY));
    expect(await Promise.all(puts)).toEqual([true, true, true, true]);
    for (const found of [...(await Promise.all(finds)), await kept.find(KEY)]) {
      if (found !== undefined) expect(pieces.some((piece) => Buffer.compare(piece, found) === 0)).toBe(true);
    }
    expect(await readdir(dir)).toHaveLength(1);
  });

  it("makes room by what was used longest ago", async () => {
    const { kept } = await open({ limitBytes: 3 * (CODE.byteLength + 32) });
    const [a, b, c, d] = ["a", "b", "c", "d"].map(keyOf);
    for (const key of [a, b, c]) await kept.put(key ?? "", CODE);
    await kept.find(a ?? "");
    await kept.put(d ?? "", CODE);
    const found = await Promise.all([a, b, c, d].map(async (key) => (await kept.find(key ?? "")) !== undefined));
    expect(found).toEqual([true, false, true, true]);
  });

  it("is not kept when it alone is too much, and nothing else goes for it", async () => {
    const { kept } = await open({ limitBytes: CODE.byteLength + 32 });
    expect(await kept.put(KEY, CODE)).toBe(true);
    expect(await kept.put(keyOf("large"), new Uint8Array(CODE.byteLength + 1))).toBe(false);
    expect(await kept.find(KEY)).toBeDefined();
  });

  it("leaves no part behind when the disk is full, and keeps what it has", async () => {
    let isFull = false;
    const writeSome = async (path: string, pieces: readonly Uint8Array[]) => {
      if (!isFull) return await writeFile(path, Buffer.concat(pieces));
      await writeFile(path, Buffer.concat(pieces).subarray(0, 100));
      throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    };
    const { kept, dir, lines } = await open({ writeFile: writeSome });
    await kept.put(KEY, CODE);
    isFull = true;
    expect(await kept.put(KEY, CODE.subarray(1))).toBe(false);
    expect(lines).toEqual(["machine code cannot be kept"]);
    expect(await readdir(dir)).toHaveLength(1);
    expect(await kept.find(KEY)).toEqual(Buffer.from(CODE));
  });

  it("is quietly absent where there is no folder to be had", async () => {
    const { kept, lines } = await open({ dir: "/dev/null/code" });
    expect(await kept.find(KEY)).toBeUndefined();
    expect(await kept.put(KEY, CODE)).toBe(false);
    await kept.remove(KEY);
    expect(lines).toEqual([
      "kept machine code cannot be read",
      "machine code cannot be kept",
      "kept machine code cannot be removed",
    ]);
  });

  it("does not stumble over a folder in its place, nor over one that may not be read", async () => {
    const { kept, dir, pathOf } = await open();
    await kept.put(keyOf("other"), CODE);
    await mkdir(pathOf(KEY));
    expect(await kept.find(KEY)).toBeUndefined();
    expect(await kept.put(KEY, CODE)).toBe(false);
    await kept.remove(KEY);
    expect(await kept.put(KEY, CODE)).toBe(true);
    await chmod(dir, 0o000);
    await expect(kept.find(KEY)).resolves.not.toThrow();
    await chmod(dir, 0o700);
  });

  it("cleans up parts that a crash left behind, and spares those being written", async () => {
    const { kept, dir } = await open();
    await kept.put(KEY, CODE);
    for (const [name, ageMs] of [
      ["old.part", 2 * 3_600_000],
      ["young.part", 60_000],
    ] as const) {
      await writeFile(join(dir, name), "part");
      const at = new Date(Date.now() - ageMs);
      await utimes(join(dir, name), at, at);
    }
    await kept.put(KEY, CODE);
    expect((await readdir(dir)).sort()).toEqual([`${KEY}.code`, "young.part"].sort());
  });

  it("takes no name that is not a key", async () => {
    const { kept, dir } = await open();
    expect(await kept.put("../escape", CODE)).toBe(false);
    expect(await kept.find("../escape")).toBeUndefined();
    await kept.remove("../escape");
    await expect(readdir(dir)).rejects.toThrow();
  });
});

describe("toCodeKey()", () => {
  const changed = [
    { ...ORIGIN, versions: { ...ORIGIN.versions, v8: "14.7" } },
    { ...ORIGIN, versions: { ...ORIGIN.versions, node: "26.11.0" } },
    { ...ORIGIN, arch: "arm64" },
    { ...ORIGIN, flags: ["--a"] },
    { ...ORIGIN, flags: ["--a --b"] },
    { ...ORIGIN, cpuFeatures: "aes" },
  ];

  it("is the same for the same, and another when anything is", () => {
    expect(keyOf("m")).toBe(toCodeKey("m", structuredClone(ORIGIN)));
    const keys = [keyOf("m"), keyOf("n"), ...changed.map((origin) => toCodeKey("m", origin))];
    expect(new Set(keys).size).toBe(keys.length);
    for (const key of keys) expect(key).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("readCpuFeatures()", () => {
  const texts = [
    {
      arch: "x64",
      text: "processor\t: 0\nmodel name\t: x\nflags\t\t: sse2 fpu avx\n\nprocessor\t: 1\nflags\t\t: other\n",
    },
    { arch: "arm64", text: "processor\t: 0\nFeatures\t: sse2 fpu avx\nCPU part\t: 0xd0b\n" },
  ];

  it.each(texts)("reads those of the first processor on $arch", async ({ text }) => {
    const path = join(root, "cpuinfo");
    await writeFile(path, text);
    expect(await readCpuFeatures(path)).toBe("avx fpu sse2");
  });

  it("is empty where the kernel does not say", async () => {
    expect(await readCpuFeatures(join(root, "nothing"))).toBe("");
    expect(await readCpuFeatures("/dev/null")).toBe("");
  });
});

async function flip(path: string, at: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(path, bytes);
}
