/**
 * The directories that outlive invocations, on disk: for each function one file, written whole and at once.
 *
 * What is in it only the guest knows; the host neither reads paths from it nor makes any.
 */

import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { NebulaError } from "../../model/errors.ts";

/** The kept directories of one node. */
export interface StateStore {
  /** Empty when there is none yet. @throws {NebulaError} NEBULA_STATE_FAILED. */
  read(name: string): Promise<Uint8Array>;
  /** On disk when it fulfils. @throws {NebulaError} NEBULA_STATE_FAILED; what was there before is there still. */
  write(name: string, bytes: Uint8Array): Promise<void>;
}

/** Opens a folder of ours alone, which is made when it is first written to. */
export function openStateStore(dir: string): StateStore {
  const toPath = (name: string) => join(dir, `${name}.state`);
  return {
    read: async (name) => {
      try {
        return await readFile(toPath(name));
      } catch (thrown) {
        if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return new Uint8Array();
        throw failed("read", name, thrown);
      }
    },
    write: async (name, bytes) => {
      const path = toPath(name);
      try {
        await mkdir(dir, { recursive: true, mode: 0o700 });
        const file = await open(`${path}.new`, "w", 0o600);
        try {
          await file.writeFile(bytes);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(`${path}.new`, path);
      } catch (thrown) {
        throw failed("write", name, thrown);
      }
    },
  };
}

function failed(what: string, name: string, cause: unknown): NebulaError {
  const why = cause instanceof Error && "code" in cause ? String(cause.code) : "the disk refused it";
  return new NebulaError("NEBULA_STATE_FAILED", `Cannot ${what} the state directory of "${name}": ${why}`, { cause });
}
