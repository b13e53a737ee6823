/**
 * What the author's machine must know to build the function: the bundler's settings and the project's own command.
 */

import { resolve } from "node:path";
import type { ModuleRule, Project } from "../model/function.ts";
import type { Findings } from "./findings.ts";
import { readKind } from "./folder.ts";
import { findSetting, type Settings } from "./settings.ts";
import { formatPath } from "./source.ts";
import {
  findChild,
  findFlag,
  findText,
  listElements,
  listEntries,
  listTextEntries,
  listTexts,
  type Value,
} from "./value.ts";

/** Wrangler's defaults (its `config-schema.json`). */
const DEFAULT_WATCH_DIR = "./src";
const DEFAULT_JSX = { factory: "React.createElement", fragment: "React.Fragment" } as const;

const DEFINABLE = /^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*$/;

/** Reads the settings; paths are made absolute from `dir`. Notes a folder or file that is not there. */
export async function readBuild(
  settings: Settings,
  { dir, findings }: { dir: string; findings: Findings },
): Promise<Project["build"]> {
  const build = findSetting(settings, "build");
  const command = findText(findChild(build, "command"));
  const tsconfig = await readPath(findSetting(settings, "tsconfig"), { dir, kind: "file", findings });
  const isBundled = !(findFlag(findSetting(settings, "no_bundle")) ?? false);
  const minify = findSetting(settings, "minify");
  if (!isBundled && minify && findFlag(minify)) {
    findings.onKey(minify.path, 'has no effect beside "no_bundle"', { severity: "warning" });
  }
  const jsx = readJsx(settings);
  return {
    ...(command !== undefined && { command }),
    cwd: (await readPath(findChild(build, "cwd"), { dir, kind: "folder", findings })) ?? dir,
    watchDirs: readWatchDirs(build, dir),
    define: readDefine(findSetting(settings, "define"), findings),
    alias: readAlias(findSetting(settings, "alias"), dir),
    rules: readRules(findSetting(settings, "rules"), findings),
    minify: findFlag(minify) ?? false,
    keepNames: findFlag(findSetting(settings, "keep_names")) ?? true,
    isBundled,
    ...(tsconfig !== undefined && { tsconfig }),
    ...(jsx && { jsx }),
  };
}

interface PathOptions {
  readonly dir: string;
  readonly kind: "file" | "folder";
  readonly findings: Findings;
}

/** The absolute path that a value names. Notes when something else, or nothing, stands there. */
export async function readPath(
  value: Value | undefined,
  { dir, kind, findings }: PathOptions,
): Promise<string | undefined> {
  const text = findText(value);
  if (value === undefined || text === undefined) return undefined;
  const path = resolve(dir, text);
  const found = text === "" || text.includes("\0") ? "missing" : await readKind(path);
  const problems = { file: "is a file", folder: "is a folder", neither: "is neither file nor folder" } as const;
  if (found === "missing") findings.onValue(value.path, `is "${text}": there is no such ${kind}`);
  else if (found === "unreadable") findings.onValue(value.path, `is "${text}": it cannot be read`);
  else if (found !== kind) findings.onValue(value.path, `is "${text}": it ${problems[found]}, not a ${kind}`);
  return path;
}

/** Only a project with a command of its own has folders to watch; the bundler knows the files it reads. */
function readWatchDirs(build: Value | undefined, dir: string): readonly string[] {
  if (findChild(build, "command") === undefined) return [];
  const watched = findChild(build, "watch_dir");
  const single = findText(watched) ?? (watched === undefined ? DEFAULT_WATCH_DIR : undefined);
  return (single === undefined ? listTexts(watched) : [single]).map((path) => resolve(dir, path));
}

function readDefine(table: Value | undefined, findings: Findings): Readonly<Record<string, string>> {
  for (const [name, { path }] of listEntries(table)) {
    if (!DEFINABLE.test(name)) findings.onKey(path, "must be an identifier, or identifiers with dots between them");
  }
  return listTextEntries(table);
}

/** Package names stay as they are; relative paths are made absolute. */
function readAlias(table: Value | undefined, dir: string): Readonly<Record<string, string>> {
  const toTarget = (text: string) => (/^\.\.?(?:\/|$)/.test(text) ? resolve(dir, text) : text);
  return Object.fromEntries(Object.entries(listTextEntries(table)).map(([from, to]) => [from, toTarget(to)]));
}

const RULE_TYPES = ["ESModule", "CommonJS", "CompiledWasm", "Text", "Data"] as const;

function readRules(list: Value | undefined, findings: Findings): readonly ModuleRule[] {
  const closed = new Map<string, Value>();
  return listElements(list).flatMap((element) => {
    const given = findChild(element, "type");
    const type = RULE_TYPES.find((name) => name === given?.value);
    if (given && findText(given)?.startsWith("Python")) {
      findings.onValue(given.path, `is refused: there is no Python engine`);
    }
    if (type === undefined) return [];
    const closer = closed.get(type);
    if (closer) {
      findings.onKey(element.path, `is not used: "${formatPath(closer.path)}" has no "fallthrough"`, {
        severity: "warning",
      });
    }
    const fallthrough = findFlag(findChild(element, "fallthrough")) ?? false;
    if (!fallthrough && !closer) closed.set(type, element);
    return [{ type, globs: listTexts(findChild(element, "globs")), fallthrough }];
  });
}

/** Absent when the configuration says nothing, so that `tsconfig` may. */
function readJsx(settings: Settings): { factory: string; fragment: string } | undefined {
  const factory = findText(findSetting(settings, "jsx_factory"));
  const fragment = findText(findSetting(settings, "jsx_fragment"));
  if (factory === undefined && fragment === undefined) return undefined;
  return { factory: factory ?? DEFAULT_JSX.factory, fragment: fragment ?? DEFAULT_JSX.fragment };
}
