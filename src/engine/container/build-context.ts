/**
 * The folder that an image is built from, as Docker takes it: a tar of everything that `.dockerignore` does not name.
 */

import { lstat, open, readdir, readFile, readlink } from "node:fs/promises";
import { isAbsolute, join, relative } from "node:path";
import { findErrno } from "../../model/errno.ts";
import { NebulaError } from "../../model/errors.ts";
import { formatBytes } from "../../model/units.ts";
import { TAR_END, type TarMember, toPadding, toTarHead } from "./tar-writer.ts";

/** What is packed. */
export interface BuildContext {
  /** Absolute. */
  readonly dir: string;
  /** Absolute; in the folder, or elsewhere. */
  readonly dockerfile: string;
  /** Of all files together. */
  readonly limitBytes: number;
  readonly signal: AbortSignal;
}

/** Under which name Docker finds a Dockerfile that is not in the folder. */
const OUTSIDE = ".nebula.Dockerfile";
const IGNORE_FILE = ".dockerignore";
/** The state of a node, its token and the images that it keeps: never a part of an image. */
const STATE_DIR = ".nebula";
const CHUNK_BYTES = 65_536;

/** The name of the Dockerfile within the context. */
export function toDockerfileName({ dir, dockerfile }: Pick<BuildContext, "dir" | "dockerfile">): string {
  const path = relative(dir, dockerfile);
  return path.startsWith("..") || isAbsolute(path) ? OUTSIDE : path;
}

/** The tar, as it is asked for. Fails with NEBULA_BUILD_FAILED when it is too large, or a file cannot be read. */
export async function* packContext(context: BuildContext): AsyncGenerator<Uint8Array> {
  const { dir, dockerfile, signal } = context;
  const isIgnored = await readIgnored(dir);
  const name = toDockerfileName(context);
  const size = createScale(context);
  // What Docker itself reads is sent whatever is ignored.
  const needed = new Set([name, IGNORE_FILE]);
  try {
    for await (const path of walk(dir, "")) {
      signal.throwIfAborted();
      if (!isIgnored(path) || needed.has(path)) yield* packOne(join(dir, path), path, size);
    }
    if (name === OUTSIDE) yield* packOne(dockerfile, OUTSIDE, size);
    yield TAR_END;
  } catch (thrown) {
    if (signal.aborted || thrown instanceof NebulaError) throw thrown;
    const why = findErrno(thrown) ?? String(thrown);
    throw new NebulaError("NEBULA_BUILD_FAILED", `Cannot read the folder of the image: ${why}`, { cause: thrown });
  }
}

/** Everything below a folder, folders before what is in them, in the order of names. */
async function* walk(dir: string, below: string): AsyncGenerator<string> {
  const entries = await readdir(join(dir, below), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name === STATE_DIR) continue;
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    yield path;
    if (entry.isDirectory()) yield* walk(dir, path);
  }
}

async function* packOne(file: string, path: string, size: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  const found = await lstat(file);
  const head = { path, mode: found.mode & 0o7777, changedAtMs: found.mtimeMs };
  if (found.isDirectory()) yield toTarHead({ ...head, kind: "folder", bytes: 0 });
  else if (found.isSymbolicLink()) yield toTarHead({ ...head, kind: "link", bytes: 0, target: await readlink(file) });
  else if (found.isFile()) {
    size(found.size);
    yield* packFile(file, { ...head, kind: "file", bytes: found.size });
  }
}

async function* packFile(file: string, member: TarMember): AsyncGenerator<Uint8Array> {
  yield toTarHead(member);
  await using handle = await open(file);
  let left = member.bytes;
  while (left > 0) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(Math.min(CHUNK_BYTES, left)));
    if (bytesRead === 0) {
      throw new NebulaError("NEBULA_BUILD_FAILED", `Cannot read "${member.path}": it has become shorter meanwhile`);
    }
    left -= bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
  yield toPadding(member.bytes);
}

function createScale({ limitBytes }: BuildContext): (bytes: number) => void {
  let sum = 0;
  return (bytes) => {
    sum += bytes;
    if (sum <= limitBytes) return;
    throw new NebulaError(
      "NEBULA_BUILD_FAILED",
      `Cannot send the folder of the image to Docker: it has more than ${formatBytes(limitBytes)}`,
      { hint: `list what the image does not need in ${IGNORE_FILE}` },
    );
  };
}

/** The patterns of `.dockerignore`, by the package that the tools of others use for them. */
async function readIgnored(dir: string): Promise<(path: string) => boolean> {
  const text = await readFile(join(dir, IGNORE_FILE), "utf8").catch(() => "");
  if (text.trim() === "") return () => false;
  const { default: library } = await import("@balena/dockerignore");
  const ignore = library.default({ ignorecase: false }).add(text);
  return (path) => ignore.ignores(path);
}
