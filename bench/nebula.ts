/**
 * A Nebula node under measurement, started as a user starts it: `nebula serve` on a project folder made for the run.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, createClient } from "../src/client/client.ts";
import type { Server } from "./peers.ts";
import { listTree, readCpuMs, readProgram, readPssBytes, startProcess } from "./processes.ts";

const COMMAND = join(import.meta.dirname, "..", "bin", "nebula");

const LOOK_MS = 20;
const QUIET_MS = 100;
const QUIET_LIMIT_MS = 10_000;

/** Files of a project, by their path in it. */
export type ProjectFiles = Readonly<Record<string, string | Uint8Array>>;

export interface NebulaServer extends Server {
  readonly client: Client;
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
  const remove = () => rmSync(dir, { recursive: true, force: true });
  writeFiles(dir, files);
  try {
    const node = await startNode({ dir, stateDir: join(dir, ".nebula"), args: [] });
    return {
      ...node,
      [Symbol.asyncDispose]: async () => {
        await node[Symbol.asyncDispose]();
        remove();
      },
    };
  } catch (thrown) {
    remove();
    throw thrown;
  }
}

/** Serves what a state directory holds, and builds nothing. Ended, it can be started again. */
export async function restartNebula(stateDir: string): Promise<NebulaServer> {
  return await startNode({ dir: stateDir, stateDir, args: ["--no-deploy"] });
}

async function startNode(of: { dir: string; stateDir: string; args: readonly string[] }): Promise<NebulaServer> {
  const { dir, stateDir, args } = of;
  const started = await startProcess("sh", {
    args: [COMMAND, "serve", dir, ...args],
    env: { NEBULA_DATA_PORT: "0", NEBULA_CONTROL_PORT: "0", NEBULA_STATE_DIR: stateDir },
    ready: /^.*ready data=(\S+) control=(\S+)\s/m,
    readyOn: "stdout",
  });
  const [, data = "", control = ""] = started.ready;
  return {
    name: "nebula",
    url: new URL(data),
    client: createClient({ controlUrl: control, token: readFileSync(join(stateDir, "token"), "utf8").trim() }),
    stateDir,
    pid: started.pid,
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  };
}

/** Files of one function in `functions/`, whose answer names it. */
export function toFunctionFiles(name: string, settings = ""): ProjectFiles {
  return {
    [`functions/${name}/index.js`]: `export default { fetch: () => new Response("${name}\\n") };\n`,
    [`functions/${name}/wrangler.toml`]: `name = "${name}"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\n${settings}`,
  };
}

/** The guest processes of a node, on Node or on Deno, blank ones among them. */
export function listGuests({ pid: host }: Server): number[] {
  const program = readProgram(host);
  return listTree(host)
    .slice(1)
    .filter((pid) => [program, "/deno"].some((end) => readProgram(pid).endsWith(end)));
}

/**
 * Waits until the node has done what it does behind a request's back: blank processes are ready again, ended ones
 * are gone. Quiet is: the same guests as before, and none of them has used the processor for a while.
 * Processes in `busy` do not count.
 */
export async function waitUntilQuiet(server: Server, busy: readonly number[] = []): Promise<void> {
  const look = () => {
    const guests = listGuests(server).filter((pid) => !busy.includes(pid));
    return `${guests.join()} ${readCpuMs(guests)}`;
  };
  let before = look();
  const endMs = performance.now() + QUIET_LIMIT_MS;
  for (let quietMs = 0; quietMs < QUIET_MS && performance.now() < endMs; ) {
    await sleep(LOOK_MS);
    const now = look();
    quietMs = now === before ? quietMs + LOOK_MS : 0;
    before = now;
  }
}

export function readNodeMemory(server: Server): NodeMemory {
  const { pid: host } = server;
  const children = listTree(host).slice(1);
  const guests = listGuests(server);
  const tools = children.filter((pid) => !guests.includes(pid));
  const sum = (pids: readonly number[]) => pids.reduce((bytes, pid) => bytes + readPssBytes(pid), 0);
  return { hostBytes: readPssBytes(host), guestsBytes: sum(guests), guests: guests.length, toolsBytes: sum(tools) };
}

function writeFiles(dir: string, files: ProjectFiles): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    // because some are programs
    writeFileSync(join(dir, path), content, { mode: 0o755 });
  }
}
