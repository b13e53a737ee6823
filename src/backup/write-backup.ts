/**
 * Files → tar, as a stream: each is read once, and its digest is known when its last byte has gone.
 *
 * When something cannot be read the tar ends with the reason in place of its manifest, or breaks off; either way nobody
 * takes it for whole.
 */

import { createHash } from "node:crypto";
import { pack as createPack, type Pack } from "tar-stream";
import { NebulaError, toNebulaError } from "../model/errors.ts";
import { toOwnedStream } from "../model/owned-stream.ts";
import { BACKUP_FORMAT, BACKUP_KIND, type BackupFile, FAILURE_NAME, isNamedRight, MANIFEST_NAME } from "./format.ts";

/** A file on its way into a backup. It must have exactly as many bytes as it says. */
export interface BackupSource {
  readonly name: string;
  readonly bytes: number;
  readonly content: AsyncIterable<Uint8Array>;
}

/** What the manifest says besides. */
export interface BackupHead {
  readonly version: string;
  readonly createdAtMs: number;
  readonly hasKey: boolean;
}

/** Writes a tar as it is read. `sources` is ended when the reader stops, too. */
export function writeBackup(sources: AsyncIterable<BackupSource>, head: BackupHead): ReadableStream<Uint8Array> {
  const pack = createPack();
  // because the stream that is made of it tells its reader
  pack.on("error", () => {});
  const filled = fill(pack, sources, head);
  filled.catch((thrown: Error) => pack.destroy(thrown));
  return toOwnedStream(toChunks(pack, filled), () => pack.destroy());
}

async function fill(pack: Pack, sources: AsyncIterable<BackupSource>, head: BackupHead): Promise<void> {
  const files: BackupFile[] = [];
  try {
    for await (const source of sources) files.push(await add(pack, source));
  } catch (thrown) {
    if (pack.destroying) throw thrown;
    const { code, message, hint } = toNebulaError(thrown);
    await addText(pack, FAILURE_NAME, JSON.stringify({ code, message, ...(hint !== undefined && { hint }) }));
    pack.finalize();
    return;
  }
  const manifest = { kind: BACKUP_KIND, format: BACKUP_FORMAT, ...head, files };
  await addText(pack, MANIFEST_NAME, JSON.stringify(manifest));
  pack.finalize();
}

async function add(pack: Pack, { name, bytes, content }: BackupSource): Promise<BackupFile> {
  const hash = createHash("sha256");
  const sink = openEntry(pack, { name, bytes });
  let count = 0;
  try {
    for await (const chunk of content) {
      count += chunk.byteLength;
      if (count > bytes) break;
      hash.update(chunk);
      await write(sink, chunk);
    }
  } catch (thrown) {
    // What was begun cannot be ended in its middle: the tar breaks off.
    pack.destroy(toNebulaError(thrown));
    throw thrown;
  }
  const file: BackupFile = { name, digest: `sha256:${hash.digest("hex")}`, bytes };
  if (count !== bytes || !isNamedRight(file)) {
    const error = new NebulaError("NEBULA_STATE_FAILED", `Cannot back up "${name}": the file is damaged`);
    pack.destroy(error);
    throw error;
  }
  await end(sink);
  return file;
}

async function addText(pack: Pack, name: string, text: string): Promise<void> {
  const content = Buffer.from(text);
  const sink = openEntry(pack, { name, bytes: content.byteLength });
  await write(sink, content);
  await end(sink);
}

/** The way of the bytes out; it fails with the reason for which nothing more comes in. */
async function* toChunks(pack: Pack, filled: Promise<void>): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of pack) if (chunk instanceof Uint8Array) yield chunk;
  } catch (thrown) {
    await filled;
    throw thrown;
  }
}

type Entry = ReturnType<Pack["entry"]>;

function openEntry(pack: Pack, { name, bytes }: { name: string; bytes: number }): Entry {
  // The same content gives the same tar: no times, no owners.
  const sink = pack.entry({ name, size: bytes, type: "file", mode: 0o600, mtime: new Date(0) });
  // because whoever waits for the entry is told by its closing
  return sink.on("error", () => {});
}

/** Fulfils when there is room for more. */
async function write(sink: Entry, chunk: Uint8Array): Promise<void> {
  if (!sink.write(chunk)) await until(sink, "drain");
}

async function end(sink: Entry): Promise<void> {
  const finished = until(sink, "finish");
  sink.end(undefined);
  await finished;
}

async function until(sink: Entry, event: "drain" | "finish"): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onClose = () => reject(new NebulaError("NEBULA_CLIENT_GONE", "Cannot go on: nobody reads the backup any more"));
  // It may have closed while the next bytes were on their way here.
  if (sink.destroying) onClose();
  sink.once(event, resolve);
  sink.once("close", onClose);
  try {
    await promise;
  } finally {
    sink.off(event, resolve);
    sink.off("close", onClose);
  }
}
