/**
 * Finds the files of an assets folder.
 *
 * Left out are dotfiles (but not `.well-known`), what `.assetsignore` names, and the two files that configure
 * serving. A symbolic link is followed as long as it stays inside the folder.
 */

import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import type { Diagnostic } from "../../model/errors.ts";
import { buildFailed } from "../step.ts";
import { type Ignores, parseIgnores } from "./ignore.ts";

/** One file of the folder, not read yet. */
export interface FoundAsset {
  /** Where it is served, not percent-encoded: `/img/a b.svg`. */
  readonly urlPath: string;
  readonly path: string;
  readonly bytes: number;
  /** Of content, name or rights: a content set back in time counts as well. */
  readonly changedAtMs: number;
}

/** What the folder holds. */
export interface FoundAssets {
  /** By `urlPath`, in code unit order. */
  readonly files: readonly FoundAsset[];
  readonly headersFile?: string;
  readonly redirectsFile?: string;
  readonly warnings: readonly Diagnostic[];
}

/** Limits of the walk. */
export interface WalkOptions {
  readonly signal: AbortSignal;
  /** The folder as the owner knows it, relative to the project. */
  readonly shownDir: string;
  /** More files than this are an error. */
  readonly maxFiles: number;
}

const IGNORE_FILE = ".assetsignore";
const HEADERS_FILE = "_headers";
const REDIRECTS_FILE = "_redirects";
const KEPT_DOT_FOLDER = ".well-known";

/** @throws {NebulaError} NEBULA_BUILD_FAILED when the folder is missing, has too many files, or a link leads out of it. */
export async function findAssets(dir: string, options: WalkOptions): Promise<FoundAssets> {
  const root = await realpath(dir).catch(() => undefined);
  if (root === undefined || !(await stat(root)).isDirectory()) {
    throw buildFailed("assets", `Cannot collect assets from "${options.shownDir}": there is no such folder`);
  }
  const [ignoreText = "", headersFile, redirectsFile] = await Promise.all(
    [IGNORE_FILE, HEADERS_FILE, REDIRECTS_FILE].map((name) => findText(join(root, name))),
  );
  const walk = new Walk(root, { ...options, ignores: parseIgnores(ignoreText) });
  await walk.enter(root, [root]);
  return {
    files: walk.files.sort((a, b) => (a.urlPath < b.urlPath ? -1 : 1)),
    ...(headersFile !== undefined && { headersFile }),
    ...(redirectsFile !== undefined && { redirectsFile }),
    warnings: walk.warnings,
  };
}

async function findText(path: string): Promise<string | undefined> {
  return (await stat(path).catch(() => undefined))?.isFile() ? await readFile(path, "utf8") : undefined;
}

class Walk {
  readonly files: FoundAsset[] = [];
  readonly warnings: Diagnostic[] = [];
  readonly #root: string;
  readonly #options: WalkOptions & { readonly ignores: Ignores };

  constructor(root: string, options: WalkOptions & { readonly ignores: Ignores }) {
    this.#root = root;
    this.#options = options;
  }

  /** `above` holds the real paths of this folder and of those it was reached through: a link to one of them is a loop. */
  async enter(dir: string, above: readonly string[]): Promise<void> {
    this.#options.signal.throwIfAborted();
    for (const entry of await readdir(dir, { withFileTypes: true })) {
      const path = join(dir, entry.name);
      const isRoot = dir === this.#root;
      if (entry.name.startsWith(".") && !(isRoot && entry.name === KEPT_DOT_FOLDER)) continue;
      if (isRoot && (entry.name === HEADERS_FILE || entry.name === REDIRECTS_FILE)) continue;
      await this.#visit(path, { above, isLink: entry.isSymbolicLink() });
    }
  }

  async #visit(path: string, { above, isLink }: { above: readonly string[]; isLink: boolean }): Promise<void> {
    const name = relative(this.#root, path);
    // Before the link is followed: one that is ignored may lead anywhere.
    if (this.#options.ignores(name, "file")) return;
    const target = isLink ? await this.#follow(path, name) : path;
    const found = await stat(target);
    if (found.isDirectory()) {
      if (this.#options.ignores(name, "folder")) return;
      if (above.includes(target))
        throw buildFailed("assets", `Cannot collect "${name}": the link leads back to a folder above it`);
      await this.enter(path, [...above, target]);
    } else if (found.isFile()) {
      this.#add({ urlPath: `/${name.replaceAll(sep, "/")}`, path, bytes: found.size, changedAtMs: found.ctimeMs });
    } else {
      const message = "Left out: it is no regular file";
      this.warnings.push({
        severity: "warning",
        message,
        file: join(this.#options.shownDir, name),
        line: 1,
        column: 1,
      });
    }
  }

  async #follow(path: string, name: string): Promise<string> {
    const target = await realpath(path).catch(() => undefined);
    if (target === undefined) throw buildFailed("assets", `Cannot collect "${name}": the link leads nowhere`);
    if (target === this.#root || target.startsWith(this.#root + sep)) return target;
    throw buildFailed("assets", `Cannot collect "${name}": the link leads out of the assets folder`, {
      hint: `Copy the file, or name it in ${IGNORE_FILE}`,
    });
  }

  #add(file: FoundAsset): void {
    const { maxFiles } = this.#options;
    if (this.files.length >= maxFiles) {
      throw buildFailed("assets", `Cannot collect "${file.urlPath}": there are more than ${maxFiles} files`, {
        hint: `Name what is not to be served in ${IGNORE_FILE}`,
      });
    }
    this.files.push(file);
  }
}
