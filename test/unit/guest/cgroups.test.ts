import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openCgroups } from "../../../src/engine/guest/cgroups.ts";
import { MIB } from "../../../src/model/units.ts";

/** A folder stands in for the hierarchy; the kernel's own files are written by the test. */
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "nebula-cgroup-"));
  writeFileSync(join(root, "cgroup.controllers"), "cpu memory pids\n");
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function open() {
  const cgroups = openCgroups({ root, hostPid: process.pid });
  if (typeof cgroups === "string") throw new TypeError(cgroups);
  return cgroups;
}

describe("openCgroups()", () => {
  it("says why there are no groups where the hierarchy is another one", () => {
    rmSync(join(root, "cgroup.controllers"));
    expect(openCgroups({ root, hostPid: 1 })).toMatch(/is not a cgroup v2 hierarchy/);
  });

  it("says why there are no groups where memory is not controlled", () => {
    writeFileSync(join(root, "cgroup.controllers"), "hugetlb\n");
    expect(openCgroups({ root, hostPid: 1 })).toMatch(/has no memory controller/);
  });

  it("hands the memory and pids controllers down", () => {
    open();
    expect(readFileSync(join(root, "cgroup.subtree_control"), "utf8")).toBe("+memory +pids");
    expect(readFileSync(join(root, `nebula-${process.pid}`, "cgroup.subtree_control"), "utf8")).toBe("+memory +pids");
  });

  it("removes what a host that is gone left behind, and nothing of one that runs", () => {
    const gone = join(root, "nebula-4194304");
    const running = join(root, "nebula-1");
    mkdirSync(join(gone, "guest-0"), { recursive: true });
    mkdirSync(join(running, "guest-0"), { recursive: true });
    open();
    expect(existsSync(gone)).toBe(false);
    expect(existsSync(join(running, "guest-0"))).toBe(true);
  });
});

describe("create()", () => {
  it("limits memory to the function's limit and what a blank process holds", () => {
    const { procsFile } = open().create({ index: 3, memoryBytes: 128 * MIB });
    const dir = join(root, `nebula-${process.pid}`, "guest-3");
    expect(procsFile).toBe(join(dir, "cgroup.procs"));
    expect(readFileSync(join(dir, "memory.max"), "utf8")).toBe(String(320 * MIB));
    expect(readFileSync(join(dir, "pids.max"), "utf8")).toBe("64");
  });

  it("wasOutOfMemory() tells what the kernel counted", () => {
    const cgroup = open().create({ index: 0, memoryBytes: MIB });
    const events = join(root, `nebula-${process.pid}`, "guest-0", "memory.events");
    expect(cgroup.wasOutOfMemory()).toBe(false);
    writeFileSync(events, "low 0\noom 0\noom_kill 0\n");
    expect(cgroup.wasOutOfMemory()).toBe(false);
    writeFileSync(events, "low 0\noom 1\noom_kill 1\n");
    expect(cgroup.wasOutOfMemory()).toBe(true);
  });
});
