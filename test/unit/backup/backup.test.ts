/**
 * Tars of every kind: what was written comes back as it was, and nothing else is taken for a backup.
 */

import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pack as createPack, type Header } from "tar-stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readBackup } from "../../../src/backup/read-backup.ts";
import { checkRestored, restoreBackup } from "../../../src/backup/restore-backup.ts";
import { type BackupSource, writeBackup } from "../../../src/backup/write-backup.ts";
import { NebulaError } from "../../../src/model/errors.ts";
import { mountMemory } from "../../support/small-disk.ts";

let root: string;
let stateDir: string;
let file: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "nebula-backup-"));
  stateDir = join(root, "state");
  file = join(root, "a.tar");
  await mkdir(stateDir);
});
afterEach(() => rm(root, { recursive: true, force: true }));

const HEAD = { version: "0.1.0", createdAtMs: 1, hasKey: true };
const sha = (content: string | Uint8Array) => createHash("sha256").update(content).digest("hex");
const toArtifactName = (content: string) => `artifacts/${sha(content).slice(0, 2)}/${sha(content).slice(2)}`;
const toSource = (name: string, content: string): BackupSource => ({
  name,
  bytes: Buffer.byteLength(content),
  content: (async function* () {
    yield Buffer.from(content);
  })(),
});

const FILES: Readonly<Record<string, string>> = {
  "registry.db": "the registry",
  "secrets.key": "the key",
  token: "the token",
  [toArtifactName("one")]: "one",
  [toArtifactName("")]: "",
  "d1/memes/db.sqlite": "x".repeat(1_000_000),
  [`kv/${"a".repeat(92)}.sqlite`]: "y".repeat(511),
  [`d1/${"%2E".repeat(60)}/db.sqlite`]: "a long name",
  "states/counter.state": "z".repeat(512),
};

async function* sourcesOf(files: Readonly<Record<string, string>> = FILES) {
  for (const [name, content] of Object.entries(files)) yield toSource(name, content);
}

async function write(files?: Readonly<Record<string, string>>): Promise<void> {
  await writeFile(file, writeBackup(sourcesOf(files), HEAD));
}

async function readTree(dir: string, below = ""): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for (const entry of await readdir(join(dir, below), { withFileTypes: true })) {
    const path = join(below, entry.name);
    if (entry.isDirectory()) Object.assign(all, await readTree(dir, path));
    else all[path] = await readFile(join(dir, path), "utf8");
  }
  return all;
}

async function writeTree(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(stateDir, name)), { recursive: true });
    await writeFile(join(stateDir, name), content);
  }
}

const restore = (isReplacing = false) => restoreBackup(file, { stateDir, isReplacing });

async function failureOf(run: Promise<unknown>): Promise<NebulaError> {
  const thrown = await run.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown instanceof NebulaError) return thrown;
  throw new Error(`Wanted a failure, got ${String(thrown)}`, { cause: thrown });
}

describe("a backup", () => {
  test("comes back as it was, closed to others", async () => {
    await write();
    const manifest = await restore();
    expect(manifest).toMatchObject({ ...HEAD, kind: "nebula-backup", format: 1 });
    expect(manifest.files.map(({ name }) => name)).toEqual(Object.keys(FILES));
    expect(await readTree(stateDir)).toEqual(FILES);
    for (const [path, mode] of [
      ["secrets.key", 0o600],
      ["d1/memes/db.sqlite", 0o600],
      ["d1/memes", 0o700],
    ] as const) {
      expect((await stat(join(stateDir, path))).mode & 0o777).toBe(mode);
    }
  });

  test("is the same tar for the same files", async () => {
    await write();
    const first = await readFile(file);
    await write();
    expect(first.equals(await readFile(file))).toBe(true);
  });

  test("reads its sources as it is read, and ends them when nobody reads on", async () => {
    let opened = 0;
    let ended = false;
    async function* endless(): AsyncGenerator<BackupSource> {
      try {
        for (;;) {
          opened += 1;
          yield toSource(toArtifactName(`${"x".repeat(100_000)}${opened}`), `${"x".repeat(100_000)}${opened}`);
        }
      } finally {
        ended = true;
      }
    }
    const reader = writeBackup(endless(), HEAD).getReader();
    for (let i = 0; i < 10; i += 1) await reader.read();
    expect(opened).toBeLessThan(10);
    await reader.cancel();
    await expect.poll(() => ended).toBe(true);
  });

  test("ends its sources when nobody has read anything at all", async () => {
    const ended = Promise.withResolvers<string>();
    async function* sources() {
      try {
        for (;;) yield toSource("token", "x".repeat(1_000_000));
      } finally {
        ended.resolve("ended");
      }
    }
    await writeBackup(sources(), HEAD).cancel();
    expect(await ended.promise).toBe("ended");
  });

  test("tells why the node could not finish it", async () => {
    async function* failing(): AsyncGenerator<BackupSource> {
      yield toSource("registry.db", "x");
      throw new NebulaError("NEBULA_STATE_FAILED", "Cannot copy it: no space is left on the disk", {
        hint: "Free some",
      });
    }
    await writeFile(file, writeBackup(failing(), HEAD));
    expect(await failureOf(restore())).toMatchObject({
      code: "NEBULA_STATE_FAILED",
      message: "Cannot copy it: no space is left on the disk",
      hint: "Free some",
    });
    expect(await readdir(stateDir)).toEqual([]);
  });

  test.each<[what: string, source: BackupSource]>([
    ["is shorter than it was", { ...toSource("d1/a/db.sqlite", "abc"), bytes: 4 }],
    ["has grown", { ...toSource("d1/a/db.sqlite", "abc"), bytes: 2 }],
    ["has other bytes than its name says", toSource(toArtifactName("one"), "two")],
  ])("breaks off at a file that %s", async (_, source) => {
    async function* sources() {
      yield toSource("registry.db", "x");
      yield source;
    }
    await expect(writeFile(file, writeBackup(sources(), HEAD))).rejects.toThrow("the file is damaged");
    expect((await failureOf(readBackup(file))).code).toBe("NEBULA_BACKUP_INVALID");
  });
});

describe("a restore", () => {
  test("leaves alone what no backup has, and replaces what it has only when told to", async () => {
    await write();
    const before = {
      "registry.db": "old",
      "registry.db-wal": "old",
      "d1/gone/db.sqlite": "old",
      "dev/registry.db": "dev",
    };
    await writeTree({ ...before, "lock.db": "" });
    expect(await failureOf(restore())).toMatchObject({ code: "NEBULA_USAGE" });
    expect(await readTree(stateDir)).toEqual({ ...before, "lock.db": "" });
    await restore(true);
    expect(await readTree(stateDir)).toEqual({ ...FILES, "dev/registry.db": "dev", "lock.db": "" });
  });

  test("of a backup without keys leaves the keys that are there", async () => {
    const { "secrets.key": _, token: __, ...rest } = FILES;
    await write(rest);
    await writeTree({ "registry.db": "old", "secrets.key": "own key", token: "own token" });
    await restore(true);
    expect(await readTree(stateDir)).toEqual({ ...rest, "secrets.key": "own key", token: "own token" });
  });

  test("that was interrupted is taken back by the next one, and no node starts meanwhile", async () => {
    await checkRestored(stateDir);
    const { "secrets.key": _, ...rest } = FILES;
    const old = { "registry.db": "old", "d1/a/db.sqlite": "old", "secrets.key": "own key" };
    // Interrupted while the old was moved away, and while the new was moved in.
    for (const [name, tree] of [
      [
        "going",
        { "replaced/registry.db": "old", "d1/a/db.sqlite": "old", "secrets.key": "own key", "restoring/token": "x" },
      ],
      [
        "coming",
        {
          "replaced/registry.db": "old",
          "replaced/d1/a/db.sqlite": "old",
          "replaced/coming": "registry.db\nd1\nkv\n../../up",
          "registry.db": "new",
          "secrets.key": "own key",
          "restoring/d1/b": "new",
        },
      ],
    ] as const) {
      await rm(stateDir, { recursive: true });
      await writeTree(tree);
      expect(await failureOf(checkRestored(stateDir)), name).toMatchObject({ code: "NEBULA_STATE_FAILED" });
      await write({ "registry.db": "new" });
      await truncate(file, 100);
      expect((await failureOf(restore(true))).code).toBe("NEBULA_BACKUP_INVALID");
      expect(await readTree(stateDir), name).toEqual(old);
      await checkRestored(stateDir);
    }
    await write(rest);
    await restore(true);
    expect(await readTree(stateDir)).toEqual({ ...rest, "secrets.key": "own key" });
  });

  test("tells that there is no such backup", async () => {
    expect(await failureOf(restoreBackup(join(root, "none"), { stateDir, isReplacing: false }))).toMatchObject({
      code: "NEBULA_USAGE",
      message: expect.stringContaining("there is no such file"),
    });
    expect((await failureOf(restoreBackup(root, { stateDir, isReplacing: false }))).message).toContain(
      "it is not a file",
    );
  });

  test("can be stopped", async () => {
    await write();
    const signal = AbortSignal.abort(new Error("stop"));
    await expect(restoreBackup(file, { stateDir, isReplacing: false, signal })).rejects.toThrow("stop");
    expect(await readdir(stateDir)).toEqual([]);
  });

  test.runIf(process.getuid?.() === 0)("onto a disk that is full says so, and leaves what was there", async () => {
    await write();
    await using _disk = await mountMemory(stateDir, 400_000);
    await writeTree({ "registry.db": "old", token: "old" });
    expect(await failureOf(restore(true))).toMatchObject({
      code: "NEBULA_STATE_FAILED",
      message: expect.stringContaining("no space is left on the disk"),
    });
    expect(await readTree(stateDir)).toEqual({ "registry.db": "old", token: "old" });
  });

  test.skipIf(process.getuid?.() === 0)("into a directory that cannot be written says so", async () => {
    await write();
    await chmod(stateDir, 0o500);
    expect((await failureOf(restore())).message).toContain("permission is denied");
    await chmod(stateDir, 0o700);
  });
});

describe("what is no backup leaves nothing behind:", () => {
  type Entries = readonly (readonly [header: Partial<Header> & Pick<Header, "name">, content: string])[];
  const toFiles = (files: Readonly<Record<string, string>>) =>
    Object.entries(files).map(([name, content]) => ({
      name,
      bytes: Buffer.byteLength(content),
      digest: `sha256:${sha(content)}`,
    }));
  const toManifest = (files: Readonly<Record<string, string>>, change: object = {}) =>
    JSON.stringify({ kind: "nebula-backup", format: 1, ...HEAD, files: toFiles(files), ...change });

  async function writeTar(entries: Entries): Promise<void> {
    const pack = createPack();
    for (const [header, content] of entries) pack.entry({ mode: 0o600, ...header }, content);
    pack.finalize();
    const chunks: Uint8Array[] = [];
    for await (const chunk of pack) if (chunk instanceof Uint8Array) chunks.push(chunk);
    await writeFile(file, chunks);
  }

  const good: Entries = [[{ name: "registry.db" }, "r"]];
  const manifest = (files: Readonly<Record<string, string>> = { "registry.db": "r" }, change?: object): Entries => [
    [{ name: "manifest.json" }, toManifest(files, change)],
  ];

  test.each<[what: string, entries: Entries, why: string]>([
    ["a tar of something else", [[{ name: "README.md" }, "hello"]], 'a file that no backup has, "README.md"'],
    ["an empty tar", [], "it has no manifest"],
    ["no manifest", good, "it has no manifest"],
    ["a manifest that is none", [...good, [{ name: "manifest.json" }, "{"]], "its manifest is not one"],
    [
      "a manifest of another program",
      [...good, [{ name: "manifest.json" }, '{"kind":"x"}']],
      "its manifest is not one",
    ],
    ["a later format", [...good, ...manifest({}, { format: 2 })], "of another version"],
    ["a missing file", [...good, ...manifest({ "registry.db": "r", token: "t" })], '"token" is missing'],
    ["no registry", [[{ name: "token" }, "t"], ...manifest({ token: "t" })], '"registry.db" is missing'],
    ["other bytes", [[{ name: "registry.db" }, "R"], ...manifest()], '"registry.db" was altered'],
    ["a file that is too much", [...good, [{ name: "token" }, "t"], ...manifest()], '"token" is not in its manifest'],
    ["a file twice", [...good, ...good, ...manifest()], '"registry.db" twice'],
    [
      "something behind the manifest",
      [...good, ...manifest(), [{ name: "token" }, "t"]],
      "something follows its manifest",
    ],
    ["a path that leads up", [[{ name: "../registry.db" }, "r"], ...manifest()], '"../registry.db"'],
    ["a path that leads up inside", [[{ name: "d1/../../x/db.sqlite" }, "r"], ...manifest()], "no backup has"],
    ["an absolute path", [[{ name: "/tmp/registry.db" }, "r"], ...manifest()], "no backup has"],
    ["a database without a name", [[{ name: "d1/./db.sqlite" }, "r"], ...manifest()], "no backup has"],
    ["a lock", [[{ name: "lock.db" }, "r"], ...manifest()], "no backup has"],
    [
      "a symbolic link",
      [[{ name: "registry.db", type: "symlink", linkname: "/etc/passwd" }, ""]],
      "is not a plain file",
    ],
    ["a hard link", [[{ name: "registry.db", type: "link", linkname: "/etc/passwd" }, ""]], "is not a plain file"],
    ["a device", [[{ name: "token", type: "character-device" }, ""]], "is not a plain file"],
    ["a folder", [[{ name: "d1", type: "directory" }, ""]], "is not a plain file"],
    ["an extension", [[{ name: "registry.db", pax: { comment: "x" } }, "r"]], "an extension of tar"],
    ["a long name of no database", [[{ name: `d1/${"x".repeat(300)}/db.sqlite` }, "r"]], "no backup has"],
    [
      "an artifact under another's name",
      [...good, [{ name: toArtifactName("a") }, "b"], ...manifest({ "registry.db": "r", [toArtifactName("a")]: "b" })],
      "has the name of other bytes",
    ],
  ])("%s", async (_, entries, why) => {
    await writeTar(entries);
    const failure = await failureOf(restore());
    expect(failure.code).toBe("NEBULA_BACKUP_INVALID");
    expect(failure.message).toContain(why);
    expect(await readdir(stateDir)).toEqual([]);
    expect(await readdir(root)).toEqual(["a.tar", "state"]);
  });

  test("a backup that was cut off anywhere", async () => {
    await write();
    const { size } = await stat(file);
    for (const at of [
      0,
      1,
      511,
      512,
      513,
      1_000,
      Math.floor(size / 2),
      size - 2_048,
      size - 1_024,
      size - 512,
      size - 1,
    ]) {
      await write();
      await truncate(file, at);
      expect((await failureOf(restore())).code, `at ${at}`).toBe("NEBULA_BACKUP_INVALID");
      expect(await readdir(stateDir)).toEqual([]);
    }
  });

  test("a backup in which one bit is another", async () => {
    const small = { "registry.db": "the registry", token: "t" };
    await write(small);
    const whole = await readFile(file);
    let harmless = 0;
    for (let at = 0; at < whole.byteLength; at += 1) {
      const changed = Buffer.from(whole);
      changed.writeUInt8((whole.readUInt8(at) ^ 1) & 0xff, at);
      await writeFile(file, changed);
      const outcome = await readBackup(file).catch((error: unknown) => error);
      // What fills blocks up means nothing to anybody.
      if (!(outcome instanceof Error)) {
        harmless += 1;
        expect(outcome).toMatchObject({ files: toFiles(small) });
      } else expect(outcome).toBeInstanceOf(NebulaError);
    }
    expect(harmless).toBeLessThan(whole.byteLength);
  });

  test("something that was added", async () => {
    await write();
    await writeFile(file, Buffer.alloc(512), { flag: "a" });
    expect((await failureOf(restore())).message).toContain("something was added");
  });

  test("a header that promises more than there is, and one that wants megabytes for a name", async () => {
    await writeTar(good);
    const tar = await readFile(file);
    const withSize = (size: string, typeflag = "0") => {
      const header = Buffer.from(tar.subarray(0, 512));
      header.write(size.padStart(11, "0"), 124, "latin1");
      header.write(typeflag, 156, "latin1");
      header.fill(" ", 148, 156);
      const sum = header.reduce((all, byte) => all + byte, 0);
      header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
      return Buffer.concat([header, tar.subarray(512)]);
    };
    for (const bytes of [withSize("77777777777"), withSize("77777777777", "x"), withSize("77777777777", "L")]) {
      await writeFile(file, bytes);
      expect((await failureOf(restore())).code).toBe("NEBULA_BACKUP_INVALID");
      expect(await readdir(stateDir)).toEqual([]);
    }
  });
});
