/**
 * Remembers what a step made of a program and what it was worth: for one builder's life in memory, beyond it in a folder.
 *
 *     <folder>/saved-v1/<key>.json    { saving, digest }       digest: of the bytes, or null where they were not kept
 *     <folder>/saved-v1/<key>.wasm
 *
 * It saves time, and it makes that the same program is the same artifact the next time, although no two measurements are
 * equal. Nothing read from the folder is trusted: what does not have its shape or its digest is made again.
 */

import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Digest, isDigest, type Saving } from "../model/artifact.ts";
import { hasShape, isBoolean, isNumber, isText, oneOf, optional } from "../model/shape.ts";
import { toDigest } from "./blob-source.ts";

/** What came of a step. */
export interface Saved {
  readonly saving: Saving;
  /** What it made; there when it is kept. */
  readonly bytes?: Uint8Array;
}

/** Saved results by all that they depend on. */
export interface SavedCache {
  find(key: Digest): Promise<Saved | undefined>;
  keep(key: Digest, saved: Saved): Promise<void>;
}

/** Part of the folder's name: to be changed with what is kept or how it is made. */
const VERSION = "saved-v1";

const isRecord = hasShape({
  saving: hasShape({
    step: oneOf("snapshot", "optimise"),
    beforeMs: isNumber,
    afterMs: isNumber,
    isKept: isBoolean,
    reason: optional(isText),
  }),
  digest: (value) => value === null || isDigest(value),
});

/** Without a folder, results stay in memory as long as the cache does. */
export function createSavedCache(cacheDir: string | undefined): SavedCache {
  const known = new Map<Digest, Saved>();
  const toBase = (key: Digest) => join(cacheDir ?? "", VERSION, key.slice("sha256:".length));
  return {
    find: async (key) => known.get(key) ?? (cacheDir === undefined ? undefined : await findStored(toBase(key))),
    keep: async (key, saved) => {
      known.set(key, saved);
      if (cacheDir !== undefined) await store(toBase(key), saved);
    },
  };
}

async function findStored(base: string): Promise<Saved | undefined> {
  try {
    const record: unknown = JSON.parse(await readFile(`${base}.json`, "utf8"));
    if (!isRecord(record)) return undefined;
    const { saving, digest } = fromUnknown<{ saving: Saving; digest: Digest | null }>(record);
    if (digest === null) return { saving };
    const bytes = await readFile(`${base}.wasm`);
    return toDigest(bytes) === digest ? { saving, bytes } : undefined;
  } catch {
    return undefined; // because what is missing or damaged is made again
  }
}

/** Bytes first, record last, each by renaming: a reader sees all of it or nothing. */
async function store(base: string, { saving, bytes }: Saved): Promise<void> {
  await mkdir(dirname(base), { recursive: true });
  if (bytes !== undefined) await replaceFile(`${base}.wasm`, bytes);
  await replaceFile(`${base}.json`, JSON.stringify({ saving, digest: bytes === undefined ? null : toDigest(bytes) }));
}

async function replaceFile(path: string, content: Uint8Array | string): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, content);
  await rename(draft, path);
}

/** The border's one cast; what it gives has been checked. */
function fromUnknown<T>(value: unknown): T {
  return value as T;
}
