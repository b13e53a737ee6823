/**
 * Looks into what `docker save` has made before Docker loads it: an archive may name any image of the machine, and
 * Docker would give that name to what is in it. Ours hold one image, and no names.
 *
 *     manifest.json    [{ Config, RepoTags: null, Layers }]     Docker's own form
 *     index.json       the same in OCI's form, beside it from Docker 25 on
 *     repositories     names in a form of long ago: not taken
 *
 * @see https://github.com/moby/docker-image-spec/blob/v1.3.1/spec.md#combined-image-json--filesystem-changeset-format
 */

import { NebulaError } from "../../model/errors.ts";
import { MIB } from "../../model/units.ts";
import { readTarMembers } from "./tar-reader.ts";

const WANTED = new Set(["manifest.json", "index.json", "repositories"]);
const MAX_MEMBER_BYTES = MIB;
/** Under which tools of containerd read names. */
const NAME_ANNOTATIONS = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];

/**
 * Checks an archive.
 * @throws {NebulaError} NEBULA_PREPARE_FAILED when it is none, holds another image or several, or names them.
 */
export async function checkArchive(archive: ReadableStream<Uint8Array>, { image }: { image: string }): Promise<void> {
  const members = await readTarMembers(archive, { wanted: WANTED, limitBytes: MAX_MEMBER_BYTES });
  if (typeof members === "string") throw invalid(members);
  if (members.has("repositories")) throw invalid("it names its images in an old form");
  const manifest = members.get("manifest.json");
  if (manifest === undefined) throw invalid("it has no manifest");
  const [first, ...others] = parseList(manifest);
  if (first === undefined || others.length > 0) throw invalid("it does not hold exactly one image");
  checkEntry(first, image);
  const index = members.get("index.json");
  if (index !== undefined) checkIndex(index);
}

function checkEntry(entry: unknown, image: string): void {
  const { Config, RepoTags } = toExact(entry, ["Config", "RepoTags", "Layers"]);
  if (RepoTags !== null && RepoTags !== undefined && (!Array.isArray(RepoTags) || RepoTags.length > 0)) {
    throw invalid("it gives its image a name");
  }
  // `<hex>.json`, or `blobs/sha256/<hex>` from Docker 25 on.
  const hex = image.replace(/^sha256:/, "");
  if (Config !== `${hex}.json` && Config !== `blobs/sha256/${hex}`) throw invalid("it holds another image");
}

function checkIndex(text: string): void {
  const { manifests } = toExact(parse(text), ["manifests"]);
  for (const each of Array.isArray(manifests) ? manifests : []) {
    const { annotations } = toExact(each, ["annotations"]);
    if (NAME_ANNOTATIONS.some((name) => Object(annotations)[name] !== undefined)) {
      throw invalid("it gives its image a name");
    }
  }
}

/** Docker does not mind capitals: `repotags` would be `RepoTags` to it, and so would letters that only look like these. */
function toExact(value: unknown, fields: readonly string[]): Record<string, unknown> {
  const record: Record<string, unknown> = Object(value);
  for (const key of Object.keys(record)) {
    const isOther = fields.some((field) => field !== key && field.toLowerCase() === key.toLowerCase());
    if (isOther || !/^[\x20-\x7e]*$/.test(key)) throw invalid(`it has a field ${JSON.stringify(key)}`);
  }
  return record;
}

function parseList(text: string): unknown[] {
  const value = parse(text);
  return Array.isArray(value) ? value : [];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid("its manifest is not JSON", cause);
  }
}

function invalid(why: string, cause?: unknown): NebulaError {
  return new NebulaError("NEBULA_PREPARE_FAILED", `Cannot load the image archive: ${why}`, {
    hint: "make it with docker save and the image's id",
    ...(cause !== undefined && { cause }),
  });
}
