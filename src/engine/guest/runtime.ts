/**
 * What a guest process runs on: a binary that takes our code on standard input and grants it nothing.
 */

import type { RuntimeName } from "../../model/function.ts";
import { MIB } from "../../model/units.ts";

/** A binary of this machine, and how guests are started on it. */
export interface GuestRuntime {
  readonly name: RuntimeName;
  readonly binary: string;
  /** Where its processes stand, unless that is nowhere in particular. */
  readonly cwd?: string;
  /** All of the process's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The arguments with which it reads a module from standard input and runs it without any permission. */
  toArgs(options: RuntimeOptions): readonly string[];
}

/** What one process may do. */
export interface RuntimeOptions {
  readonly memoryBytes: number;
  /**
   * Grants the right to load the add-on that comes as ADDON_FD; our code in the guest gives it up (load-addon.guest.ts).
   * Node only.
   */
  readonly mayLoadAddon?: boolean;
  /** The heap grows to this before the collector looks for old garbage unasked; the process can ask it to. Node only. */
  readonly initialHeapBytes?: number | undefined;
}

/** What every guest process on Node is started with, besides its heap size and whether it may load an add-on. */
export const NODE_FLAGS = [
  "--permission",
  "--disallow-code-generation-from-strings",
  "--experimental-vm-modules",
  "--no-experimental-websocket",
  "--no-experimental-eventsource",
  "--no-experimental-global-navigator",
  "--no-experimental-sqlite",
  "--disable-sigusr1",
  "--no-warnings",
  "--stack-trace-limit=20",
  "--v8-pool-size=1",
];

/** The Node that runs this host. */
export const nodeRuntime: GuestRuntime = {
  name: "node",
  binary: process.execPath,
  env: {},
  toArgs: ({ memoryBytes, mayLoadAddon = false, initialHeapBytes }) => [
    ...NODE_FLAGS,
    mayLoadAddon ? "--allow-addons" : "--no-addons",
    ...toHeapFlags(memoryBytes),
    ...toInitialHeapFlags(initialHeapBytes),
    "--input-type=module",
    "-",
  ],
};

/** What of Deno would reach out, look around or ask. Nothing is granted, so that there is nothing to take back. */
const DENO_FLAGS = [
  "run",
  "--quiet",
  "--no-prompt",
  "--no-config",
  "--no-lock",
  "--no-remote",
  // A list of hosts is allowed otherwise.
  "--deny-import",
  "--no-npm",
  "--cached-only",
  "--no-code-cache",
  // Otherwise it takes our code for TypeScript, which costs some 150 ms.
  "--ext=js",
];

/** A Deno binary. */
export function createDenoRuntime(binary: string): GuestRuntime {
  return {
    name: "deno",
    binary,
    // It names what it reads from standard input by this folder, and stacks show it.
    cwd: "/",
    // A folder that nobody can make, not even root: it would keep caches there.
    env: {
      DENO_DIR: "/dev/null/deno",
      DENO_NO_UPDATE_CHECK: "1",
      DENO_NO_PACKAGE_JSON: "1",
      // Otherwise it lends the graphics processor to everybody.
      DENO_WEBGPU_BACKEND: "none",
      NO_COLOR: "1",
    },
    toArgs: ({ memoryBytes }) => {
      const flags = ["--disallow-code-generation-from-strings", "--stack-trace-limit=20", ...toHeapFlags(memoryBytes)];
      return [...DENO_FLAGS, `--v8-flags=${flags.join(",")}`, "-"];
    },
  };
}

function toHeapFlags(memoryBytes: number): readonly string[] {
  return [`--max-old-space-size=${Math.ceil(memoryBytes / MIB)}`, "--max-semi-space-size=8"];
}

/**
 * A process that makes an instance for each request has a collection every some hundred requests. In steps it would slow
 * down twenty of them; at once it holds up one, for a few milliseconds.
 */
function toInitialHeapFlags(bytes: number | undefined): readonly string[] {
  if (bytes === undefined) return [];
  return [`--initial-old-space-size=${Math.ceil(bytes / MIB)}`, "--expose-gc", "--no-incremental-marking"];
}
