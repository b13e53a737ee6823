import { describe, expect, it } from "vitest";
import { createSandbox, type Machine } from "../../../src/engine/guest/sandbox.ts";

const MIB = 1024 * 1024;
const ROOT: Machine = { isRoot: true, setpriv: "/usr/bin/setpriv", hostPid: 1234 };
const commandLine = (machine: Machine, index = 0, memoryBytes = 128 * MIB) =>
  createSandbox(machine).command({ index, memoryBytes }).args.join(" ");
/** Layers that this machine lacks; control groups have a test of their own. */
const inactive = (machine: Machine) =>
  createSandbox(machine).layers.filter(({ name, isActive }) => !isActive && name !== "cgroup");

describe("createSandbox()", () => {
  it("as root with setpriv uses every layer", () => {
    expect(inactive(ROOT)).toEqual([]);
    const line = commandLine(ROOT);
    for (const part of ["--reuid=", "--regid=", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"]) {
      expect(line).toContain(part);
    }
    expect(line).toContain("--no-new-privs --pdeathsig=KILL");
    expect(line).toContain("--permission --disallow-code-generation-from-strings");
  });

  it("grants nothing", () => {
    expect(commandLine(ROOT)).not.toMatch(/--allow|--inspect|--env-file|--import|--require|\s-e\s/);
  });

  it("lets a guest load an add-on only where that is asked for", () => {
    const { args } = createSandbox(ROOT).command({ index: 0, memoryBytes: MIB, mayLoadAddon: true });
    expect(args.filter((arg) => /--allow|addons/.test(arg))).toEqual(["--allow-addons"]);
    expect(commandLine(ROOT)).toContain("--no-addons");
  });

  it("without root keeps the user and says so", () => {
    const machine = { ...ROOT, isRoot: false };
    expect(commandLine(machine)).not.toContain("--reuid");
    expect(commandLine(machine)).toContain("--no-new-privs --pdeathsig=KILL");
    expect(inactive(machine)).toEqual([
      { name: "own user", isActive: false, reason: "the host is not root, so guests run as its user" },
    ]);
  });

  it("without setpriv starts all the same and says what is missing", () => {
    for (const isRoot of [true, false]) {
      const machine = { isRoot, setpriv: undefined, hostPid: 1 };
      expect(commandLine(machine)).not.toContain("setpriv");
      expect(commandLine(machine)).toContain("--permission");
      expect(inactive(machine).map(({ name }) => name)).toEqual(["privileges", "own user"]);
      expect(inactive(machine).every(({ reason }) => (reason?.length ?? 0) > 10)).toBe(true);
    }
  });

  it("gives every guest of a node a user of its own, and every node others", () => {
    const uidOf = (hostPid: number, index: number) =>
      /--reuid=(\d+)/.exec(commandLine({ ...ROOT, hostPid }, index))?.[1];
    const uids = [uidOf(1, 0), uidOf(1, 1), uidOf(1, 4_095), uidOf(2, 0), uidOf(1_023, 4_095)];
    expect(new Set(uids).size).toBe(uids.length);
    for (const uid of uids) {
      expect(Number(uid)).toBeGreaterThan(1_000_000_000);
      expect(Number(uid)).toBeLessThan(2 ** 31);
    }
  });

  it("bounds the heap and the writable memory by the size asked for", () => {
    expect(commandLine(ROOT, 0, 64 * MIB)).toContain("--max-old-space-size=64");
    const kib = (bytes: number) => Number(/ulimit -d (\d+)/.exec(commandLine(ROOT, 0, bytes))?.[1]);
    expect(kib(256 * MIB) - kib(128 * MIB)).toBe((2 * 128 * MIB) / 1024);
    expect(commandLine(ROOT)).toMatch(/ulimit -c 0; ulimit -n \d+;/);
  });

  it("takes nothing of the shell's words from outside", () => {
    const { file, args } = createSandbox({ ...ROOT, setpriv: "/odd dir/$(id)/setpriv" }).command({
      index: 0,
      memoryBytes: MIB,
    });
    expect(file).toBe("/bin/sh");
    expect(args[1]).not.toContain("odd dir");
    expect(args).toContain("/odd dir/$(id)/setpriv");
  });
});
