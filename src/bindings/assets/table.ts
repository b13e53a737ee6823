/**
 * The table of a manifest: path on the wire → what to do.
 *
 * A path is resolved the first time it is asked for and remembered if it leads to a file and is in its canonical
 * spelling, of which there are about ten per file; from then on it costs one look-up, and loading a deployment of
 * 20 000 files stalls nobody. Only files of the manifest can be found, so there is no path to traverse.
 * Knows nothing of `_redirects`, which come before it, and of methods and headers.
 */

import type { AssetFile, AssetsManifest } from "../../model/artifact.ts";
import type { AssetsSettings } from "../../model/function.ts";
import { findPage } from "./html-handling.ts";
import { decodePath, encodePath } from "./path.ts";
import { type StoredFile, toStoredFile } from "./representation.ts";

/** Send this file with this status, or a 307 to this encoded path. */
export type Target =
  | { readonly kind: "file"; readonly file: StoredFile; readonly status: 200 | 404 }
  | { readonly kind: "move"; readonly to: string };

/** The files of a deployment by path. */
export interface Table {
  /** Whether this very spelling is remembered: it then is normal and needs no parsing. */
  has(path: string): boolean;
  /** What a path, as URLs normalise it, leads to. */
  find(path: string): Target | undefined;
  /** What not_found_handling gives for a path that leads nowhere. */
  findFallback(path: string): Target | undefined;
}

type Files = ReadonlyMap<string, AssetFile>;

/** Makes the table; only a look at each file's name. */
export function createTable(manifest: AssetsManifest, settings: AssetsSettings): Table {
  const files: Files = new Map(Object.entries(manifest.files));
  const options = { mode: settings.htmlHandling, has: (path: string) => files.has(path) };
  const findFallbackFile = createFallback(files, settings.notFoundHandling);
  const known = new Map<string, Target>();

  function resolve(path: string): Target | undefined {
    const decoded = decodePath(path);
    const page = findPage(decoded, options);
    if (page === undefined) return undefined;
    if ("redirect" in page) return { kind: "move", to: encodePath(page.redirect) };
    const canonical = encodePath(decoded);
    return canonical === path ? toTarget(files.get(page.file), 200) : { kind: "move", to: canonical };
  }

  return {
    has: (path) => known.has(path),
    find(path) {
      const before = known.get(path);
      if (before !== undefined) return before;
      const target = resolve(path);
      // Other spellings are without number and must not fill the memory.
      if (target !== undefined && encodePath(decodePath(path)) === path) known.set(path, target);
      return target;
    },
    findFallback(path) {
      const decoded = decodePath(path);
      const target = findFallbackFile(decoded);
      if (target === undefined) return undefined;
      const canonical = encodePath(decoded);
      return canonical === path ? target : { kind: "move", to: canonical };
    },
  };
}

function toTarget(file: AssetFile | undefined, status: 200 | 404): Target | undefined {
  return file && { kind: "file", file: toStoredFile(file), status };
}

type FindFallback = (decodedPath: string) => Target | undefined;

function createFallback(files: Files, mode: AssetsSettings["notFoundHandling"]): FindFallback {
  if (mode === "404-page") return createNearest404(files);
  const page = mode === "single-page-application" ? toTarget(files.get("/index.html"), 200) : undefined;
  return () => page;
}

/** Finds the 404.html of the nearest folder above a path. */
function createNearest404(files: Files): FindFallback {
  const pages = new Map<string, Target | undefined>();
  let longest = 0;
  for (const [path, file] of files) {
    if (!path.endsWith("/404.html")) continue;
    const folder = path.slice(0, -"/404.html".length);
    pages.set(folder, toTarget(file, 404));
    longest = Math.max(longest, folder.length);
  }
  return (path) => {
    // Starting no deeper than the deepest page keeps a path of a thousand slashes from costing a thousand look-ups.
    let end = path.lastIndexOf("/", longest);
    while (end > 0 && !pages.has(path.slice(0, end))) end = path.lastIndexOf("/", end - 1);
    return end < 0 ? undefined : pages.get(path.slice(0, end));
  };
}
