/**
 * The projects of a folder: the one in the folder itself, and one in each folder of `functions/`.
 *
 *     <dir>/wrangler.toml            the root project: answers what the others leave
 *     <dir>/functions/hello/         a function, with a wrangler.toml or without
 */

import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { findDockerfile, findEntry, listConfigFiles, readKind } from "../config/folder.ts";
import { readProject } from "../config/read-project.ts";
import { type Diagnostic, NebulaError } from "../model/errors.ts";
import type { Project } from "../model/function.ts";
import { usageError } from "./args.ts";

/** Where a project is, before anything of it is read. */
export interface ProjectPlace {
  /** Absolute. */
  readonly dir: string;
  readonly isRoot: boolean;
}

/** A project with what its configuration was warned about. */
export interface ReadProject {
  readonly project: Project;
  readonly warnings: readonly Diagnostic[];
}

const FUNCTIONS_DIR = "functions";
/** Takes every request that no other route takes. */
const REST_ROUTE = "*/*";

/** The folder that holds a project's functions. */
export function toFunctionsDir(dir: string): string {
  return join(dir, FUNCTIONS_DIR);
}

/** @throws {NebulaError} NEBULA_USAGE when there is no such folder. */
export async function requireFolder(dir: string): Promise<void> {
  if ((await readKind(dir)) !== "folder") throw usageError(`Cannot read "${dir}": there is no such folder`);
}

/**
 * Finds the projects, the root first and the others by name. Folders that begin with a dot or an underscore are
 * not functions, nor are empty ones.
 *
 * @throws {NebulaError} NEBULA_USAGE when there is no such folder.
 */
export async function findProjects(dir: string): Promise<readonly ProjectPlace[]> {
  await requireFolder(dir);
  const names = await listFolders(toFunctionsDir(dir));
  const entry = (await findEntry(dir)) ?? (await findLoneDockerfile(dir));
  const hasRoot = (await listConfigFiles(dir)).length > 0 || entry !== undefined;
  return [
    ...(hasRoot ? [{ dir, isRoot: true }] : []),
    ...names.map((name) => ({ dir: join(toFunctionsDir(dir), name), isRoot: false })),
  ];
}

/** Beside functions it is more likely to be about them, or about the node. */
async function findLoneDockerfile(dir: string): Promise<string | undefined> {
  return (await readKind(toFunctionsDir(dir))) === "folder" ? undefined : await findDockerfile(dir);
}

async function listFolders(dir: string): Promise<string[]> {
  if ((await readKind(dir)) !== "folder") return [];
  const names = (await readdir(dir)).filter((name) => !/^[._]|^node_modules$/.test(name)).sort();
  const kept = await Promise.all(names.map((name) => isFilled(join(dir, name))));
  return names.filter((_, index) => kept[index]);
}

async function isFilled(path: string): Promise<boolean> {
  if ((await readKind(path)) !== "folder") return false;
  return (await readdir(path).catch(() => [])).length > 0;
}

/**
 * Reads one project. The root project without routes of its own gets the route that answers what is left.
 *
 * `env` is the root project's; a function has it where its configuration does.
 *
 * @throws {NebulaError} NEBULA_CONFIG_INVALID with everything that is wrong with it.
 */
export async function readPlace(place: ProjectPlace, env: string | undefined): Promise<ReadProject> {
  const { project, warnings } = await readWithEnv(place, env);
  if (!place.isRoot || project.spec.routes.length > 0) return { project, warnings };
  return { project: { ...project, spec: { ...project.spec, routes: [REST_ROUTE] } }, warnings };
}

async function readWithEnv({ dir, isRoot }: ProjectPlace, env: string | undefined): Promise<ReadProject> {
  if (env === undefined) return await readProject(dir);
  try {
    return await readProject(dir, { env });
  } catch (thrown) {
    if (isRoot || !lacksEnv(thrown, env)) throw thrown;
    return await readProject(dir);
  }
}

function lacksEnv(thrown: unknown, env: string): boolean {
  if (!(thrown instanceof NebulaError) || thrown.code !== "NEBULA_CONFIG_INVALID") return false;
  return thrown.diagnostics.some(({ message }) => message.startsWith(`there is no environment "${env}"`));
}

/** What a project is called before its configuration could be read: for messages. */
export function toShownName(place: ProjectPlace): string {
  return basename(place.dir);
}

/** The failure of a project whose name another has. */
export function nameTaken(name: string, { own, other }: { own: Project; other: ProjectPlace }): NebulaError {
  const message = `the project in "${toShownName(other)}" has the name "${name}" already`;
  const diagnostic = { severity: "error", message, file: own.configFile ?? own.dir, line: 1, column: 1 } as const;
  return new NebulaError("NEBULA_CONFIG_INVALID", `Cannot deploy "${basename(own.dir)}": ${message}`, {
    hint: "Give each function a name of its own",
    diagnostics: [diagnostic],
  });
}
