/**
 * Built bytes, named by their digest.
 *
 * An artifact is a manifest that names blobs; its own digest is that of the manifest's canonical JSON, so the same
 * sources give the same name. A deployment may carry static files beside it: the same form, another manifest.
 */

import { GIB, MIB } from "./units.ts";

/** SHA-256 in lower-case hexadecimal. */
export type Digest = `sha256:${string}`;

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Whether the text is a digest in its one spelling. */
export function isDigest(text: unknown): text is Digest {
  return typeof text === "string" && DIGEST.test(text);
}

/** Some bytes by their name. */
export interface Blob {
  readonly digest: Digest;
  readonly bytes: number;
}

/** What a node reads into memory is no larger. */
export const MAX_BLOB_BYTES = 256 * MIB;
/** The archive of an image goes from disk to disk, and may be larger. */
export const MAX_ARCHIVE_BYTES = 4 * GIB;

/** How a guest sees an imported file. `js` is evaluated, `wasm` arrives compiled, `text` a string, `data` an ArrayBuffer. */
export type ModuleKind = "js" | "wasm" | "text" | "data" | "json";

/** One module of an artifact. */
export interface ModuleFile extends Blob {
  /** The specifier under which other modules of the artifact import it. */
  readonly name: string;
  readonly kind: ModuleKind;
}

/** A JavaScript function: one ES module and the files it imports. */
export interface JsArtifact {
  readonly kind: "js";
  readonly main: ModuleFile;
  readonly modules: readonly ModuleFile[];
  readonly sourceMap?: Blob;
  /** How the entry hands over its handler; `deno` and `listener` have no default export. */
  readonly style: "module" | "deno" | "listener";
}

/** A Wasm function: a WASI preview 1 module, or a component of WASI 0.2. The bytes are standard ones that any runtime takes. */
export interface WasmArtifact {
  readonly kind: "wasi-p1" | "component";
  readonly main: Blob;
  /** Files that ship with the function: absolute path inside it (`/data/hamlet.txt`) → bytes. It may read them only. */
  readonly files: Readonly<Record<string, Blob>>;
  /** Of JavaScript inside it: leads positions in its stacks back to the sources. */
  readonly sourceMap?: Blob;
  /** What the build tried to make it start or run faster, in order. */
  readonly savings: readonly Saving[];
}

/** What one step of the build was worth, as measured where it was built. */
export interface Saving {
  readonly step: "snapshot" | "optimise";
  /** Of one whole invocation with a fresh instance, the median, before the step and after it. */
  readonly beforeMs: number;
  readonly afterMs: number;
  /** `false`: it did not help or changed an answer, and the artifact is without it. */
  readonly isKept: boolean;
  /** Why not. */
  readonly reason?: string;
}

/** A container image. */
export interface ImageArtifact {
  readonly kind: "image";
  /** The image's id (`sha256:…`, the digest of its configuration), or `name@sha256:…` where the node pulls it. */
  readonly image: string;
  /** What `docker save` makes of it; absent where the node pulls it. */
  readonly archive?: Blob;
  /** As Docker writes it, `linux/amd64`; absent where nobody has looked into it yet. */
  readonly platform?: string;
}

/** Static files: URL path (`/img/a.svg`) → file. */
export interface AssetsManifest {
  readonly files: Readonly<Record<string, AssetFile>>;
  /** Texts of `_headers` and `_redirects`, where the folder has them. */
  readonly headersFile?: string;
  readonly redirectsFile?: string;
}

/** One static file. */
export interface AssetFile extends Blob {
  readonly contentType: string;
  /** Smaller forms of the same bytes, made by the build. */
  readonly encoded?: { readonly br?: Blob; readonly gzip?: Blob; readonly zstd?: Blob };
}

/** What an engine can run. */
export type Artifact = JsArtifact | WasmArtifact | ImageArtifact;
/** Each engine runs one kind or two. */
export type ArtifactKind = Artifact["kind"];
