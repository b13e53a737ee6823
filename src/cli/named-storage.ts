/**
 * Which database or namespace of a node a command is about: one that the configuration of this folder names, or a plain id.
 */

import type { Client } from "../client/client.ts";
import type { ResourcePlace } from "../client/storage.ts";
import { findEntry, listConfigFiles } from "../config/folder.ts";
import type { Binding, Project, ProjectDatabase } from "../model/function.ts";
import { type Args, usageError } from "./args.ts";
import { ENV_ARG, STATE_ARG } from "./common-args.ts";
import type { CliIo } from "./io.ts";
import { reachNode } from "./named-function.ts";
import { readPlace } from "./projects.ts";

/** What commands about one database take. */
export const DATABASE_ARGS = {
  database: { type: "positional", summary: "Its binding, its name or its id in the configuration of this folder" },
  id: { type: "flag", summary: "<database> is the id of one of the node's, whatever this folder has" },
  ...ENV_ARG,
  ...STATE_ARG,
} as const satisfies Args;

/** Their values. */
export interface DatabaseArgs {
  readonly database: string;
  readonly id: boolean;
  readonly env: string | undefined;
  readonly stateDir: string | undefined;
}

/** What commands about one namespace take. */
export const NAMESPACE_ARGS = {
  binding: { type: "text", value: "name", summary: "Its binding in the configuration of this folder" },
  namespaceId: { type: "text", value: "id", summary: "Its id, whatever this folder has" },
  ...ENV_ARG,
  ...STATE_ARG,
} as const satisfies Args;

/** Their values. */
export interface NamespaceArgs {
  readonly binding: string | undefined;
  readonly namespaceId: string | undefined;
  readonly env: string | undefined;
  readonly stateDir: string | undefined;
}

/** A node, and what on it is meant. */
export interface Reached {
  readonly client: Client;
  readonly place: ResourcePlace;
}

/** @throws {NebulaError} NEBULA_USAGE when the folder has no such database, NEBULA_NODE_UNREACHABLE when there is no node. */
export async function reachDatabase(args: DatabaseArgs, io: CliIo): Promise<Reached> {
  const place = args.id
    ? { id: args.database, isConfigured: false }
    : { id: (await findDatabase(args, io.cwd)).database.id, isConfigured: true };
  return { client: await reachNode(args.stateDir, io), place };
}

/** The database as the configuration has it, with its project. @throws {NebulaError} NEBULA_USAGE when there is none. */
export async function findDatabase(
  { database: named, env }: Pick<DatabaseArgs, "database" | "env">,
  cwd: string,
): Promise<{ readonly project: Project; readonly database: ProjectDatabase }> {
  const project = await readFolder(env, cwd);
  const all = project?.databases ?? [];
  const database =
    all.find(({ binding }) => binding === named) ??
    all.find(({ title }) => title === named) ??
    all.find(({ id }) => id === named);
  if (project !== undefined && database !== undefined) return { project, database };
  throw usageError(
    `Cannot find the database "${named}": the configuration of this folder names ${listNames(all.map(({ binding }) => binding))}`,
    "A database of the node is named by its id with --id",
  );
}

/** @throws {NebulaError} NEBULA_USAGE when the folder has no such namespace, NEBULA_NODE_UNREACHABLE when there is no node. */
export async function reachNamespace(args: NamespaceArgs, io: CliIo): Promise<Reached> {
  const { namespaceId, binding } = args;
  if (namespaceId !== undefined && binding !== undefined) {
    throw usageError("Cannot tell which namespace is meant: --binding and --namespace-id are there both");
  }
  const place =
    namespaceId === undefined
      ? { id: (await findNamespace(args, io.cwd)).id, isConfigured: true }
      : { id: namespaceId, isConfigured: false };
  return { client: await reachNode(args.stateDir, io), place };
}

async function findNamespace({ binding, env }: NamespaceArgs, cwd: string): Promise<Extract<Binding, { type: "kv" }>> {
  const bindings = (await readFolder(env, cwd))?.spec.bindings ?? [];
  const all = bindings.flatMap((each) => (each.type === "kv" ? [each] : []));
  const [only, ...others] = binding === undefined ? all : all.filter(({ name }) => name === binding);
  if (only !== undefined && others.length === 0) return only;
  const what = binding === undefined ? "which namespace is meant" : `the namespace "${binding}"`;
  throw usageError(
    `Cannot tell ${what}: the configuration of this folder names ${listNames(all.map(({ name }) => name))}`,
    "Name it with --binding, or with --namespace-id by its id",
  );
}

async function readFolder(env: string | undefined, cwd: string): Promise<Project | undefined> {
  if ((await listConfigFiles(cwd)).length === 0 && (await findEntry(cwd)) === undefined) return undefined;
  return (await readPlace({ dir: cwd, isRoot: true }, env)).project;
}

function listNames(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.map((name) => `"${name}"`).join(", ");
}
