/**
 * Step "files": the files that ship with a Wasm program, each under its path inside the program.
 *
 *     "/data" = "./data"               every file below the folder
 *     "/etc/words.txt" = "words.txt"   one file
 */

import { readdir, readFile, stat } from "node:fs/promises";
import { join, posix, relative } from "node:path";
import type { Blob } from "../../model/artifact.ts";
import { formatBytes, MIB } from "../../model/units.ts";
import { type BlobSource, toBlob } from "../blob-source.ts";
import { buildFailed, type Step } from "../step.ts";

/** Which files, and from where. */
export interface FilesOptions {
  /** Messages show paths relative to it. */
  readonly projectDir: string;
  /** Path inside the program → absolute file or folder. */
  readonly files: Readonly<Record<string, string>>;
  readonly limits?: FileLimits;
}

/** How many files, and how many bytes in all: a process that runs the program holds them in memory. */
export interface FileLimits {
  readonly maxFiles: number;
  readonly bytes: number;
}

const DEFAULT_FILE_LIMITS: FileLimits = { maxFiles: 20_000, bytes: 128 * MIB };

/** Paths that are deeper are not taken by a node. */
const MAX_DEPTH = 100;

/** The step fails with NEBULA_BUILD_FAILED, which names the file, when something cannot go along. */
export function openFilesStep({ projectDir, files, limits = DEFAULT_FILE_LIMITS }: FilesOptions): Step {
  return {
    async run({ signal }) {
      const mounts = new Map<string, Blob & { readonly source: BlobSource }>();
      let bytes = 0;
      for (const [guest, path] of Object.entries(files)) {
        for await (const found of walk(path, guest, { projectDir, depth: 0 })) {
          signal.throwIfAborted();
          const shown = relative(projectDir, found.path);
          if (mounts.has(found.guest)) {
            throw buildFailed("files", `Cannot take "${shown}" along: another file is "${found.guest}" already`);
          }
          const blob = toBlob(await readFile(found.path));
          bytes += blob.bytes;
          ensureLimits({ count: mounts.size + 1, bytes }, limits);
          mounts.set(found.guest, { ...blob, source: { from: "file", path: found.path, bytes: blob.bytes } });
        }
      }
      const count = mounts.size === 1 ? "1 file" : `${mounts.size} files`;
      return { mounts, inputs: Object.values(files), note: `${count}, ${formatBytes(bytes)}` };
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

function ensureLimits(found: { count: number; bytes: number }, { maxFiles, bytes }: FileLimits): void {
  const what =
    found.count > maxFiles
      ? `more than ${maxFiles} files`
      : found.bytes > bytes
        ? `more than ${formatBytes(bytes)}`
        : "";
  if (what === "") return;
  throw buildFailed("files", `Cannot take the files along: they are ${what}`, {
    hint: "A program's files are for what it reads at every start; large data belongs into [assets]",
  });
}

interface FoundFile {
  readonly guest: string;
  readonly path: string;
}

/** Regular files, and links to such. A link to a folder could lead in a circle, and is refused. */
async function* walk(
  path: string,
  guest: string,
  { projectDir, depth }: { projectDir: string; depth: number },
): AsyncGenerator<FoundFile> {
  const shown = relative(projectDir, path);
  const refuse = (why: string) => buildFailed("files", `Cannot take "${shown}" along: ${why}`);
  if (depth > MAX_DEPTH) throw refuse(`it is more than ${MAX_DEPTH} folders deep`);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw refuse("there is no such file or folder");
  if (found.isFile()) yield { guest, path };
  else if (!found.isDirectory()) throw refuse("it is neither file nor folder");
  else {
    for (const entry of (await readdir(path, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const inner = join(path, entry.name);
      if (entry.isSymbolicLink() && (await stat(inner).catch(() => undefined))?.isDirectory()) {
        throw buildFailed("files", `Cannot take "${relative(projectDir, inner)}" along: it is a link to a folder`);
      }
      yield* walk(inner, posix.join(guest, entry.name), { projectDir, depth: depth + 1 });
    }
  }
}
