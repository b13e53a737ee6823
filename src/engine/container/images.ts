/**
 * Images as Docker knows them: one function for each question. What takes long tells how far it is.
 */

import { Readable } from "node:stream";
import type { AskOptions, Docker } from "./docker.ts";
import { findTrouble } from "./docker-error.ts";
import { type ImageFacts, readImageFacts } from "./image-facts.ts";
import { followProgress, type OnProgress } from "./progress.ts";

const MINUTE_MS = 60_000;
/** A small board reads a large image from an SD card. */
const LOAD_MS = 10 * MINUTE_MS;
const PULL_MS = 30 * MINUTE_MS;

/** An image by its id or a name; undefined when Docker does not have it. */
export async function findImage(docker: Docker, image: string, ask: AskOptions = {}): Promise<ImageFacts | undefined> {
  try {
    return readImageFacts(await docker.ask("look at the image", (api) => api.getImage(image).inspect(), ask));
  } catch (thrown) {
    if (findTrouble(thrown) === "missing") return undefined;
    throw thrown;
  }
}

/** Loads what `docker save` has made. @throws {NebulaError} NEBULA_START_FAILED in Docker's words. */
export async function loadImage(
  docker: Docker,
  archive: ReadableStream<Uint8Array>,
  { signal, onProgress }: { signal?: AbortSignal; onProgress: OnProgress },
): Promise<void> {
  const verb = "load the image";
  await docker.ask(
    verb,
    async (api, abortSignal) => {
      const stream = await api.loadImage(fromWeb(archive), { quiet: false, abortSignal });
      await followProgress(stream, { verb, onProgress, signal: abortSignal });
    },
    { signal, limitMs: LOAD_MS },
  );
}

/** Pulls `name@sha256:…`. @throws {NebulaError} NEBULA_START_FAILED in Docker's words. */
export async function pullImage(
  docker: Docker,
  image: string,
  { signal, onProgress }: { signal?: AbortSignal; onProgress: OnProgress },
): Promise<void> {
  const at = image.lastIndexOf("@");
  const verb = `pull "${image}"`;
  await docker.ask(
    verb,
    async (api, abortSignal) => {
      const stream = await api.createImage({ fromImage: image.slice(0, at), tag: image.slice(at + 1), abortSignal });
      await followProgress(stream, { verb, onProgress, signal: abortSignal });
    },
    { signal, limitMs: PULL_MS },
  );
}

/** Gives an image one more name, `repo:tag`. */
export async function tagImage(docker: Docker, image: string, { repo, tag }: ImageTag): Promise<void> {
  await docker.ask("name the image", (api, abortSignal) => api.getImage(image).tag({ repo, tag, abortSignal }));
}

/** A name in two parts. */
export interface ImageTag {
  readonly repo: string;
  readonly tag: string;
}

/** Takes a name away, and the image with its last one. Quiet when it is gone, or still in use. */
export async function untagImage(docker: Docker, name: string): Promise<void> {
  try {
    await docker.ask("remove the image", (api, abortSignal) => api.getImage(name).remove({ abortSignal }));
  } catch (thrown) {
    const trouble = findTrouble(thrown);
    if (trouble !== "missing" && trouble !== "conflict") throw thrown;
  }
}

/** Names of images below a repository (`nebula-1a2b/*`), newest last by when they were given. */
export async function listNames(docker: Docker, reference: string): Promise<{ name: string; namedAtMs: number }[]> {
  const found = await docker.ask("list images", (api, abortSignal) =>
    api.listImages({ filters: JSON.stringify({ reference: [reference] }), abortSignal }),
  );
  const names = await Promise.all(
    found.map(async ({ Id, RepoTags }) => {
      const known: object = await docker.ask("look at the image", (api) => api.getImage(Id).inspect());
      const metadata: unknown = "Metadata" in known ? known.Metadata : {};
      const namedAtMs = Date.parse(String(Object(metadata).LastTagTime)) || 0;
      return (RepoTags ?? []).map((name) => ({ name, namedAtMs }));
    }),
  );
  return names.flat().sort((a, b) => a.namedAtMs - b.namedAtMs);
}

/** A web stream as Node's own; its failure is the question's. */
function fromWeb(stream: ReadableStream<Uint8Array>): Readable {
  return Readable.from(stream);
}
