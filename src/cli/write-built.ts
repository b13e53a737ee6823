/**
 * Writes what a build made into a folder, so that it can be looked at, kept or run elsewhere.
 *
 *     manifest.json        the function's settings, its forms, the assets: what a deployment names
 *     <name>.tar           a container image, as `docker load` takes it
 *     <name>.wasm          a Wasm program, standard bytes that any runtime takes; files/ has what ships with it
 *     index.js …           a JavaScript function, its modules and its source map
 *     assets/              static files, without their compressed forms
 *
 * Where there are several forms, each is in a folder with the name of its engine.
 */

import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join, normalize, sep } from "node:path";
import type { BlobSources } from "../build/blob-source.ts";
import type { Built } from "../build/built.ts";
import type { Artifact, Digest } from "../model/artifact.ts";
import type { FunctionSpec } from "../model/function.ts";

/** Writes everything. Resolves to the names of the files, relative to the folder, which is made when it is not there. */
export async function writeBuilt(
  dir: string,
  { spec, built }: { spec: FunctionSpec; built: Built },
): Promise<string[]> {
  const { forms, assets, blobs } = built;
  const files = new Map<string, Digest>();
  for (const form of forms) {
    const listed = "artifact" in form ? listFiles(form.artifact, spec.name) : [];
    for (const [name, digest] of listed) files.set(forms.length > 1 ? join(form.engine, name) : name, digest);
  }
  for (const [path, file] of Object.entries(assets?.files ?? {})) files.set(join("assets", path), file.digest);
  for (const [name, digest] of files) await writeBlob(join(dir, name), { digest, blobs });
  const manifest = { spec, forms, ...(assets && { assets }) };
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  return ["manifest.json", ...files.keys()].sort();
}

function listFiles(artifact: Artifact, name: string): (readonly [string, Digest])[] {
  if (artifact.kind === "image")
    return artifact.archive === undefined ? [] : [[`${name}.tar`, artifact.archive.digest]];
  if (artifact.kind !== "js") {
    const files = Object.entries(artifact.files).map(([path, { digest }]) => [join("files", path), digest] as const);
    return [[`${name}.wasm`, artifact.main.digest], ...files];
  }
  const { main, modules, sourceMap } = artifact;
  const map = sourceMap === undefined ? [] : [[`${toInside(main.name)}.map`, sourceMap.digest] as const];
  return [...[main, ...modules].map(({ name, digest }) => [toInside(name), digest] as const), ...map];
}

/** A module's name as a path that stays inside the folder, whatever it is. */
function toInside(name: string): string {
  return normalize(join(sep, name)).slice(1);
}

async function writeBlob(path: string, { digest, blobs }: { digest: Digest; blobs: BlobSources }): Promise<void> {
  const source = blobs.get(digest);
  if (source === undefined) return;
  await mkdir(dirname(path), { recursive: true });
  if (source.from === "file") await copyFile(source.path, path);
  else await writeFile(path, source.content);
}
