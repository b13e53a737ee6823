/** The sandbox holds when every lock inside of the guest is broken: the code in it is hostile from its first line. */

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, describe, expect, it } from "vitest";
import { findDeno } from "../../src/engine/guest/find-deno.ts";
import { createDenoRuntime, type GuestRuntime, nodeRuntime } from "../../src/engine/guest/runtime.ts";
import { BINARY_FD, createSandbox, FRAMES_FD, inspectMachine } from "../../src/engine/guest/sandbox.ts";
import { withDeno } from "../support/deno.ts";
import { openTrap } from "../support/hostile-guests.ts";

const readFixture = (name: string) => readFileSync(join(import.meta.dirname, "../fixtures", name), "utf8");
const NODE_PROGRAM = readFixture("hostile-bootstrap.mjs");
const DENO_PROGRAM = readFixture("hostile-bootstrap-deno.mjs");

const dir = await mkdtemp(join(tmpdir(), "nebula-sandbox-"));
const cwd = join(dir, "empty");
await mkdir(cwd);
// Everything that file modes could refuse is open to everybody: what holds here is the sandbox alone.
await chmod(dir, 0o777);
const openPath = join(dir, "open.txt");
await writeFile(openPath, "open to everybody");
await chmod(openPath, 0o666);
const secretPath = join(dir, "secret.txt");
await writeFile(secretPath, "secret", { mode: 0o600 });
const trap = await openTrap(dir);
await chmod(trap.socketPath, 0o777);
const sandbox = createSandbox(inspectMachine());

afterAll(async () => {
  await trap[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

/** Starts a process as a guest is started, with another program inside. */
function start(runtime: GuestRuntime, { index, program }: { index: number; program: string }): ChildProcess {
  const { file, args, env } = sandbox.command({ index, runtime, memoryBytes: 128 * 1024 * 1024 });
  const binaryFd = openSync(runtime.binary, "r");
  const stdio = ["pipe", "ignore", "pipe", "pipe", binaryFd] as const;
  expect([stdio.length - 1, FRAMES_FD]).toEqual([BINARY_FD, 3]);
  const child = spawn(file, [...args], { cwd: runtime.cwd ?? cwd, env, detached: true, stdio: [...stdio] });
  closeSync(binaryFd);
  child.stdin?.end(program);
  return child;
}

async function readFrames(child: ChildProcess): Promise<string> {
  const frames = child.stdio[FRAMES_FD];
  if (frames === null || frames === undefined || !("setEncoding" in frames)) throw new Error("no socket");
  const stderr = child.stderr === null ? "" : text(child.stderr);
  return (await text(frames)) || (await stderr);
}

/** What the program managed to do, by the names of its attempts. */
async function misuse(runtime: GuestRuntime, hostile: string): Promise<{ tried: number; found: string[] }> {
  const up = 'import { Socket } from "node:net"; new Socket({ fd: 3 }).write("up"); setInterval(() => {}, 1000);';
  const neighbour = start(runtime, { index: 1, program: up });
  try {
    await new Promise((resolve) => neighbour.stdio[FRAMES_FD]?.once("data", resolve));
    const targets = {
      hostPid: process.pid,
      otherPid: neighbour.pid,
      port: trap.port,
      socketPath: trap.socketPath,
      secretPath,
      openPath,
      writablePath: dir,
    };
    // Imports come first in a module: the targets must be there before all of it runs.
    const program = `globalThis.TARGETS = ${JSON.stringify(targets)};\n${hostile}`;
    const { tried, escaped } = JSON.parse(await readFrames(start(runtime, { index: 2, program })));
    const isOwnUser = sandbox.layers.some(({ name, isActive }) => name === "own user" && isActive);
    // Without a user of its own, a guest may send signals to its host: the layer says that it is missing.
    const needsOwnUser = ["killHost", "killOther", "killGroup", "priority"];
    const found = Object.keys(escaped).filter((name) => isOwnUser || !needsOwnUser.includes(name));
    return { tried, found: found.map((name) => `${name}: ${escaped[name]}`) };
  } finally {
    neighbour.kill("SIGKILL");
  }
}

describe("a guest process with all of Node in hostile hands", () => {
  it("reaches no file, socket, process, thread, add-on, inspector or user of the machine", async () => {
    const { tried, found } = await misuse(nodeRuntime, NODE_PROGRAM);
    expect(found).toEqual([]);
    expect(tried).toBeGreaterThan(50);
    expect(trap.caught).toBe(0);
  });
});

const title = "a guest process with all of Deno in hostile hands";
await withDeno(title, () => {
  const deno = createDenoRuntime(findDeno().binary);
  describe(title, () => {
    it("reaches nothing by the modules of Node but threads, which may do no more than it may", async () => {
      const { tried, found } = await misuse(deno, NODE_PROGRAM);
      expect(found).toEqual(["worker: online", "binding: object"]);
      expect(tried).toBeGreaterThan(50);
      expect(trap.caught).toBe(0);
    });

    it("reaches nothing by Deno and its inner side, and code from strings may do no more than it may", async () => {
      const { tried, found } = await misuse(deno, DENO_PROGRAM);
      expect(found).toEqual(["innerText: 1"]);
      expect(tried).toBeGreaterThan(50);
      expect(trap.caught).toBe(0);
    });
  });
});
