/**
 * The command line that a guest process is started with: every layer of the sandbox that this machine offers.
 *
 *     cgroup        memory and threads held by the kernel, where the host may write cgroup v2 (cgroups.ts)
 *     sh            no core files, bounded descriptors and writable memory (setrlimit)
 *     setpriv       a user id of its own, no capabilities, no new privileges, dies with the host
 *     the runtime   no permission granted, no code from strings, bounded heap (runtime.ts)
 *
 * The bootstrap comes on standard input and the binary through an inherited descriptor, so that a guest needs
 * no right to read a single file. `layers` says what is missing on a machine; nothing is skipped quietly.
 */

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { MIB } from "../../model/units.ts";
import type { Cgroup, Cgroups } from "./cgroups.ts";
import { type GuestRuntime, nodeRuntime, type RuntimeOptions } from "./runtime.ts";

/** Makes the commands that guest processes are started with. */
export interface Sandbox {
  readonly layers: readonly SandboxLayer[];
  /**
   * The command of one guest process. `index` tells processes apart and gives each its own user id.
   */
  command(options: CommandOptions): GuestCommand;
}

/** What one guest process is to be. */
export interface CommandOptions extends RuntimeOptions {
  readonly index: number;
  /** Node unless given. */
  readonly runtime?: GuestRuntime | undefined;
}

/** One command, and what belongs to it. */
export interface GuestCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** To be removed when the process has ended. */
  readonly cgroup: Cgroup | undefined;
}

/** One layer, and whether this machine has it. */
export interface SandboxLayer {
  readonly name: "permissions" | "rlimits" | "privileges" | "own user" | "cgroup";
  readonly isActive: boolean;
  /** Why it is missing. */
  readonly reason?: string;
}

/** What of this machine the layers depend on. */
export interface Machine {
  readonly isRoot: boolean;
  /** The path of setpriv (util-linux), where there is one. */
  readonly setpriv: string | undefined;
  readonly hostPid: number;
}

/** Descriptors of a guest process: standard streams, the frames, the binary, the add-on where there is one. */
export const FRAMES_FD = 3;
/** The runtime's binary, inherited because the guest may open nothing. */
export const BINARY_FD = 4;
/** The add-on of Wasm guests, inherited for the same reason. */
export const ADDON_FD = 5;

/** User ids of guests: far above those that systems hand out, apart for nodes that share a machine. */
const FIRST_UID = 1_851_000_000;
const UIDS_PER_NODE = 4_096;
const NODES_PER_MACHINE = 1_024;

/** Writable memory that a blank process has mapped but mostly not touched, measured with room to spare. */
const BLANK_DATA_BYTES = 1_024 * MIB;
const MAX_DESCRIPTORS = 64;
/** A Wasm guest holds one for the memory image of each of its programs. */
const MAX_DESCRIPTORS_WITH_ADDON = 1_024;

/** What this machine offers. */
export function inspectMachine(): Machine {
  const dirs = (process.env.PATH ?? "/usr/bin:/bin").split(delimiter);
  const setpriv = dirs.map((dir) => join(dir, "setpriv")).find(isExecutable);
  return { isRoot: process.getuid?.() === 0, setpriv, hostPid: process.pid };
}

/** The sandbox of this machine. `cgroups` are the groups, or the reason why there are none. */
export function createSandbox(machine: Machine, cgroups: Cgroups | string = "none were asked for"): Sandbox {
  const { isRoot, setpriv, hostPid } = machine;
  const noSetpriv = "setpriv (util-linux) is not installed";
  const layers: SandboxLayer[] = [
    { name: "permissions", isActive: true },
    { name: "rlimits", isActive: true },
    setpriv === undefined
      ? { name: "privileges", isActive: false, reason: noSetpriv }
      : { name: "privileges", isActive: true },
    isRoot && setpriv !== undefined
      ? { name: "own user", isActive: true }
      : {
          name: "own user",
          isActive: false,
          reason: isRoot ? noSetpriv : "the host is not root, so guests run as its user",
        },
    typeof cgroups === "string"
      ? { name: "cgroup", isActive: false, reason: cgroups }
      : { name: "cgroup", isActive: true },
  ];
  const isGrouped = typeof cgroups !== "string";
  return {
    layers,
    command: ({ index, runtime = nodeRuntime, ...options }) => {
      const { memoryBytes, mayLoadAddon = false } = options;
      const cgroup = isGrouped ? cgroups.create({ index, memoryBytes }) : undefined;
      const uid = FIRST_UID + (hostPid % NODES_PER_MACHINE) * UIDS_PER_NODE + (index % UIDS_PER_NODE);
      return {
        file: "/bin/sh",
        env: runtime.env,
        cgroup,
        args: [
          "-c",
          // The shell enters the group itself, so that nothing ever runs outside of it.
          (cgroup === undefined ? "" : 'echo 0 > "$0" && ') +
            rlimits(memoryBytes, mayLoadAddon ? MAX_DESCRIPTORS_WITH_ADDON : MAX_DESCRIPTORS),
          cgroup?.procsFile ?? "guest",
          ...(setpriv === undefined ? [] : [setpriv, ...privileges(isRoot ? uid : undefined)]),
          `/proc/self/fd/${BINARY_FD}`,
          ...runtime.toArgs(options),
        ],
      };
    },
  };
}

/** `ulimit -d` counts in KiB. It stops what allocates faster than the host looks. */
function rlimits(memoryBytes: number, descriptors: number): string {
  const dataKib = Math.ceil((BLANK_DATA_BYTES + 2 * memoryBytes) / 1024);
  // Shells export some variables of their own: the environment of a guest is what its runtime needs.
  return `ulimit -c 0; ulimit -n ${descriptors}; ulimit -d ${dataKib}; unset PWD OLDPWD SHLVL _; exec "$@"`;
}

function privileges(uid: number | undefined): string[] {
  const always = ["--no-new-privs", "--pdeathsig=KILL"];
  if (uid === undefined) return [...always, "--"];
  return [
    `--reuid=${uid}`,
    `--regid=${uid}`,
    "--clear-groups",
    "--bounding-set=-all",
    "--inh-caps=-all",
    ...always,
    "--",
  ];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // because a folder of PATH may be missing
    return false;
  }
}
