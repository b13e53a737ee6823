/**
 * esbuild plugin: Deno's specifiers of packages, taken from the project's own `node_modules`.
 *
 *     npm:hono@4                  →  hono, where what is installed is of version 4
 *     npm:@scope/x@^1.2/sub.js    →  @scope/x/sub.js
 *     jsr:@std/path               nothing is downloaded: JSR gives its packages to npm, too
 *
 * A word like `latest` in place of a version says nothing that could be checked.
 */

import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { PartialMessage, Plugin } from "../esbuild.ts";

/** What a specifier asks for. */
interface PackageRequest {
  readonly name: string;
  /** Empty: any. */
  readonly range: string;
  /** Within the package: empty, or from its slash on. */
  readonly subpath: string;
}

const NPM = /^npm:\/?((?:@[^/@]+\/)?[^/@]+)(?:@([^/]*))?(\/.*)?$/;
const JSR = /^jsr:\/?(@[^/@]+\/[^/@]+)/;

/** Resolves `npm:` imports, and says of `jsr:` imports what to do instead. */
export const npmImportsPlugin: Plugin = {
  name: "npm-imports",
  setup(build) {
    build.onResolve({ filter: /^npm:/ }, async ({ path, importer, namespace, resolveDir, kind }) => {
      const request = parseRequest(path);
      if (request === undefined) return { errors: [refuse(path, "it names no package")] };
      const problem = await findProblem(request, resolveDir);
      if (problem !== undefined) return { errors: [refuse(path, problem, toInstall(request))] };
      return await build.resolve(request.name + request.subpath, { importer, namespace, resolveDir, kind });
    });
    build.onResolve({ filter: /^jsr:/ }, ({ path }) => {
      const [, name] = JSR.exec(path) ?? [];
      const hint = name && `npx jsr add ${name}, and import "${name}"`;
      return { errors: [refuse(path, "modules are not downloaded from JSR", hint)] };
    });
  },
};

function parseRequest(specifier: string): PackageRequest | undefined {
  const [, name, range = "", subpath = ""] = NPM.exec(specifier) ?? [];
  return name === undefined ? undefined : { name, range, subpath };
}

/** Why what is installed is not what is asked for. */
async function findProblem({ name, range }: PackageRequest, dir: string): Promise<string | undefined> {
  const version = await findVersion(name, dir);
  if (version === undefined) return `the package "${name}" is not installed`;
  const { default: semver } = await import("semver");
  const isKept = semver.validRange(range) === null || semver.satisfies(version, range);
  return isKept ? undefined : `version ${version} of "${name}" is installed`;
}

/** The version that an import in this folder gets, as Node looks for it: here, or in a folder above. */
async function findVersion(name: string, dir: string): Promise<string | undefined> {
  const manifest = await readFile(join(dir, "node_modules", name, "package.json"), "utf8").catch(() => undefined);
  if (manifest !== undefined) return toVersion(manifest);
  const parent = dirname(dir);
  return parent === dir ? undefined : await findVersion(name, parent);
}

function toVersion(manifest: string): string {
  try {
    const { version }: { version?: unknown } = JSON.parse(manifest);
    return String(version);
  } catch {
    return "?"; // because what cannot be read satisfies no range
  }
}

function toInstall({ name, range }: PackageRequest): string {
  const what = range === "" ? name : `${name}@${range}`;
  return `npm install ${/^[\w@/.-]+$/.test(what) ? what : `"${what}"`}`;
}

function refuse(path: string, why: string, hint?: string): PartialMessage {
  return { text: `Cannot import "${path}": ${why}`, detail: hint };
}
