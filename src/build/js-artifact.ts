/**
 * Puts a JavaScript artifact together: names every piece by its digest and keeps the bytes beside it.
 */

import type { Digest, JsArtifact, ModuleFile, ModuleKind } from "../model/artifact.ts";
import { type BlobSource, toBlob } from "./blob-source.ts";
import type { StepOutput } from "./step.ts";

/** A module with its bytes. */
export interface ModuleContent {
  readonly name: string;
  readonly kind: ModuleKind;
  readonly content: Uint8Array;
}

/** What a JavaScript artifact is put together from. */
export interface JsParts {
  readonly main: ModuleContent;
  /** In any order; the artifact has them by name, so that the same files give the same digest. */
  readonly modules: readonly ModuleContent[];
  readonly sourceMap?: Uint8Array;
  readonly style: JsArtifact["style"];
}

/** The artifact and the bytes of all blobs that it names. */
export function toJsArtifact({
  main,
  modules,
  sourceMap,
  style,
}: JsParts): Required<Pick<StepOutput, "artifact" | "blobs">> {
  const blobs = new Map<Digest, BlobSource>();
  const keep = (content: Uint8Array) => {
    const blob = toBlob(content);
    blobs.set(blob.digest, { from: "memory", content });
    return blob;
  };
  const toFile = ({ name, kind, content }: ModuleContent): ModuleFile => ({ name, kind, ...keep(content) });
  return {
    artifact: {
      kind: "js",
      main: toFile(main),
      modules: modules.map(toFile).sort((a, b) => (a.name < b.name ? -1 : 1)),
      ...(sourceMap && { sourceMap: keep(sourceMap) }),
      style,
    },
    blobs,
  };
}
