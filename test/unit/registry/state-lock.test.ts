import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lockStateDir } from "../../../src/registry/state-lock.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "nebula-lock-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const inUse = () =>
  expect.objectContaining({
    code: "NEBULA_STATE_FAILED",
    message: `Cannot open "${join(dir, "state")}": state directory is in use by another node`,
  });

describe("lockStateDir()", () => {
  it("makes the directory for its user alone and gives it to one holder at a time", async () => {
    const lock = await lockStateDir(join(dir, "state"));
    expect((await stat(join(dir, "state"))).mode & 0o777).toBe(0o700);
    await expect(lockStateDir(join(dir, "state"))).rejects.toThrow(inUse());
    await lock[Symbol.asyncDispose]();
    await lock[Symbol.asyncDispose]();
    await using _again = await lockStateDir(join(dir, "state"));
  });

  it("holds against another process and is free as soon as that is killed", async () => {
    const url = new URL("../../../src/registry/state-lock.ts", import.meta.url);
    const script = `
      const { lockStateDir } = await import(process.argv[1]);
      globalThis.held = await lockStateDir(process.argv[2]);
      process.stdout.write("locked");
      setInterval(() => {}, 60_000);`;
    const args = ["--input-type=module", "-e", script, url.href, join(dir, "state")];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    try {
      await once(child.stdout, "data");
      await expect(lockStateDir(join(dir, "state"))).rejects.toThrow(inUse());
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    await using _lock = await lockStateDir(join(dir, "state"));
  });

  it("says what is wrong when the directory cannot be made", async () => {
    await writeFile(join(dir, "file"), "");
    await expect(lockStateDir(join(dir, "file", "state"))).rejects.toThrow(
      expect.objectContaining({
        code: "NEBULA_STATE_FAILED",
        message: `Cannot lock the state directory in "${join(dir, "file", "state")}": the file system refused (ENOTDIR)`,
      }),
    );
  });
});
