/**
 * Files that commands read and write for whoever typed: as large as is sensible, and never half of one.
 */

import { randomUUID } from "node:crypto";
import { type FileHandle, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Readable } from "node:stream";
import { explainReadFailure } from "../config/folder.ts";
import { findErrno } from "../model/errno.ts";
import { NebulaError } from "../model/errors.ts";
import { formatBytes } from "../model/units.ts";
import { usageError } from "./args.ts";

/**
 * The bytes of a file; `-` is standard input.
 *
 * @throws {NebulaError} NEBULA_USAGE when it cannot be read, or is larger than `maxBytes`.
 */
export async function readInput(
  { path, shown }: { path: string; shown: string },
  { stdin, maxBytes }: { stdin: Readable; maxBytes: number },
): Promise<Uint8Array> {
  const tooLarge = () => usageError(`Cannot read "${shown}": it is larger than ${formatBytes(maxBytes)}`);
  if (shown === "-") {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of stdin) {
      const part = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
      bytes += part.byteLength;
      if (bytes > maxBytes) throw tooLarge();
      chunks.push(part);
    }
    return Buffer.concat(chunks);
  }
  try {
    if ((await stat(path)).size > maxBytes) throw tooLarge();
    return await readFile(path);
  } catch (thrown) {
    if (thrown instanceof NebulaError) throw thrown;
    throw usageError(`Cannot read "${shown}": ${explainReadFailure(thrown) ?? String(findErrno(thrown))}`);
  }
}

/** A text of UTF-8. @throws {NebulaError} NEBULA_USAGE when it is something else. */
export function decodeText(bytes: Uint8Array, shown: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw usageError(`Cannot read "${shown}": it is not valid UTF-8`);
  }
}

/**
 * Writes a file beside its place, brings it to the disk, and puts it in place when all of it is there and `check`, if
 * given, has nothing against it. What was there before stays until then.
 *
 * @throws {NebulaError} NEBULA_USAGE when it cannot be written.
 */
export async function writeWhole(
  { path, shown }: { path: string; shown: string },
  content: AsyncIterable<Uint8Array | string>,
  { mode = 0o666, check }: { mode?: number; check?: (path: string) => Promise<void> } = {},
): Promise<void> {
  const part = `${path}.${randomUUID()}.part`;
  let isOurs = false;
  const disk = async <T>(operation: Promise<T>): Promise<T> => {
    try {
      return await operation;
    } catch (cause) {
      throw usageError(`Cannot write "${shown}": ${explainWriteFailure(cause)}`);
    }
  };
  try {
    await writeAll(await disk(open(part, "wx", mode)), { content, disk }, () => {
      isOurs = true;
    });
    await check?.(part);
    await disk(rename(part, path));
    await disk(syncFolder(dirname(path)));
  } catch (thrown) {
    if (isOurs) await rm(part, { force: true });
    throw thrown;
  }
}

async function writeAll(
  handle: FileHandle,
  { content, disk }: { content: AsyncIterable<Uint8Array | string>; disk<T>(operation: Promise<T>): Promise<T> },
  onOpen: () => void,
): Promise<void> {
  await using file = handle;
  onOpen();
  for await (const chunk of content) await disk(file.writeFile(chunk));
  await disk(file.sync());
}

async function syncFolder(dir: string): Promise<void> {
  await using folder = await open(dir, "r");
  await folder.sync();
}

/** By errno. */
const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "no space is left on the disk",
  ENOENT: "there is no such folder",
  EACCES: "permission is denied",
  EISDIR: "it is a folder",
  EROFS: "the file system is read-only",
};

function explainWriteFailure(thrown: unknown): string {
  const code = findErrno(thrown) ?? "";
  return REASONS[code] ?? `the file system failed (${code})`;
}
