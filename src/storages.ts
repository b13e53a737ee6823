/**
 * The storage of a node's bindings: which code runs in which processes, on which folders. Part of the composition root.
 */

import { join } from "node:path";
import { openStorage, type Storage, type StorageOptions } from "./bindings/storage/storage.ts";
import { readPacked } from "./engines.ts";
import { MIB } from "./model/units.ts";

/** What storages are made with. */
export interface StorageSettings extends Pick<StorageOptions, "setpriv" | "clock" | "log"> {
  /** Absolute; each kind has a folder of its own below it. */
  readonly stateDir: string;
}

/** Answers of some megabytes to many at once. */
const KV_HEAP_BYTES = 256 * MIB;

/** One process for all KV namespaces: its SQL is ours, and bounded. */
export function openKvStorage({ stateDir, ...rest }: StorageSettings): Storage {
  const dir = join(stateDir, "kv");
  const bundle = () => readPacked("bindings/kv/main.storage");
  return openStorage({ ...rest, what: "KV namespaces", dir, bundle, settings: dir, heapBytes: KV_HEAP_BYTES });
}
