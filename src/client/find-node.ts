/**
 * Finds a running node from the folder of its state.
 *
 *     <stateDir>/node.json   { "dataUrl": …, "controlUrl": …, "pid": … }    written by the node while it runs
 *     <stateDir>/token       the bearer token of its control API
 *
 * NEBULA_CONTROL_URL and NEBULA_TOKEN come before what the files say.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { findErrno } from "../model/errno.ts";
import { NebulaError } from "../model/errors.ts";

/** Where a node is, and what opens its door. */
export interface NodeAddress {
  readonly controlUrl: string;
  readonly token: string;
}

/** Where to look. */
export interface FindNodeOptions {
  /** Absolute; the first one with a node that runs is taken. */
  readonly stateDirs: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For tests; default asks the system. */
  readonly isRunning?: (pid: number) => boolean;
}

/** Where the node is, and what opens its door; `undefined` when none of the folders has a node that runs. */
export async function findNode({
  stateDirs,
  env,
  isRunning = hasProcess,
}: FindNodeOptions): Promise<NodeAddress | undefined> {
  const controlUrl = env.NEBULA_CONTROL_URL || undefined;
  const token = env.NEBULA_TOKEN || undefined;
  if (controlUrl !== undefined && token !== undefined) return { controlUrl, token };
  for (const dir of stateDirs) {
    const found = await readNode(dir);
    if (found === undefined || (controlUrl === undefined && !isRunning(found.pid))) continue;
    const kept = token ?? (await readText(join(dir, "token")))?.trim();
    if (kept !== undefined) return { controlUrl: controlUrl ?? found.controlUrl, token: kept };
  }
  return undefined;
}

/** @throws {NebulaError} NEBULA_NODE_UNREACHABLE when none of the folders has a node that runs. */
export async function getNode(options: FindNodeOptions): Promise<NodeAddress> {
  const found = await findNode(options);
  if (found !== undefined) return found;
  const [dir = "."] = options.stateDirs;
  throw new NebulaError("NEBULA_NODE_UNREACHABLE", `Cannot find a running node: none has its state in "${dir}"`, {
    hint: "Start the node with nebula serve, or name it with NEBULA_CONTROL_URL and NEBULA_TOKEN",
  });
}

async function readNode(dir: string): Promise<{ controlUrl: string; pid: number } | undefined> {
  const text = await readText(join(dir, "node.json"));
  if (text === undefined) return undefined;
  try {
    const { controlUrl, pid }: { controlUrl?: unknown; pid?: unknown } = JSON.parse(text);
    return typeof controlUrl === "string" && typeof pid === "number" ? { controlUrl, pid } : undefined;
  } catch {
    // because a node that was killed may have left half a file: no node runs there
    return undefined;
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    // because a folder without the file has no node
    return undefined;
  }
}

function hasProcess(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (thrown) {
    // A process of somebody else exists all the same.
    return findErrno(thrown) === "EPERM";
  }
}
