/**
 * A tar of unknown origin → the files of a backup, or the reason why it is none.
 *
 * Each name is looked at before a byte of its file is handed on, every byte is counted and digested, and the manifest
 * has the last word. Whoever takes the files must not use them before this has fulfilled.
 */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { extract as createExtract, type Extract, type Header } from "tar-stream";
import { findErrno } from "../model/errno.ts";
import { ERROR_TABLE, type ErrorCode, NebulaError, toNebulaError } from "../model/errors.ts";
import { hasShape, isText, optional } from "../model/shape.ts";
import {
  type BackupFile,
  FAILURE_NAME,
  invalidBackup,
  isBackupName,
  isNamedRight,
  MANIFEST_NAME,
  MAX_BACKUP_FILES,
  MAX_MANIFEST_BYTES,
  type Manifest,
  parseManifest,
  TAR_END_BYTES,
} from "./format.ts";

/** Takes the bytes of one file, in order and to their end. */
export type TakeFile = (name: string, content: AsyncIterable<Uint8Array>) => Promise<void>;

/** Who gets the files, and until when. */
export interface ReadBackupOptions {
  /** Without it the backup is only looked at. */
  readonly take?: TakeFile;
  readonly signal?: AbortSignal;
}

const BLOCK_BYTES = 512;

/** One file of a tar as it is read. */
type Entry = Extract extends AsyncIterable<infer Item> ? Item : never;

/**
 * Reads a backup to its end and gives its manifest. What `take` throws passes unchanged.
 *
 * @throws {NebulaError} NEBULA_BACKUP_INVALID when it is cut off, altered, or no backup; NEBULA_USAGE when there is no
 * such file; the node's own failure where that ended the backup.
 */
export async function readBackup(path: string, { take = skim, signal }: ReadBackupOptions = {}): Promise<Manifest> {
  const totalBytes = await readSize(path);
  const files = new Map<string, BackupFile>();
  const extract = createExtract();
  const input = createReadStream(path, signal && { signal });
  input.on("error", (error) => extract.destroy(error));
  input.pipe(extract);
  let last: { readonly text: string; readonly endByte: number } | undefined;
  try {
    for await (const entry of extract) {
      const { name, size, at } = checkHeader(entry.header, totalBytes);
      if (last !== undefined) throw invalidBackup("something follows its manifest");
      if (name === MANIFEST_NAME || name === FAILURE_NAME) {
        const text = await readText(entry);
        if (name === FAILURE_NAME) throw toFailure(text);
        last = { text, endByte: at + Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES };
        continue;
      }
      if (!isBackupName(name)) throw invalidBackup(`it has a file that no backup has, ${show(name)}`);
      if (files.has(name)) throw invalidBackup(`it has ${show(name)} twice`);
      if (files.size >= MAX_BACKUP_FILES) throw invalidBackup(`it has more than ${MAX_BACKUP_FILES} files`);
      files.set(name, await takeEntry(entry, { name, size, take }));
    }
  } catch (thrown) {
    signal?.throwIfAborted();
    if (thrown instanceof NebulaError) throw thrown;
    if (findErrno(thrown) !== undefined) throw thrown;
    throw invalidBackup("it is not a tar, or damaged or cut off", thrown);
  } finally {
    input.destroy();
    extract.destroy();
  }
  if (last === undefined) throw invalidBackup("it has no manifest: it was cut off, or is something else");
  if (last.endByte + TAR_END_BYTES !== totalBytes) throw invalidBackup("it was cut off, or something was added to it");
  const manifest = parseManifest(last.text);
  compare(manifest, files);
  return manifest;
}

async function skim(_: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of content);
}

async function readSize(path: string): Promise<number> {
  try {
    const found = await stat(path);
    if (found.isFile()) return found.size;
  } catch (cause) {
    const code = findErrno(cause);
    const why = code === "ENOENT" ? "there is no such file" : `it cannot be read (${code})`;
    throw new NebulaError("NEBULA_USAGE", `Cannot read the backup "${path}": ${why}`, { cause });
  }
  throw new NebulaError("NEBULA_USAGE", `Cannot read the backup "${path}": it is not a file`);
}

/** Plain files with plain names, and no longer than the tar itself. */
function checkHeader(header: Header, totalBytes: number): { name: string; size: number; at: number } {
  const { name, type, size } = header;
  if (type !== "file" || header.linkname) throw invalidBackup(`${show(name)} is not a plain file`);
  const extensions = typeof header.pax === "object" ? Object.keys(header.pax ?? {}) : [];
  // The names of databases may be longer than tars were made for.
  if (extensions.some((key) => key !== "path"))
    throw invalidBackup(`${show(name)} is described by an extension of tar`);
  const at = "byteOffset" in header && typeof header.byteOffset === "number" ? header.byteOffset : 0;
  if (!Number.isSafeInteger(size) || size < 0 || at + size > totalBytes) throw invalidBackup("it is cut off");
  return { name, size, at };
}

async function takeEntry(
  entry: Entry,
  { name, size, take }: { name: string; size: number; take: TakeFile },
): Promise<BackupFile> {
  const hash = createHash("sha256");
  async function* digested(): AsyncGenerator<Uint8Array> {
    for await (const chunk of toChunks(entry)) {
      hash.update(chunk);
      yield chunk;
    }
  }
  await take(name, digested());
  return { name, digest: `sha256:${hash.digest("hex")}`, bytes: size };
}

async function* toChunks(entry: Entry): AsyncGenerator<Uint8Array> {
  for await (const chunk of entry) if (chunk instanceof Uint8Array) yield chunk;
}

async function readText(entry: Entry): Promise<string> {
  if (entry.header.size > MAX_MANIFEST_BYTES) throw invalidBackup("its manifest is too long");
  const chunks: Uint8Array[] = [];
  for await (const chunk of toChunks(entry)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function compare({ files: wanted }: Manifest, found: ReadonlyMap<string, BackupFile>): void {
  const names = new Set(wanted.map(({ name }) => name));
  if (names.size !== wanted.length) throw invalidBackup("its manifest names a file twice");
  for (const file of wanted) {
    const own = found.get(file.name);
    if (own === undefined) throw invalidBackup(`${show(file.name)} is missing`);
    if (own.digest !== file.digest || own.bytes !== file.bytes) throw invalidBackup(`${show(file.name)} was altered`);
    if (!isNamedRight(own)) throw invalidBackup(`${show(file.name)} has the name of other bytes`);
  }
  for (const name of found.keys()) if (!names.has(name)) throw invalidBackup(`${show(name)} is not in its manifest`);
  if (!names.has("registry.db")) throw invalidBackup('"registry.db" is missing');
}

const isFailure = hasShape({
  code: (value) => typeof value === "string" && Object.hasOwn(ERROR_TABLE, value),
  message: isText,
  hint: optional(isText),
});

/** The node's reason, in its own words. */
function toFailure(text: string): NebulaError {
  try {
    const value: unknown = JSON.parse(text);
    if (!isFailure(value)) return invalidBackup("the node could not finish it");
    const { code, message, hint } = fromUnknown(value);
    return new NebulaError(code, message, { hint });
  } catch (thrown) {
    return toNebulaError(invalidBackup("the node could not finish it", thrown));
  }
}

/** Only after a check has looked at the value. */
function fromUnknown(value: unknown): { code: ErrorCode; message: string; hint?: string } {
  return value as { code: ErrorCode; message: string; hint?: string };
}

function show(name: string): string {
  return JSON.stringify(name.slice(0, 100));
}
