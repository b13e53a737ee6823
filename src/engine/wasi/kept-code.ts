/**
 * The machine code of Wasm modules, kept on disk from one start of the node to the next.
 *
 *     <dir>/<key>.code        SHA-256 of the rest (32 bytes) ‖ what the add-on's serialize() gave
 *     <dir>/<random>.part     being written; moves to its name when it is whole
 *
 * A cache, and only that: what is missing, stale or damaged is compiled again, so nothing here ever fails a caller. The
 * digest finds damage; against forgery there is the folder's mode, as for all that the node keeps.
 */

import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { findErrno } from "../../model/errno.ts";
import { describeThrown } from "../../model/errors.ts";
import { type Clock, type Log, systemClock } from "../../model/ports.ts";

/** Where the code is kept, and how much of it. */
export interface KeptCodeOptions {
  /** A folder of ours alone. It is made when it is not there. */
  readonly dir: string;
  /** All of it together; what was used longest ago goes first. */
  readonly limitBytes: number;
  readonly log: Log;
  readonly clock?: Clock;
  /** Writes a new file so that it lasts; tests bring a disk that is full. */
  readonly writeFile?: (path: string, pieces: readonly Uint8Array[]) => Promise<void>;
}

/** The kept code of one node. No method ever rejects; every one may be called at the same time as any other. */
export interface KeptCode {
  /** The code put last, whole; `undefined` when there is none. A damaged one is removed. */
  find(key: string): Promise<Uint8Array | undefined>;
  /** Whether it was kept. The log says why not. */
  put(key: string, code: Uint8Array): Promise<boolean>;
  /** Removes what V8 has refused. Quiet when there is nothing. */
  remove(key: string): Promise<void>;
}

/** What machine code depends on, besides the module. */
export interface CodeOrigin {
  /** Node's version and V8's. */
  readonly versions: { readonly node: string; readonly v8: string };
  readonly arch: string;
  /** The flags of the processes that write and read it, in order. V8 refuses code that was made with others. */
  readonly flags: readonly string[];
  /** What the processor can do; see `readCpuFeatures`. */
  readonly cpuFeatures: string;
}

const SUM_BYTES = 32;
const KEY = /^[0-9a-f]{64}$/;
/** A file being written for longer belongs to a process that is gone. */
const PART_MS = 60 * 60_000;

/** The name of the machine code of a module, of whose bytes `digest` is the SHA-256 in any writing. */
export function toCodeKey(digest: string, { versions, arch, flags, cpuFeatures }: CodeOrigin): string {
  const origin = JSON.stringify([digest, versions.node, versions.v8, arch, flags, cpuFeatures]);
  return createHash("sha256").update(origin).digest("hex");
}

/** The features of the first processor as the kernel names them, sorted; the empty text where it does not. */
export async function readCpuFeatures(path = "/proc/cpuinfo"): Promise<string> {
  // because a machine without the file is served too, by V8's own check of the processor
  const text = await readFile(path, "utf8").catch(() => "");
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(text)?.[1] ?? "";
  return line.trim().split(/\s+/).sort().join(" ");
}

/** Opens a folder of kept code. Never throws: what cannot be kept is compiled again. */
export function openKeptCode({
  dir,
  limitBytes,
  log,
  clock = systemClock,
  writeFile = writeLasting,
}: KeptCodeOptions): KeptCode {
  const pathOf = (key: string) => {
    if (!KEY.test(key)) throw new TypeError(`Not a key of machine code: ${JSON.stringify(key)}`);
    return join(dir, `${key}.code`);
  };
  const warn = (what: string, thrown: unknown) => log.write("warn", what, { reason: describeThrown(thrown) });
  const removeFile = async (path: string) => await rm(path, { force: true, recursive: true });
  const remove = async (key: string) => await removeFile(pathOf(key));

  const find = async (key: string): Promise<Uint8Array | undefined> => {
    const path = pathOf(key);
    const file = await readFile(path).catch(toAbsent);
    if (file === undefined) return undefined;
    const code = file.subarray(SUM_BYTES);
    if (!toSum(code).equals(file.subarray(0, SUM_BYTES))) {
      log.write("warn", "kept machine code was damaged", { bytes: file.byteLength });
      await removeFile(path);
      return undefined;
    }
    const now = clock.dateMs() / 1000;
    // because it matters only for what goes first
    await utimes(path, now, now).catch(() => {});
    return code;
  };

  const put = async (key: string, code: Uint8Array): Promise<boolean> => {
    if (code.byteLength + SUM_BYTES > limitBytes) return false;
    const path = pathOf(key);
    const part = join(dir, `${randomUUID()}.part`);
    await mkdir(dir, { recursive: true, mode: 0o700 });
    try {
      await writeFile(part, [toSum(code), code]);
      await rename(part, path);
    } catch (thrown) {
      await removeFile(part);
      throw thrown;
    }
    const now = clock.dateMs() / 1000;
    await utimes(path, now, now);
    await evict();
    return true;
  };

  const evict = async (): Promise<void> => {
    const files = await listFiles(dir);
    const stale = files.filter(({ path, mtimeMs }) => path.endsWith(".part") && clock.dateMs() - mtimeMs > PART_MS);
    const kept = files.filter(({ path }) => path.endsWith(".code")).sort((a, b) => b.mtimeMs - a.mtimeMs);
    let bytes = 0;
    const tooMuch = kept.filter(({ size }) => {
      bytes += size;
      return bytes > limitBytes;
    });
    for (const { path } of [...stale, ...tooMuch]) await removeFile(path);
  };

  return {
    find: async (key) =>
      await find(key).catch((thrown: unknown) => {
        warn("kept machine code cannot be read", thrown);
        return undefined;
      }),
    put: async (key, code) =>
      await put(key, code).catch((thrown: unknown) => {
        warn("machine code cannot be kept", thrown);
        return false;
      }),
    remove: async (key) =>
      await remove(key).catch((thrown: unknown) => warn("kept machine code cannot be removed", thrown)),
  };
}

interface KeptFile {
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
}

async function listFiles(dir: string): Promise<KeptFile[]> {
  const files: KeptFile[] = [];
  for (const name of await readdir(dir)) {
    const path = join(dir, name);
    const info = await stat(path).catch(toAbsent);
    if (info !== undefined) files.push({ path, size: info.size, mtimeMs: info.mtimeMs });
  }
  return files;
}

function toSum(code: Uint8Array): Buffer {
  return createHash("sha256").update(code).digest();
}

async function writeLasting(path: string, pieces: readonly Uint8Array[]): Promise<void> {
  await using file = await open(path, "wx", 0o600);
  for (const piece of pieces) await file.writeFile(piece);
  await file.sync();
}

/** Absence is no failure; everything else is thrown on. */
function toAbsent(thrown: unknown): undefined {
  if (findErrno(thrown) === "ENOENT") return undefined;
  throw thrown;
}
