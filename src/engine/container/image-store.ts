/**
 * The images of a node's functions: there when one is to be started, gone some time after nobody wants them.
 *
 *     missing ─▶ loaded from its archive, or pulled ─▶ named     nebula-<node>/<function>:<id>
 *
 * The name keeps an image from being cleaned away as one that nobody uses. A function keeps the names of the last two
 * images that were prepared; what was not prepared for a month loses its name at the node's next start. What was taken
 * away in error is loaded again.
 */

import type { ImageArtifact } from "../../model/artifact.ts";
import { describeThrown, NebulaError } from "../../model/errors.ts";
import type { BlobReader, Clock, Log } from "../../model/ports.ts";
import type { Docker } from "./docker.ts";
import { checkArchive } from "./image-archive.ts";
import type { ImageFacts } from "./image-facts.ts";
import { findImage, listNames, loadImage, pullImage, tagImage, untagImage } from "./images.ts";

/** What the store works with. */
export interface ImageStoreParts {
  readonly docker: Docker;
  readonly blobs: BlobReader;
  readonly clock: Clock;
  readonly log: Log;
  readonly nodeId: string;
}

/** Images of one function that keep their names. */
const KEPT_PER_FUNCTION = 2;
const MONTH_MS = 30 * 24 * 60 * 60 * 1000;
/** Between two lines about how far it is. */
const PROGRESS_MS = 5_000;
const ID = /^sha256:([0-9a-f]{64})$/;
const PINNED = /^[a-z0-9][a-z0-9._/:-]{0,255}@sha256:[0-9a-f]{64}$/;

/**
 * Makes sure that Docker has an image, and gives what it says of it.
 * @throws {NebulaError} NEBULA_PREPARE_FAILED or NEBULA_START_FAILED when it cannot be had.
 */
export async function ensureImage(
  parts: ImageStoreParts,
  { artifact, name, signal }: { artifact: ImageArtifact; name: string; signal?: AbortSignal },
): Promise<ImageFacts> {
  const { docker } = parts;
  const { image } = artifact;
  if (!ID.test(image) && !PINNED.test(image)) {
    throw new NebulaError(
      "NEBULA_PREPARE_FAILED",
      `Cannot prepare "${name}": its image has neither an id nor a digest`,
    );
  }
  const options = signal === undefined ? {} : { signal };
  const there = (await findImage(docker, image, options)) ?? (await fetchImage(parts, { artifact, name, ...options }));
  await keepName(parts, { name, facts: there });
  return there;
}

/** Takes the names away that nobody has asked for in a month. */
export async function forgetOldImages({ docker, clock, nodeId }: ImageStoreParts): Promise<void> {
  const names = await listNames(docker, `nebula-${nodeId}/*`);
  const old = names.filter(({ namedAtMs }) => namedAtMs < clock.dateMs() - MONTH_MS);
  for (const { name } of old) await untagImage(docker, name);
}

async function fetchImage(
  { docker, blobs, clock, log }: ImageStoreParts,
  { artifact, name, ...options }: { artifact: ImageArtifact; name: string; signal?: AbortSignal },
): Promise<ImageFacts> {
  const { image, archive } = artifact;
  const what = archive === undefined ? "pulling image" : "loading image";
  let toldAtMs = clock.nowMs();
  log.write("info", what, { function: name, image });
  const onProgress = (text: string) => {
    if (clock.nowMs() - toldAtMs < PROGRESS_MS) return;
    toldAtMs = clock.nowMs();
    log.write("info", what, { function: name, image, progress: text.trim() });
  };
  if (archive === undefined) await pullImage(docker, image, { onProgress, ...options });
  else {
    await checkArchive(blobs.stream(archive.digest), { image });
    await loadImage(docker, blobs.stream(archive.digest), { onProgress, ...options });
  }
  const found = await findImage(docker, image, options);
  if (found !== undefined) return found;
  throw new NebulaError("NEBULA_PREPARE_FAILED", `Cannot prepare "${name}": its archive does not hold its image`, {
    details: { function: name },
  });
}

/** The last named is the newest; naming it again makes it so. */
async function keepName(
  { docker, nodeId, log }: ImageStoreParts,
  { name, facts }: { name: string; facts: ImageFacts },
): Promise<void> {
  const repo = `nebula-${nodeId}/${name}`;
  const tag = facts.id.replace(/^sha256:/, "").slice(0, 12);
  try {
    await tagImage(docker, facts.id, { repo, tag });
    const names = (await listNames(docker, repo)).filter((each) => each.name.startsWith(`${repo}:`));
    for (const old of names.slice(0, -KEPT_PER_FUNCTION)) await untagImage(docker, old.name);
  } catch (thrown) {
    // because the function runs without it too
    const reason = describeThrown(thrown);
    log.write("warn", "image not named", { function: name, reason });
  }
}
