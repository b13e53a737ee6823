/**
 * Images as files, on their way from Docker to a node: each is written once and kept for the next deployment.
 *
 *     <folder>/images-v1/<function>/<id>.tar      what `docker save` makes of the image
 *     <folder>/images-v1/<function>/<id>.json     { digest, bytes, changedAtMs } of that file
 *
 * Of each function the last two images are kept: the older one may still be on its way to a node.
 */

import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Blob, type Digest, isDigest, MAX_ARCHIVE_BYTES } from "../model/artifact.ts";
import { findErrno } from "../model/errno.ts";
import { NebulaError } from "../model/errors.ts";
import { hasShape, isCount, isNumber } from "../model/shape.ts";
import { formatBytes } from "../model/units.ts";

/** An image as a file. */
export interface ImageArchive {
  readonly blob: Blob;
  readonly path: string;
  /** It has been there before. */
  readonly isKnown: boolean;
}

/** Which image, and where its bytes come from. */
export interface KeepOptions {
  /** Its id, `sha256:…`. */
  readonly image: string;
  save(): Promise<ReadableStream<Uint8Array>>;
  readonly signal: AbortSignal;
}

/** Part of the folder's name: to be changed with what is kept or how it is made. */
const VERSION = "images-v1";
const KEPT = 2;

const isRecord = hasShape({ digest: isDigest, bytes: isCount, changedAtMs: isNumber });

/**
 * The archive of an image: the one that is kept, or a new one, after which older ones of the function are removed.
 *
 * @throws {NebulaError} NEBULA_BUILD_FAILED when it is larger than a node takes, or the disk refuses it.
 */
export async function keepArchive(
  { cacheDir, name }: { cacheDir: string; name: string },
  { image, save, signal }: KeepOptions,
): Promise<ImageArchive> {
  const dir = join(cacheDir, VERSION, name);
  const base = join(dir, image.slice("sha256:".length));
  const found = await findKept(base);
  if (found !== undefined) return { blob: found, path: `${base}.tar`, isKnown: true };
  const draft = `${base}.tar.${randomUUID()}`;
  try {
    await mkdir(dir, { recursive: true });
    const blob = await writeStream(draft, await save(), signal);
    await rename(draft, `${base}.tar`);
    const changedAtMs = (await stat(`${base}.tar`)).mtimeMs;
    await writeFile(draft, JSON.stringify({ ...blob, changedAtMs }));
    await rename(draft, `${base}.json`);
    await removeOlder(dir);
    return { blob, path: `${base}.tar`, isKnown: false };
  } catch (thrown) {
    await rm(draft, { force: true });
    throw toArchiveError(thrown, name);
  }
}

/** Whether the file is as it was written; a node checks its digest in any case. */
async function findKept(base: string): Promise<Blob | undefined> {
  try {
    const record: unknown = JSON.parse(await readFile(`${base}.json`, "utf8"));
    if (!isRecord(record)) return undefined;
    const { digest, bytes, changedAtMs } = fromUnknown<Blob & { changedAtMs: number }>(record);
    const { size, mtimeMs } = await stat(`${base}.tar`);
    if (size !== bytes || mtimeMs !== changedAtMs) return undefined;
    const now = new Date();
    await utimes(`${base}.json`, now, now);
    return { digest, bytes };
  } catch {
    return undefined; // because what is missing or damaged is made again
  }
}

async function writeStream(path: string, stream: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<Blob> {
  const hash = createHash("sha256");
  let bytes = 0;
  await using file = await open(path, "wx");
  for await (const chunk of stream) {
    signal.throwIfAborted();
    bytes += chunk.byteLength;
    if (bytes > MAX_ARCHIVE_BYTES) throw tooLarge();
    hash.update(chunk);
    await file.writeFile(chunk);
  }
  const digest: Digest = `sha256:${hash.digest("hex")}`;
  return { digest, bytes };
}

/** By when they were last used; drafts of builds that were killed go too. */
async function removeOlder(dir: string): Promise<void> {
  const names = await readdir(dir);
  const used = names.filter((name) => name.endsWith(".json"));
  const times = await Promise.all(used.map(async (name) => (await stat(join(dir, name))).mtimeMs));
  const order = used.map((name, index) => ({ name, atMs: times[index] ?? 0 })).sort((a, b) => b.atMs - a.atMs);
  const kept = new Set(order.slice(0, KEPT).flatMap(({ name }) => [name, name.replace(/json$/, "tar")]));
  for (const name of names) if (!kept.has(name)) await rm(join(dir, name), { force: true });
}

function tooLarge(): NebulaError {
  return new NebulaError(
    "NEBULA_BUILD_FAILED",
    `Cannot keep the image: it has more than ${formatBytes(MAX_ARCHIVE_BYTES)}`,
    {
      hint: "Push it to a registry and name it as image under [nebula.container], or begin it FROM a smaller one",
    },
  );
}

const DISK_PROBLEMS: Readonly<Record<string, string>> = {
  ENOSPC: "no space is left on the disk",
  EDQUOT: "the disk quota is used up",
  EROFS: "the file system is read-only",
  EACCES: "permission is denied",
};

function toArchiveError(thrown: unknown, name: string): unknown {
  const problem = DISK_PROBLEMS[findErrno(thrown) ?? ""];
  if (problem === undefined) return thrown;
  return new NebulaError("NEBULA_BUILD_FAILED", `Cannot keep the image of "${name}": ${problem}`, {
    hint: "It is kept in the folder cache of the state directory on its way to the node",
    cause: thrown,
  });
}

/** The border's one cast; what it gives has been checked. */
function fromUnknown<T>(value: unknown): T {
  return value as T;
}
