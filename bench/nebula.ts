/**
 * A Nebula node under measurement, started as a user starts it: `nebula serve` on a project folder made for the run.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Server } from "./peers.ts";
import { listTree, readProgram, readPssBytes, startProcess } from "./processes.ts";

const COMMAND = join(import.meta.dirname, "..", "bin", "nebula");

/** Files of a project, by their path in it. */
export type ProjectFiles = Readonly<Record<string, string>>;

export interface NebulaServer extends Server {
  readonly control: URL;
  readonly stateDir: string;
}

/** What the parts of a node hold, in bytes of PSS. */
export interface NodeMemory {
  readonly hostBytes: number;
  readonly guestsBytes: number;
  /** Guest processes, blank ones among them. */
  readonly guests: number;
  /** Anything else below the host, such as the bundler's process. */
  readonly toolsBytes: number;
}

/** Builds and serves the project; ready when every function in it is. */
export async function startNebula(files: ProjectFiles): Promise<NebulaServer> {
  const dir = mkdtempSync(join(tmpdir(), "nebula-bench-"));
  const stateDir = join(dir, ".nebula");
  const remove = () => rmSync(dir, { recursive: true, force: true });
  writeFiles(dir, files);
  const env = { NEBULA_DATA_PORT: "0", NEBULA_CONTROL_PORT: "0", NEBULA_STATE_DIR: stateDir };
  try {
    const started = await startProcess("sh", {
      args: [COMMAND, "serve", dir],
      env,
      ready: /^.*ready data=(\S+) control=(\S+)/m,
    });
    const [, data = "", control = ""] = started.ready;
    return {
      name: "nebula",
      url: new URL(data),
      control: new URL(control),
      stateDir,
      pid: started.pid,
      [Symbol.asyncDispose]: async () => {
        await started[Symbol.asyncDispose]();
        remove();
      },
    };
  } catch (thrown) {
    remove();
    throw thrown;
  }
}

export function readNodeMemory({ pid: host }: Server): NodeMemory {
  const program = readProgram(host);
  const children = listTree(host).slice(1);
  const guests = children.filter((pid) => readProgram(pid) === program);
  const tools = children.filter((pid) => !guests.includes(pid));
  const sum = (pids: readonly number[]) => pids.reduce((bytes, pid) => bytes + readPssBytes(pid), 0);
  return { hostBytes: readPssBytes(host), guestsBytes: sum(guests), guests: guests.length, toolsBytes: sum(tools) };
}

function writeFiles(dir: string, files: ProjectFiles): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
}
