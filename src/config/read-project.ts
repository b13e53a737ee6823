/**
 * Reads a project: its folder and its `wrangler.toml`, `wrangler.json` or `wrangler.jsonc` → Project.
 *
 *     folder ─▶ file ─▶ source ─▶ settings ─▶ check ─▶ project
 *               (text)  (value,   (top and    (table   (what the rest
 *                        places)   [env.X])    of keys)  of Nebula knows)
 *
 * Looks at everything before it fails, so that all problems come at once. Reads no environment variables.
 */

import { basename, dirname, resolve } from "node:path";
import { type Diagnostic, NebulaError } from "../model/errors.ts";
import type { EngineName, Project } from "../model/function.ts";
import { readAssets } from "./assets-settings.ts";
import { readBuild, readPath } from "./build-settings.ts";
import { checkSettings } from "./check-settings.ts";
import { readCompatibility } from "./compatibility.ts";
import { readConfigFile } from "./config-file.ts";
import { readContainer } from "./container-settings.ts";
import { readProjectDatabases } from "./databases.ts";
import { readChain } from "./engines.ts";
import { readBindings } from "./env-bindings.ts";
import { Findings } from "./findings.ts";
import { explainReadFailure, listConfigFiles } from "./folder.ts";
import { isWasm, readForms } from "./forms.ts";
import { readInterface } from "./interface.ts";
import { readLimits, readScaling } from "./limits.ts";
import { readName } from "./name.ts";
import { readOutbound } from "./outbound.ts";
import { readRoutes } from "./routes.ts";
import { readRuntime } from "./runtime.ts";
import { findNebula, findSetting, type Settings, toSettings } from "./settings.ts";
import { findChild, findText } from "./value.ts";
import { readFiles, readWasi } from "./wasi-settings.ts";

/** Which environment of the file counts. */
export interface ReadProjectOptions {
  /** Which `[env.NAME]`; the top level alone unless given. */
  readonly env?: string;
  /** Absolute, or relative to the folder; found by name unless given. Paths in it are relative to its own folder. */
  readonly configFile?: string;
  /** The name of a function whose configuration names none; that of the folder unless given. Slugged. */
  readonly defaultName?: string;
}

/**
 * Reads the project in a folder. A folder without a configuration file is all defaults, if it has an entry.
 *
 * @throws {NebulaError} NEBULA_CONFIG_INVALID with every error and warning in `diagnostics`.
 */
export async function readProject(
  dir: string,
  options: ReadProjectOptions = {},
): Promise<{ project: Project; warnings: readonly Diagnostic[] }> {
  const root = resolve(dir);
  const { configFile, others } = await chooseConfigFile(root, options.configFile);
  const { source, findings } = configFile ? await readConfigFile(configFile) : { findings: new Findings(root) };
  const shownName = basename(configFile ?? root);
  for (const other of others) {
    findings.onFile(`comes before "${other}", which is not read`, { severity: "warning" });
  }
  if (configFile && source === undefined) throw findings.toError(shownName);
  const settings = toSettings({ path: [], value: source?.value ?? {} }, options.env, findings);
  checkSettings(settings, findings);
  const base = configFile ? dirname(configFile) : root;
  const project = await toProject(settings, { dir: base, configFile, name: options.defaultName, findings });
  if (findings.hasErrors) throw findings.toError(shownName);
  return { project, warnings: findings.toDiagnostics() };
}

/** The file to read, and those that stand beside it unread. */
async function chooseConfigFile(
  dir: string,
  given: string | undefined,
): Promise<{ configFile?: string; others: readonly string[] }> {
  if (given !== undefined) return { configFile: resolve(dir, given), others: [] };
  try {
    const [first, ...others] = await listConfigFiles(dir);
    return first === undefined ? { others } : { configFile: resolve(dir, first), others };
  } catch (thrown) {
    const problem = explainReadFailure(thrown);
    if (problem === undefined) throw thrown;
    throw new NebulaError("NEBULA_CONFIG_INVALID", `Cannot read "${basename(dir)}": ${problem}`, {
      diagnostics: [{ severity: "error", message: problem, file: dir, line: 1, column: 1 }],
      cause: thrown,
    });
  }
}

interface ProjectPlace {
  readonly dir: string;
  readonly configFile: string | undefined;
  readonly name: string | undefined;
  readonly findings: Findings;
}

/** Puts the project together, noting what is wrong with the values as a whole. */
async function toProject(settings: Settings, place: ProjectPlace): Promise<Project> {
  const { dir, configFile, findings } = place;
  const build = await readBuild(settings, { dir, findings });
  // A build command may be what makes them.
  const isMade = build.command !== undefined;
  const { engines, hasCode, ...sources } = await readForms(settings, { dir, configFile, isMade, findings });
  const assets = findSetting(settings, "assets");
  const directory = findChild(assets, "directory");
  const assetsDir = isMade
    ? resolveText(dir, findText(directory))
    : await readPath(directory, { dir, kind: "folder", findings });
  const codeFiles = listCodeFiles(engines, sources);
  if (assetsDir && directory && codeFiles.some((file) => file.startsWith(`${assetsDir}/`))) {
    findings.onValue(directory.path, 'holds "main": the source would be served as a static file', {
      severity: "warning",
      hint: "keep static files in a folder of their own",
    });
  }
  const hasWasi = engines.includes("wasi");
  const asked = readInterface(settings, { engines, findings });
  const wasi = readWasi(settings, { hasWasi, asked: asked.wasi, findings });
  const files = await readFiles(settings, { dir, isMade, hasWasi, findings });
  const container = readContainer(settings, { engines, asked: asked.container, findings });
  const chain = readChain(settings, { engines, findings });
  const runtime = readRuntime(settings, { engines, findings });
  const assetsSettings = readAssets(assets, { hasCode, findings });
  const name = readName(settings, place.name ?? basename(dir), findings);
  const databases = await readProjectDatabases(settings, { owner: name, dir, isMade, findings });
  return {
    dir,
    ...(configFile !== undefined && { configFile }),
    ...sources,
    ...(assetsDir !== undefined && { assetsDir }),
    ...(files && { files }),
    ...(databases.length > 0 && { databases }),
    build,
    spec: {
      name,
      engines,
      ...(runtime && { runtime }),
      compatibility: readCompatibility(settings, {
        findings,
        hasCode: configFile !== undefined && codeFiles.some((file) => !isWasm(file)),
      }),
      routes: readRoutes(settings, findings),
      bindings: readBindings(name, settings, findings),
      ...(assetsSettings && { assets: assetsSettings }),
      ...(wasi && { wasi }),
      ...(container && { container }),
      ...(chain && { chain }),
      limits: readLimits(settings),
      scaling: readScaling(settings, findings),
      outbound: readOutbound(findNebula(settings, "outbound"), { engines, findings }),
    },
  };
}

/** The files of the author's that run. */
function listCodeFiles(engines: readonly EngineName[], { main, entries }: Pick<Project, "main" | "entries">): string[] {
  const used = engines.map((engine) => (engine === "container" ? undefined : (entries?.[engine] ?? main)));
  return [...new Set(used.filter((file) => file !== undefined))];
}

function resolveText(dir: string, text: string | undefined): string | undefined {
  return text === undefined ? undefined : resolve(dir, text);
}
