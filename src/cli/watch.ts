/**
 * Watches files and folders for changes. The only file that knows chokidar.
 *
 * A file is watched through its folder, because editors replace files rather than write them, and a watch on the
 * file itself would stay with the old one. Folders are watched with everything below them.
 */

import { stat } from "node:fs/promises";
import { dirname, sep } from "node:path";
import type { FSWatcher } from "chokidar";

/** What is looked at. */
export interface WatchTargets {
  /** Absolute; files may be missing as yet. Folders are watched with everything below them. */
  readonly paths: readonly string[];
  /** Absolute folders, watched as deep as told: 0 is their direct children. Missing ones are left out. */
  readonly folders: readonly { readonly path: string; readonly depth: number }[];
}

/** Looks at files until it is disposed. */
export interface Watcher extends AsyncDisposable {
  /** Watches these and nothing else. When it resolves, no change of theirs goes unseen. */
  watch(targets: WatchTargets): Promise<void>;
}

/** Who is told of changes, and when. */
export interface WatcherOptions {
  /** Receives the absolute paths that changed, together when they changed together. */
  readonly onChange: (paths: ReadonlySet<string>) => void;
  /** Receives why a folder cannot be watched. */
  readonly onProblem: (folder: string, problem: unknown) => void;
  /** Absolute folders that are never looked into. */
  readonly ignored: readonly string[];
}

/** Editors and version control touch several files at once, within a few milliseconds. */
const DEBOUNCE_MS = 20;
/** What others write, and what is too much to watch: a package that is installed anew is seen at the next start. */
const IGNORED_NAMES: ReadonlySet<string> = new Set(["node_modules", ".git", ".nebula", ".wrangler"]);

/** Loads chokidar. Watches nothing yet. */
export async function openWatcher(options: WatcherOptions): Promise<Watcher> {
  const { watch } = await import("chokidar");
  return new FolderWatcher(options, watch);
}

class FolderWatcher implements Watcher {
  readonly #options: WatcherOptions;
  readonly #open: typeof import("chokidar").watch;
  /** By depth and folder: `0:/b`, and `deep:/a` for one without bottom. */
  readonly #watchers = new Map<string, { readonly watcher: FSWatcher; readonly ready: Promise<void> }>();
  readonly #changed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: WatcherOptions, open: typeof import("chokidar").watch) {
    this.#options = options;
    this.#open = open;
  }

  async watch({ paths, folders }: WatchTargets): Promise<void> {
    const wanted = new Map<string, Wanted>();
    for (const path of paths) if (!this.#isIgnored(path)) addTo(wanted, await toWanted(path));
    for (const folder of folders) if (await isFolder(folder.path)) addTo(wanted, folder);
    if (this.#isClosed) return;
    const gone = [...this.#watchers.keys()].filter((key) => !wanted.has(key));
    await Promise.all(gone.map((key) => this.#close(key)));
    await Promise.all([...wanted].map(([key, one]) => this.#watchers.get(key)?.ready ?? this.#watch(key, one)));
  }

  #watch(key: string, { path: folder, depth }: Wanted): Promise<void> {
    const { onProblem } = this.#options;
    const watcher = this.#open(folder, {
      ignoreInitial: true,
      ignorePermissionErrors: true,
      ignored: (path) => path !== folder && this.#isIgnored(path),
      ...(depth !== undefined && { depth }),
    });
    const ready = new Promise<void>((resolve) => watcher.once("ready", resolve));
    watcher.on("all", (event, path) => {
      // A folder that comes back is another one: it has to be watched anew.
      if (event === "unlinkDir" && path === folder) void this.#close(key);
      this.#note(path);
    });
    watcher.on("error", (problem) => onProblem(folder, problem));
    this.#watchers.set(key, { watcher, ready });
    return ready;
  }

  #note(path: string): void {
    if (this.#isClosed) return;
    this.#changed.add(path);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const paths = new Set(this.#changed);
      this.#changed.clear();
      this.#options.onChange(paths);
    }, DEBOUNCE_MS);
  }

  #isIgnored(path: string): boolean {
    if (path.split(sep).some((name) => IGNORED_NAMES.has(name))) return true;
    return this.#options.ignored.some((folder) => path === folder || path.startsWith(folder + sep));
  }

  async #close(key: string): Promise<void> {
    const found = this.#watchers.get(key);
    this.#watchers.delete(key);
    await found?.watcher.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await Promise.all([...this.#watchers.keys()].map((key) => this.#close(key)));
  }
}

interface Wanted {
  readonly path: string;
  /** Absent: everything below. */
  readonly depth?: number;
}

function addTo(wanted: Map<string, Wanted>, one: Wanted): void {
  wanted.set(`${one.depth ?? "deep"}:${one.path}`, one);
}

/** A folder is watched deep; a file through the nearest folder above it that exists. */
async function toWanted(path: string): Promise<Wanted> {
  if (await isFolder(path)) return { path };
  let folder = dirname(path);
  while (folder !== dirname(folder) && !(await isFolder(folder))) folder = dirname(folder);
  return { path: folder, depth: 0 };
}

async function isFolder(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isDirectory() === true;
}
