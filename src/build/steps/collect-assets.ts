/**
 * Step "assets": the static files of a project, each with its content type and its smaller forms.
 *
 * `a.css.br` beside `a.css` is an asset like any other: smaller forms are made here, from the bytes that are served.
 */

import { readFile } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import type { AssetFile, Blob, Digest } from "../../model/artifact.ts";
import type { Diagnostic } from "../../model/errors.ts";
import { formatBytes, MIB } from "../../model/units.ts";
import { COMPRESS_FROM_BYTES, ENCODINGS, type Encoding } from "../assets/compress.ts";
import { isCompressible, toContentType } from "../assets/content-type.ts";
import { createEncodedCache, type EncodedCache } from "../assets/encoded-cache.ts";
import { type FoundAsset, findAssets } from "../assets/walk.ts";
import { type BlobSource, toBlob } from "../blob-source.ts";
import { mapConcurrently } from "../map-concurrently.ts";
import { buildFailed, type Step, type StepOptions, type StepOutput } from "../step.ts";

/** @see https://developers.cloudflare.com/workers/static-assets/billing-and-limitations/ */
export const DEFAULT_ASSET_LIMITS: AssetLimits = { maxFiles: 20_000, fileBytes: 25 * MIB };

/** How many files, and how large (Cloudflare's limits unless given). */
export interface AssetLimits {
  readonly maxFiles: number;
  readonly fileBytes: number;
}

/** The folder, and what may be in it. */
export interface AssetsOptions {
  /** Messages show paths relative to it. */
  readonly projectDir: string;
  readonly dir: string;
  /** Where smaller forms are kept from one builder to the next; absent: in memory only. */
  readonly cacheDir?: string | undefined;
  readonly limits?: AssetLimits;
}

/** Compression uses libuv's four threads; more at once only hold more bytes. */
const FILES_AT_ONCE = 4;

/** The step fails with NEBULA_BUILD_FAILED, which names the file, when something may not be an asset. */
export function openAssetsStep(options: AssetsOptions): Step {
  return new AssetsStep(options);
}

interface Collected {
  readonly file: AssetFile;
  readonly blobs: readonly (readonly [Digest, BlobSource])[];
}

class AssetsStep implements Step {
  readonly #options: AssetsOptions;
  readonly #cache: EncodedCache;
  /** What the last run made of a file, with size and time of change then. */
  #known = new Map<string, { readonly found: FoundAsset; readonly collected: Collected }>();

  constructor(options: AssetsOptions) {
    this.#options = options;
    this.#cache = createEncodedCache(options.cacheDir);
  }

  async run({ signal }: StepOptions): Promise<StepOutput> {
    const { dir, projectDir, limits = DEFAULT_ASSET_LIMITS } = this.#options;
    const shownDir = relative(projectDir, dir);
    const { files, warnings, ...texts } = await findAssets(dir, { signal, shownDir, maxFiles: limits.maxFiles });
    ensureSizes(files, { shownDir, limitBytes: limits.fileBytes });
    const collected = await mapConcurrently(files, FILES_AT_ONCE, async (found) => {
      signal.throwIfAborted();
      return { found, collected: await this.#collect(found) };
    });
    this.#known = new Map(collected.map((entry) => [entry.found.path, entry]));
    return {
      assets: {
        files: Object.fromEntries(collected.map((entry) => [entry.found.urlPath, entry.collected.file])),
        ...texts,
      },
      blobs: new Map(collected.flatMap((entry) => entry.collected.blobs)),
      inputs: [dir],
      warnings,
    };
  }

  async #collect(found: FoundAsset): Promise<Collected> {
    const known = this.#known.get(found.path);
    if (known?.found.bytes === found.bytes && known.found.changedAtMs === found.changedAtMs) return known.collected;
    const content = await readFile(found.path);
    const blob = toBlob(content);
    const contentType = toContentType(basename(found.path));
    const isWorthwhile = blob.bytes >= COMPRESS_FROM_BYTES && isCompressible(contentType);
    const forms = isWorthwhile ? await this.#cache.encode(blob.digest, content) : {};
    const encoded: Partial<Record<Encoding, Blob>> = {};
    const blobs: [Digest, BlobSource][] = [[blob.digest, { from: "file", path: found.path, bytes: blob.bytes }]];
    for (const encoding of ENCODINGS) {
      const form = forms[encoding];
      if (form === undefined) continue;
      encoded[encoding] = { digest: form.digest, bytes: form.bytes };
      blobs.push([form.digest, form.source]);
    }
    const file = { ...blob, contentType, ...(blobs.length > 1 && { encoded }) };
    return { file, blobs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#known.clear();
  }
}

/** All files that are too large at once. */
function ensureSizes(
  files: readonly FoundAsset[],
  { shownDir, limitBytes }: { shownDir: string; limitBytes: number },
): void {
  const large = files.filter(({ bytes }) => bytes > limitBytes);
  const [first] = large;
  if (first === undefined) return;
  const toMessage = ({ bytes }: FoundAsset) => `it has ${formatBytes(bytes)}, the limit is ${formatBytes(limitBytes)}`;
  const diagnostics = large.map(
    (found): Diagnostic => ({
      severity: "error",
      message: toMessage(found),
      file: join(shownDir, found.urlPath),
      line: 1,
      column: 1,
    }),
  );
  const more = large.length > 1 ? ` (and ${large.length - 1} more)` : "";
  throw buildFailed("assets", `Cannot collect "${first.urlPath}": ${toMessage(first)}${more}`, { diagnostics });
}
