/** A small site in memory for the tests of static assets: files by path, and a blob reader that counts. */

import { createHash } from "node:crypto";
import { type Assets, type AssetsOptions, createAssets } from "../../../src/bindings/assets/assets.ts";
import type { AssetFile, AssetsManifest, Blob, Digest } from "../../../src/model/artifact.ts";
import { type Body, findHeader, type HeaderList } from "../../../src/model/exchange.ts";
import type { AssetsSettings } from "../../../src/model/function.ts";
import type { BlobReader } from "../../../src/model/ports.ts";

export interface SiteOptions extends Partial<AssetsSettings>, Pick<AssetsOptions, "cacheBytes" | "compatibility"> {
  /** Path → content; or only paths, whose content is then `<path>`. */
  readonly files: readonly string[] | Readonly<Record<string, string | SiteFile>>;
  readonly headers?: string;
  readonly redirects?: string;
  readonly host?: string;
}

export interface SiteFile {
  readonly content: string;
  readonly type?: string;
  readonly encoded?: Readonly<Partial<Record<"br" | "gzip" | "zstd", string>>>;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** What a test looks at. `answer` is the pathless sum: `200 /a.html`, `307 → /a`, `404`. */
export interface Got {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: string;
  readonly answer: string;
  header(name: string): string | undefined;
}

export interface Site {
  readonly assets: Assets;
  readonly blobs: MemoryBlobs;
  get(path: string, ask?: Ask): Promise<Got>;
  answers(path: string, ask?: Ask): boolean;
}

export class MemoryBlobs implements BlobReader {
  readonly kept = new Map<string, Uint8Array>();
  reads = 0;
  streams = 0;
  cancelled = 0;
  /** Reads wait for this, when it is set. */
  gate: Promise<void> | undefined;

  add(content: string): Blob {
    const bytes = new TextEncoder().encode(content);
    const digest: Digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    this.kept.set(digest, bytes);
    return { digest, bytes: bytes.length };
  }

  async read(digest: string): Promise<Uint8Array> {
    this.reads++;
    await this.gate;
    return this.#get(digest);
  }

  stream(digest: string, range?: { start: number; end: number }): ReadableStream<Uint8Array> {
    this.streams++;
    const bytes = this.#get(digest);
    let at = range?.start ?? 0;
    const end = range === undefined ? bytes.length : range.end + 1;
    return new ReadableStream({
      pull: (controller) => {
        controller.enqueue(bytes.slice(at, Math.min(at + 65_536, end)));
        at += 65_536;
        if (at >= end) controller.close();
      },
      cancel: () => {
        this.cancelled++;
      },
    });
  }

  #get(digest: string): Uint8Array {
    const bytes = this.kept.get(digest);
    if (bytes === undefined) throw new Error(`no blob ${digest}`);
    return bytes;
  }
}

export function createSite(options: SiteOptions): Site {
  const blobs = new MemoryBlobs();
  const { cacheBytes, compatibility, host = "http://site.test" } = options;
  const assets = createAssets({
    manifest: toManifest(options, blobs),
    settings: {
      htmlHandling: options.htmlHandling ?? "auto-trailing-slash",
      notFoundHandling: options.notFoundHandling ?? "none",
      runWorkerFirst: options.runWorkerFirst ?? false,
    },
    blobs,
    ...(cacheBytes !== undefined && { cacheBytes }),
    ...(compatibility !== undefined && { compatibility }),
  });
  const toHead = (path: string, { method = "GET", headers = {} }: Ask) => ({
    method,
    url: `${host}${path}`,
    headers: Object.entries(headers).flat(),
  });
  return {
    assets,
    blobs,
    answers: (path, ask = {}) => assets.answers(toHead(path, ask)),
    async get(path, ask = {}) {
      const signal = ask.signal ?? new AbortController().signal;
      const { head, body } = await assets.fetch({ head: toHead(path, ask), body: null, signal });
      const text = await toText(body);
      const location = findHeader(head.headers, "location");
      const detail = location === undefined ? text : `→ ${location}`;
      return {
        ...head,
        body: text,
        answer: detail === "" ? `${head.status}` : `${head.status} ${detail}`,
        header: (name) => findHeader(head.headers, name),
      };
    },
  };
}

async function toText(body: Body): Promise<string> {
  return body instanceof Uint8Array ? new TextDecoder().decode(body) : await new Response(body).text();
}

function toManifest(options: SiteOptions, blobs: MemoryBlobs): AssetsManifest {
  const named = isList(options.files) ? Object.fromEntries(options.files.map((path) => [path, path])) : options.files;
  const files = Object.fromEntries(Object.entries(named).map(([path, file]) => [path, toFile(file, blobs)]));
  return {
    files,
    ...(options.headers !== undefined && { headersFile: options.headers }),
    ...(options.redirects !== undefined && { redirectsFile: options.redirects }),
  };
}

function isList(files: SiteOptions["files"]): files is readonly string[] {
  return Array.isArray(files);
}

function toFile(file: string | SiteFile, blobs: MemoryBlobs): AssetFile {
  const { content, type = "text/plain", encoded = {} } = typeof file === "string" ? { content: file } : file;
  const forms = Object.entries(encoded).map(([name, text]) => [name, blobs.add(text)]);
  return { ...blobs.add(content), contentType: type, ...(forms.length > 0 && { encoded: Object.fromEntries(forms) }) };
}
