/**
 * Remembers what compression made of which bytes: for one builder's life in memory, beyond it in a folder.
 *
 *     <folder>/encoded-v1/<digest of the original>.json    { "br": digest, "gzip": null }    null: not worth it
 *     <folder>/encoded-v1/<digest of the original>.br
 *
 * Nothing read from the folder is trusted: a file whose digest is not the recorded one is made again.
 */

import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Blob, type Digest, isDigest } from "../../model/artifact.ts";
import { type BlobSource, toBlob, toDigest } from "../blob-source.ts";
import { compress, ENCODINGS, type Encoding } from "./compress.ts";

/** A smaller form of a file, with its bytes' digest and size. */
export interface EncodedForm extends Blob {
  readonly source: BlobSource;
}

/** The smaller forms of one file; those that would not be smaller are absent. */
export type EncodedForms = Readonly<Partial<Record<Encoding, EncodedForm>>>;

/** Remembers smaller forms between builds, by the digest of the file. */
export interface EncodedCache {
  /** The smaller forms of some bytes, made at most once for each digest. */
  encode(original: Digest, content: Uint8Array): Promise<EncodedForms>;
}

/** Part of the folder's name: to be changed with the compression settings. */
const VERSION = "encoded-v1";

/** Without a folder, forms stay in memory as long as the cache does. */
export function createEncodedCache(cacheDir: string | undefined): EncodedCache {
  const dir = cacheDir === undefined ? undefined : join(cacheDir, VERSION);
  const known = new Map<Digest, Promise<EncodedForms>>();
  return {
    encode(original, content) {
      const found = known.get(original);
      if (found !== undefined) return found;
      const forms = encodeThrough(dir, { original, content });
      known.set(original, forms);
      forms.catch(() => known.delete(original));
      return forms;
    },
  };
}

interface Original {
  readonly original: Digest;
  readonly content: Uint8Array;
}

async function encodeThrough(dir: string | undefined, { original, content }: Original): Promise<EncodedForms> {
  if (dir === undefined) return await encodeAll(content);
  const base = join(dir, original.slice("sha256:".length));
  return (await findStored(base)) ?? (await store(base, await encodeAll(content)));
}

async function encodeAll(content: Uint8Array): Promise<EncodedForms> {
  const forms: Partial<Record<Encoding, EncodedForm>> = {};
  for (const encoding of ENCODINGS) {
    const encoded = await compress(content, encoding);
    if (encoded) forms[encoding] = { ...toBlob(encoded), source: { from: "memory", content: encoded } };
  }
  return forms;
}

async function findStored(base: string): Promise<EncodedForms | undefined> {
  try {
    const record: unknown = JSON.parse(await readFile(`${base}.json`, "utf8"));
    const forms: Partial<Record<Encoding, EncodedForm>> = {};
    for (const encoding of ENCODINGS) {
      const digest = readDigest(record, encoding);
      if (digest === null) continue;
      const path = `${base}.${encoding}`;
      const content = await readFile(path);
      if (toDigest(content) !== digest) return undefined;
      const bytes = content.byteLength;
      forms[encoding] = { digest, bytes, source: { from: "file", path, bytes } };
    }
    return forms;
  } catch {
    return undefined; // because what is missing or damaged is made again
  }
}

/** The digest in a record, or `null` where the form was not worth keeping. Throws on anything else. */
function readDigest(record: unknown, encoding: Encoding): Digest | null {
  if (typeof record !== "object" || record === null) throw new TypeError("not a record");
  const digest: unknown = Object.getOwnPropertyDescriptor(record, encoding)?.value;
  if (digest === null || isDigest(digest)) return digest;
  throw new TypeError("not a digest");
}

/** Forms first, record last, each by renaming: a reader sees all of it or nothing. */
async function store(base: string, forms: EncodedForms): Promise<EncodedForms> {
  await mkdir(join(base, ".."), { recursive: true });
  const record: Partial<Record<Encoding, Digest | null>> = {};
  const stored: Partial<Record<Encoding, EncodedForm>> = {};
  for (const encoding of ENCODINGS) {
    const form = forms[encoding];
    record[encoding] = form?.digest ?? null;
    if (form === undefined || form.source.from !== "memory") continue;
    const path = `${base}.${encoding}`;
    await replaceFile(path, form.source.content);
    stored[encoding] = { ...form, source: { from: "file", path, bytes: form.bytes } };
  }
  await replaceFile(`${base}.json`, JSON.stringify(record));
  return stored;
}

async function replaceFile(path: string, content: Uint8Array | string): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, content);
  await rename(draft, path);
}
