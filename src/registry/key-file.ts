/**
 * The file that holds the keys of the secrets, outside the database that they open.
 *
 *     {"keys":[{"id":"k_0f…","key":"<base64>"}, …]}      the first one seals; the others still open what they sealed
 *
 * It is 0600, replaced whole and down to the disk. Read anew each time it is needed, so that no key stays in memory and
 * a file that was put back counts at once. Nothing here tells anything of what is in it.
 */

import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { findErrno } from "../model/errno.ts";
import { NebulaError } from "../model/errors.ts";
import { hasShape, isRecord, listOf, matches } from "../model/shape.ts";
import { toRegistryError } from "./registry-error.ts";
import { KEY_BYTES, type SealKey } from "./seal.ts";

const MODE = 0o600;
/** Anything for the group or for others. */
const FOREIGN_BITS = 0o077;
const MAX_BYTES = 65_536;

const isKeys = hasShape({
  keys: listOf(hasShape({ id: matches(/^k_[0-9a-f]{16}$/), key: matches(/^[A-Za-z0-9+/]{43}=$/) })),
});

/** The keys of a node on its disk. */
export class KeyFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * Refuses a file that others than its owner may read or write; none is fine.
   *
   * @throws {NebulaError} NEBULA_STATE_FAILED when they may.
   */
  check(): void {
    this.#withFile(() => {});
  }

  /**
   * The keys, the one that seals first; none when there is no file.
   *
   * @throws {NebulaError} NEBULA_STATE_FAILED when others may read the file, or it is damaged.
   */
  read(): readonly SealKey[] {
    const text = this.#withFile((fd, { size, isFile }) => {
      if (!isFile || size > MAX_BYTES) throw this.#damaged();
      return readFileSync(fd, "utf8");
    });
    return text === undefined ? [] : this.#parse(text);
  }

  /** Replaces the file. After a crash at any moment it holds the keys of before or these. @throws as `read` does. */
  write(keys: readonly SealKey[]): void {
    const kept = keys.map(({ id, bytes }) => ({ id, key: Buffer.from(bytes).toString("base64") }));
    const part = `${this.path}.new`;
    try {
      rmSync(part, { force: true });
      inFile(part, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, (fd) => {
        writeFileSync(fd, `${JSON.stringify({ keys: kept })}\n`);
        fsyncSync(fd);
      });
      renameSync(part, this.path);
      inFile(dirname(this.path), constants.O_RDONLY, fsyncSync);
    } catch (error) {
      throw toRegistryError("keep the keys of secrets", this.path, error);
    }
  }

  /** Opens it and looks at its mode before anything is read; `undefined` when there is none. */
  #withFile<T>(use: (fd: number, found: { size: number; isFile: boolean }) => T): T | undefined {
    try {
      // Without O_NONBLOCK opening a named pipe waits for its other end.
      return inFile(this.path, constants.O_RDONLY | constants.O_NONBLOCK, (fd) => {
        const stats = fstatSync(fd);
        if ((stats.mode & FOREIGN_BITS) !== 0) throw this.#open(stats.mode);
        return use(fd, { size: stats.size, isFile: stats.isFile() });
      });
    } catch (error) {
      if (findErrno(error) === "ENOENT") return undefined;
      throw toRegistryError("read the keys of secrets", this.path, error);
    }
  }

  #parse(text: string): SealKey[] {
    const value = findJson(text);
    if (!isKeys(value) || !isRecord(value) || !Array.isArray(value.keys)) throw this.#damaged();
    const keys = value.keys.map(
      ({ id, key }): SealKey => ({ id: String(id), bytes: Buffer.from(String(key), "base64") }),
    );
    if (keys.some(({ bytes }) => bytes.byteLength !== KEY_BYTES)) throw this.#damaged();
    return keys;
  }

  #damaged(): NebulaError {
    return new NebulaError("NEBULA_STATE_FAILED", `Cannot read the keys of secrets in "${this.path}": it is damaged`, {
      hint: "Restore the file from a copy; without it, move it away, delete the secrets and put them again",
    });
  }

  #open(mode: number): NebulaError {
    const shown = (mode & 0o777).toString(8).padStart(4, "0");
    const why = `others may read or write it (its mode is ${shown})`;
    return new NebulaError("NEBULA_STATE_FAILED", `Cannot use the keys of secrets in "${this.path}": ${why}`, {
      hint: "Take their access away (chmod 600), then make a new key: nebula secret rotate",
    });
  }
}

function inFile<T>(path: string, flags: number, use: (fd: number) => T): T {
  const fd = openSync(path, flags, MODE);
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

function findJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // because the parser's own words quote the text, which is keys
    return undefined;
  }
}
