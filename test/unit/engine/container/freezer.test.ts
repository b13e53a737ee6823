import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openControlGroups } from "../../../../src/engine/container/freezer.ts";

const ID = "c0ffee".repeat(10);

/** A machine made of files. */
async function machineOf(files: Readonly<Record<string, string>>) {
  const root = await mkdtemp(join(tmpdir(), "nebula-groups-"));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  const groups = openControlGroups(
    { id: ID, pid: 7 },
    { cgroupRoot: join(root, "cgroup"), procRoot: join(root, "proc") },
  );
  return { groups, read: (path: string) => readFile(join(root, path), "utf8") };
}

describe("openControlGroups()", () => {
  it("writes cgroup.freeze and reads usage where there is cgroup v2", async () => {
    const dir = `cgroup/system.slice/docker-${ID}.scope`;
    const { groups, read } = await machineOf({
      "proc/7/cgroup": `0::/system.slice/docker-${ID}.scope\n`,
      [`${dir}/cgroup.freeze`]: "0",
      [`${dir}/cpu.stat`]: "usage_usec 1500\nuser_usec 1000\n",
      [`${dir}/memory.current`]: "5000\n",
      [`${dir}/memory.stat`]: "anon 1\ninactive_file 2000\nactive_file 3\n",
    });
    expect([groups.freeze(), await read(`${dir}/cgroup.freeze`)]).toEqual([true, "1"]);
    expect([groups.thaw(), await read(`${dir}/cgroup.freeze`)]).toEqual([true, "0"]);
    expect(groups.findUsage()).toEqual({ cpuMs: 1.5, memoryBytes: 3000 });
  });

  it("writes freezer.state and reads usage where there is cgroup v1", async () => {
    const at = (controller: string) => `cgroup/${controller}/docker/${ID}`;
    const { groups, read } = await machineOf({
      "proc/7/cgroup": ["5:memory:", "4:cpu,cpuacct:", "3:freezer:"].map((line) => `${line}/docker/${ID}\n`).join(""),
      [`${at("freezer")}/freezer.state`]: "THAWED",
      [`${at("cpuacct")}/cpuacct.usage`]: "2500000\n",
      [`${at("memory")}/memory.usage_in_bytes`]: "5000\n",
      [`${at("memory")}/memory.stat`]: "cache 9\ntotal_inactive_file 1000\n",
    });
    expect([groups.freeze(), await read(`${at("freezer")}/freezer.state`)]).toEqual([true, "FROZEN"]);
    expect([groups.thaw(), await read(`${at("freezer")}/freezer.state`)]).toEqual([true, "THAWED"]);
    expect(groups.findUsage()).toEqual({ cpuMs: 2.5, memoryBytes: 4000 });
  });

  it.each([
    ["of a process that is gone", ""],
    ["that are not named after the container", "0::/user.slice\n3:freezer:/\n"],
    ["that are seen from another namespace", `0::/../docker-${ID}.scope\n`],
  ])("touches no groups %s", async (_, text) => {
    const { groups } = await machineOf({
      ...(text !== "" && { "proc/7/cgroup": text }),
      "cgroup/user.slice/cgroup.freeze": "0",
      "cgroup/freezer/freezer.state": "THAWED",
    });
    expect([groups.freeze(), groups.thaw(), groups.findUsage()]).toEqual([false, false, undefined]);
  });
});
