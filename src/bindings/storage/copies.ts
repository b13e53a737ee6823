/**
 * Copies of the databases in one folder, each consistent by itself, made while they are written to.
 */

import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Log } from "../../model/ports.ts";
import { openStorage } from "./storage.ts";

/** What copies are made with. */
export interface CopiesOptions {
  /** Absolute: the folder with the databases, which may be in folders of it. */
  readonly dir: string;
  /** The text of the code that runs in the process. */
  readonly bundle: () => Promise<string>;
  /** The path of setpriv (util-linux), where there is one. */
  readonly setpriv: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** A copy, until it is disposed. */
export interface DatabaseCopy extends AsyncDisposable {
  /** Absolute. */
  readonly path: string;
  readonly bytes: number;
}

/** Copies until it is disposed. */
export interface Copies extends AsyncDisposable {
  /**
   * Copies one file, named as from the folder.
   * @throws {NebulaError} NEBULA_STATE_FAILED when the disk is full or the database damaged.
   */
  copy(name: string): Promise<DatabaseCopy>;
}

/** In the folder, since the process may write nowhere else; no database has a name that begins so. */
export const COPIES_DIR = ".copies";
/** Of one file. */
const LIMIT_MS = 3_600_000;

/** Starts no process before something is to be copied. */
export function openCopies({ dir, ...options }: CopiesOptions): Copies {
  const storage = openStorage({ ...options, what: "the copies of a backup", dir, settings: { dir } });
  const own = join(COPIES_DIR, randomUUID());
  let made = 0;
  return {
    copy: async (name) => {
      made += 1;
      const to = join(own, `${made}.sqlite`);
      const path = join(dir, to);
      const { head } = await storage.call({ op: "copy", from: name, to }, null, { limitMs: LIMIT_MS });
      return { path, bytes: fromStorage(head).bytes, [Symbol.asyncDispose]: () => rm(path, { force: true }) };
    },
    [Symbol.asyncDispose]: async () => {
      await storage[Symbol.asyncDispose]();
      await rm(join(dir, own), { recursive: true, force: true });
    },
  };
}

/** The border with the storage process, whose words are trusted. */
function fromStorage(head: unknown): { bytes: number } {
  return head as { bytes: number };
}
