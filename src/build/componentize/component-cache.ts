/**
 * Remembers which component was made of which script: for one builder's life in memory, beyond it in a folder.
 *
 *     <folder>/components-v1/<key>        the digest of the component as text, a line feed, and the component
 *
 * The folder keeps the last that were used: each is some megabytes. Two runs of the tool differ in some bytes; so the same function is the same component the next time, and made at once.
 * Nothing read from the folder is trusted: what does not have its digest is made again.
 */

import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Digest } from "../../model/artifact.ts";
import { toDigest } from "../blob-source.ts";

/** Components by all that they depend on. */
export interface ComponentCache {
  find(key: Digest): Promise<Uint8Array | undefined>;
  keep(key: Digest, component: Uint8Array): Promise<void>;
}

/** Part of the folder's name: to be changed with how they are kept. */
const VERSION = "components-v1";
/** How many a folder keeps. */
const KEPT = 32;

/** Without a folder, the last component stays in memory as long as the cache does. */
export function createComponentCache(cacheDir: string | undefined): ComponentCache {
  let last: { readonly key: Digest; readonly component: Uint8Array } | undefined;
  const toPath = (key: Digest) => join(cacheDir ?? "", VERSION, key.slice("sha256:".length));
  return {
    find: async (key) => {
      if (last?.key === key) return last.component;
      return cacheDir === undefined ? undefined : await findStored(toPath(key));
    },
    keep: async (key, component) => {
      last = { key, component };
      if (cacheDir !== undefined) await store(toPath(key), component);
    },
  };
}

async function findStored(path: string): Promise<Uint8Array | undefined> {
  try {
    const bytes = await readFile(path);
    const end = bytes.indexOf("\n");
    const component = bytes.subarray(end + 1);
    if (bytes.toString("latin1", 0, end) !== toDigest(component)) return undefined;
    const { atime } = await stat(path);
    // Used now, by the clock of the file system.
    await utimes(path, atime, new Date());
    return component;
  } catch {
    return undefined; // because what is missing is made again
  }
}

/** By renaming: a reader sees all of it or nothing. */
async function store(path: string, component: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, Buffer.concat([Buffer.from(`${toDigest(component)}\n`), component]));
  await rename(draft, path);
  await forgetOld(dirname(path));
}

/** What another builder takes away at the same time is gone all the same. */
async function forgetOld(folder: string): Promise<void> {
  const names = await readdir(folder);
  if (names.length <= KEPT) return;
  const found = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      return { path, usedMs: (await stat(path).catch(() => undefined))?.mtimeMs ?? 0 };
    }),
  );
  const old = found.toSorted((a, b) => b.usedMs - a.usedMs).slice(KEPT);
  await Promise.all(old.map(({ path }) => rm(path, { force: true })));
}
