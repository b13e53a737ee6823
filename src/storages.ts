/**
 * The storage of a node's bindings: which code runs in which processes, on which folders. Part of the composition root.
 */

import { totalmem } from "node:os";
import { join } from "node:path";
import { type D1Databases, openDatabases } from "./bindings/d1/databases.ts";
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

/** What the process of a small database holds, and how much of the machine all of them may. */
const D1_PROCESS_BYTES = 20 * MIB;
const D1_SHARE = 1 / 8;
const LEAST_D1_PLACES = 8;

/** A process for each D1 database: its SQL is the functions' own, and can only be ended with its process. */
export function openD1({ stateDir, ...rest }: StorageSettings): D1Databases {
  const places = Math.max(LEAST_D1_PLACES, Math.floor((totalmem() * D1_SHARE) / D1_PROCESS_BYTES));
  const bundle = () => readPacked("bindings/d1/main.storage");
  return openDatabases({ ...rest, dir: join(stateDir, "d1"), bundle, places });
}
