/**
 * Step "image": a Dockerfile becomes an image, and that a file for the node to load. An image with a name is left for
 * the node to pull.
 */

import { stat } from "node:fs/promises";
import { relative } from "node:path";
import type { ImageArtifact } from "../../model/artifact.ts";
import { NebulaError } from "../../model/errors.ts";
import type { ImageSource, Project } from "../../model/function.ts";
import { FUNCTION_LABEL, type ImageBuilder } from "../../model/image-builder.ts";
import type { Clock } from "../../model/ports.ts";
import { formatBytes, formatMs, KIB } from "../../model/units.ts";
import type { BlobSource } from "../blob-source.ts";
import { keepArchive } from "../image-archives.ts";
import { createTail } from "../output-tail.ts";
import { buildFailed, type Step } from "../step.ts";

/** What is built, and by whom. */
export interface ImageOptions {
  readonly project: Project;
  readonly source: ImageSource;
  readonly images: ImageBuilder | undefined;
  /** Where the image is kept on its way to the node. */
  readonly cacheDir: string | undefined;
  /** How long it may take while other forms wait for it; absent: as long as it needs. */
  readonly patienceMs: number | undefined;
  readonly clock: Clock;
}

/** How much is kept of what Docker prints. */
const OUTPUT_BYTES = 64 * KIB;
const IMAGE_ID = /^sha256:[0-9a-f]{64}$/;

/** The step fails with NEBULA_BUILD_FAILED when there is no Docker, and with the end of its output when that fails. */
export function openImageStep({ project, source, images, cacheDir, patienceMs, clock }: ImageOptions): Step {
  if ("reference" in source) {
    const artifact: ImageArtifact = { kind: "image", image: source.reference };
    return { run: async () => ({ artifact, note: "pulled by the node" }), [Symbol.asyncDispose]: async () => {} };
  }
  const { name } = project.spec;
  const shown = relative(project.dir, source.dockerfile);
  return {
    async run({ signal: given, onOutput }) {
      const late = new AbortController();
      const signal = AbortSignal.any([given, late.signal]);
      using _timer =
        patienceMs === undefined || project.spec.engines.length === 1
          ? undefined
          : clock.after(patienceMs, () => late.abort(tooSlow(shown, patienceMs)));
      await ensureDockerfile(source.dockerfile, shown);
      if (images === undefined) throw absent(shown);
      if (cacheDir === undefined)
        throw buildFailed("image", `Cannot build "${shown}": there is no folder to keep it in`);
      const labels = { [FUNCTION_LABEL]: name };
      const { dir } = project;
      const { dockerfile } = source;
      const tail = createTail(OUTPUT_BYTES);
      const hear = (text: string) => {
        tail.push(Buffer.from(text));
        onOutput?.(text);
      };
      const { image, platform } = await images
        .build({ dir, dockerfile, labels, signal, onOutput: hear })
        .catch((thrown: unknown) => {
          signal.throwIfAborted();
          throw toFailure(thrown, { shown, output: tail.end().output });
        });
      if (!IMAGE_ID.test(image)) throw buildFailed("image", `Cannot build "${shown}": Docker gives it no id`);
      const save = async () => await images.save(image, { signal });
      const { blob, path, isKnown } = await keepArchive({ cacheDir, name }, { image, save, signal });
      const artifact: ImageArtifact = { kind: "image", image, archive: blob, platform };
      const file: BlobSource = { from: "file", path, bytes: blob.bytes };
      const note = `${formatBytes(blob.bytes)}${isKnown ? ", unchanged" : ""}`;
      return { artifact, blobs: new Map([[blob.digest, file]]), note };
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** Docker's own words, which end with what it printed last; more of that is in the details. */
function toFailure(thrown: unknown, { shown, output }: { shown: string; output: string }): unknown {
  if (!(thrown instanceof NebulaError) || thrown.code === "NEBULA_INTERNAL") return thrown;
  const { message, hint, details } = thrown;
  return buildFailed("image", `Cannot build "${shown}": ${message}`, {
    hint,
    details: { ...details, ...(output !== "" && { output }) },
    cause: thrown,
  });
}

async function ensureDockerfile(path: string, shown: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile()) return;
  throw buildFailed("image", `Cannot build "${shown}": ${found ? "it is not a file" : "there is no such file"}`);
}

function tooSlow(shown: string, patienceMs: number): NebulaError {
  const why = `it takes more than ${formatMs(patienceMs)}, and other forms are there`;
  return buildFailed("image", `Cannot wait for "${shown}": ${why}`, { details: { patienceMs } });
}

/** Whether a form is missing only because nobody waited for it. */
export function isLate({ details }: NebulaError): boolean {
  return "patienceMs" in details;
}

function absent(shown: string) {
  return buildFailed("image", `Cannot build "${shown}": there is no Docker here`, {
    hint: 'Install Docker, or name an image that the node pulls: image = "name@sha256:…" under [nebula.container]',
  });
}
