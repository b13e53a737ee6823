/**
 * Which function of a node a command is about: the one named, or that of the project in the folder.
 */

import { type Client, createClient } from "../client/client.ts";
import { getNode } from "../client/find-node.ts";
import { findEntry, listConfigFiles } from "../config/folder.ts";
import { type Args, usageError } from "./args.ts";
import { ENV_ARG, listStateDirs, STATE_ARG } from "./common-args.ts";
import type { CliIo } from "./io.ts";
import { readPlace } from "./projects.ts";

/** What commands about one function of a running node take. */
export const FUNCTION_ARGS = {
  name: { type: "text", value: "function", summary: "The function; that of the project in this folder unless given" },
  ...ENV_ARG,
  ...STATE_ARG,
} as const satisfies Args;

/** Their values. */
export interface FunctionArgs {
  readonly name: string | undefined;
  readonly env: string | undefined;
  readonly stateDir: string | undefined;
}

/** The node that runs here. @throws {NebulaError} NEBULA_NODE_UNREACHABLE when there is none. */
export async function reachNode(stateDir: string | undefined, { cwd, env }: CliIo): Promise<Client> {
  return createClient(await getNode({ stateDirs: listStateDirs({ stateDir, cwd }), env }));
}

/** @throws {NebulaError} NEBULA_USAGE when none is named and the folder has none, NEBULA_CONFIG_INVALID when it is wrong. */
export async function findFunctionName({ name, env }: FunctionArgs, cwd: string): Promise<string> {
  if (name !== undefined) return name;
  if ((await listConfigFiles(cwd)).length === 0 && (await findEntry(cwd)) === undefined) {
    throw usageError("Cannot tell which function is meant: there is no project in this folder", "Name it with --name");
  }
  const { project } = await readPlace({ dir: cwd, isRoot: true }, env);
  return project.spec.name;
}
