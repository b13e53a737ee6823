import { readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { toDigest } from "../../../src/build/blob-source.ts";
import { createEsbuild } from "../../../src/build/esbuild.ts";
import { planBuild } from "../../../src/build/plan.ts";
import type { BuilderOptions, BuildOptions } from "../../../src/build/run.ts";
import { openBuilder } from "../../../src/build/run.ts";
import { isLate } from "../../../src/build/steps/build-image.ts";
import { type ImageArtifact, MAX_ARCHIVE_BYTES } from "../../../src/model/artifact.ts";
import { NebulaError } from "../../../src/model/errors.ts";
import { createFakeDocker, type FakeDocker, toImageId } from "./image-support.ts";
import {
  buildFiles,
  createManualClock,
  type Files,
  type ProjectOptions,
  rejectionOf,
  tempFolder,
  toProject,
} from "./support.ts";

const { signal } = new AbortController();
const DOCKERFILE: Files = { Dockerfile: "FROM scratch" };
const CONTAINER: ProjectOptions = { engines: ["container"], dockerfile: "Dockerfile" };
const REFERENCE = `debian@sha256:${"b".repeat(64)}`;

async function build(files: Files, options: ProjectOptions & { run?: Partial<BuilderOptions & BuildOptions> } = {}) {
  const cacheDir = await tempFolder();
  return { cacheDir, ...(await buildFiles(files, { ...CONTAINER, ...options, run: { cacheDir, ...options.run } })) };
}

function imageOf({ forms }: { forms: readonly unknown[] }): ImageArtifact {
  const [form] = forms;
  const artifact = typeof form === "object" && form !== null && "artifact" in form ? form.artifact : undefined;
  const isImage = (value: unknown): value is ImageArtifact =>
    typeof value === "object" && value !== null && "kind" in value && value.kind === "image";
  if (!isImage(artifact)) throw new Error("the build made no image");
  return artifact;
}

/** A builder over one folder, with a Docker whose images can be changed. */
async function openImages(docker: FakeDocker) {
  const [dir, cacheDir] = [await tempFolder(DOCKERFILE), await tempFolder()];
  const esbuild = createEsbuild();
  const builder = openBuilder(planBuild(toProject(dir, CONTAINER)), { esbuild, images: docker, cacheDir });
  const kept = join(cacheDir, "images-v1/sample");
  const buildImage = async (image: string) => {
    docker.image = image;
    return await builder.build({ signal });
  };
  const close = async () => {
    await builder[Symbol.asyncDispose]();
    await esbuild[Symbol.asyncDispose]();
  };
  return { dir, kept, buildImage, inputs: () => builder.inputs, [Symbol.asyncDispose]: close };
}

/** Names of files by the first letters of their image, with the ending. */
const listKept = async (dir: string) => (await readdir(dir)).map((name) => name[0] + name.slice(64)).sort();

describe("the step image", () => {
  test("builds the Dockerfile in the project's folder and hands over its archive as a file", async () => {
    const docker = createFakeDocker({ archive: ["one ", "tar"] });
    const built = await build(DOCKERFILE, { run: { images: docker } });
    const { dir } = built;
    expect(docker.built).toEqual([
      { dir, dockerfile: join(dir, "Dockerfile"), labels: { "nebula.function": "sample" } },
    ]);
    const digest = toDigest(Buffer.from("one tar"));
    expect(built.forms).toEqual([
      {
        engine: "container",
        artifact: { kind: "image", image: toImageId("a"), archive: { digest, bytes: 7 }, platform: "linux/amd64" },
      },
    ]);
    const source = built.blobs.get(digest);
    if (source?.from !== "file") throw new Error("the archive is no file");
    expect(source.bytes).toBe(7);
    expect(await readFile(source.path, "utf8")).toBe("one tar");
    expect(built.steps).toMatchObject([{ step: "image", note: "7 B" }]);
    expect(built.inputs).toEqual([dir, join(dir, "Dockerfile")]);
  });

  test("tells what Docker prints as it comes", async () => {
    const said: string[] = [];
    const images = createFakeDocker();
    await buildFiles(DOCKERFILE, {
      ...CONTAINER,
      run: { images, cacheDir: await tempFolder(), onOutput: (text) => said.push(text) },
    });
    expect(said).toEqual(["Step 1/1 : FROM scratch\n"]);
  });

  test("leaves an image with a name to the node", async () => {
    const built = await buildFiles({}, { engines: ["container"], reference: REFERENCE });
    expect(built.forms).toEqual([{ engine: "container", artifact: { kind: "image", image: REFERENCE } }]);
    expect(built.blobs.size).toBe(0);
    expect(built.steps).toMatchObject([{ step: "image", note: "pulled by the node" }]);
  });

  test("saves an image once, and again when its file was changed", async () => {
    const docker = createFakeDocker();
    await using images = await openImages(docker);
    const first = await images.buildImage(toImageId("a"));
    const second = await images.buildImage(toImageId("a"));
    expect(docker.saved).toHaveLength(1);
    expect(imageOf(second)).toEqual(imageOf(first));
    expect(second.steps).toMatchObject([{ note: "3 B, unchanged" }]);
    const file = join(images.kept, `${"a".repeat(64)}.tar`);
    await writeFile(file, "bad");
    await utimes(file, 1, 1);
    await images.buildImage(toImageId("a"));
    await rm(file);
    await images.buildImage(toImageId("a"));
    expect(docker.saved).toHaveLength(3);
    expect(await readFile(file, "utf8")).toBe("tar");
  });

  test("keeps the last two images of a function and removes older ones, and drafts", async () => {
    await using images = await openImages(createFakeDocker());
    await images.buildImage(toImageId("a"));
    await images.buildImage(toImageId("b"));
    const past = new Date(1_000);
    await utimes(join(images.kept, `${"b".repeat(64)}.json`), past, past);
    await writeFile(join(images.kept, `${"d".repeat(64)}.tar.draft`), "half");
    await images.buildImage(toImageId("a"));
    await images.buildImage(toImageId("c"));
    expect(await listKept(images.kept)).toEqual(["a.json", "a.tar", "c.json", "c.tar"]);
  });

  test.each([
    ["there is no Docker", {}, 'Cannot build "Dockerfile": there is no Docker here'],
    ["there is no folder for it", { images: createFakeDocker(), noCache: true }, "there is no folder to keep it in"],
    [
      "Docker gives no id",
      { images: Object.assign(createFakeDocker(), { image: "../../etc" }) },
      'Cannot build "Dockerfile": Docker gives it no id',
    ],
    [
      "the archive breaks off",
      { images: createFakeDocker({ saveFailure: new Error("Docker went away") }) },
      "Internal error",
    ],
  ])("fails when %s", async (_name, { noCache, ...run }: { noCache?: boolean; images?: FakeDocker }, message) => {
    const cacheDir = await tempFolder();
    const options = { ...CONTAINER, run: { ...run, ...(!noCache && { cacheDir }) } };
    const error = await rejectionOf(buildFiles(DOCKERFILE, options));
    expect(error.message).toContain(message);
    expect(error.details).toMatchObject({ step: "image" });
    expect(await readdir(cacheDir, { recursive: true })).not.toContainEqual(expect.stringMatching(/\.tar/));
  });

  test("fails in Docker's words, and keeps what it printed", async () => {
    const output = "Step 1/1 : FORM scratch\n";
    const message = "Docker cannot build the image: unknown instruction: FORM\nStep 1/1 : FORM scratch";
    const failure = new NebulaError("NEBULA_START_FAILED", message, {
      hint: "read it",
      details: { docker: "refused" },
    });
    const images = createFakeDocker({ output, failure });
    expect(await rejectionOf(build(DOCKERFILE, { run: { images } }))).toMatchObject({
      code: "NEBULA_BUILD_FAILED",
      message: `Cannot build "Dockerfile": ${message}`,
      hint: "read it",
      details: { step: "image", docker: "refused", output },
    });
  });

  test("stops with the build, whatever Docker says to that", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const images = createFakeDocker({ failure: new NebulaError("NEBULA_START_FAILED", "it was cancelled") });
    const run = { images, signal: controller.signal, onOutput: () => controller.abort(reason) };
    await expect(buildFiles(DOCKERFILE, { ...CONTAINER, run: { ...run, cacheDir: await tempFolder() } })).rejects.toBe(
      reason,
    );
  });

  test("fails when the Dockerfile has gone", async () => {
    const error = await rejectionOf(build({}, { run: { images: createFakeDocker() } }));
    expect(error.message).toBe('Cannot build "Dockerfile": there is no such file');
  });

  test("fails in words when the disk is full", async () => {
    const failure = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    const error = await rejectionOf(build(DOCKERFILE, { run: { images: createFakeDocker({ saveFailure: failure }) } }));
    expect(error).toMatchObject({
      code: "NEBULA_BUILD_FAILED",
      message: 'Cannot keep the image of "sample": no space is left on the disk',
      details: { step: "image" },
    });
  });

  test("fails with what a node would not take, and reads no further", async () => {
    let wasCancelled = false;
    const docker = createFakeDocker();
    const huge = Object.defineProperty(new Uint8Array(), "byteLength", { value: MAX_ARCHIVE_BYTES + 1 });
    docker.save = async () =>
      new ReadableStream({
        pull: (controller) => controller.enqueue(huge),
        cancel: () => {
          wasCancelled = true;
        },
      });
    const error = await rejectionOf(build(DOCKERFILE, { run: { images: docker } }));
    expect(error.message).toBe("Cannot keep the image: it has more than 4 GiB");
    expect(wasCancelled).toBe(true);
  });
});

describe("a function with several forms", () => {
  const CODE: Files = { ...DOCKERFILE, "index.ts": "export default {}" };
  const BOTH: ProjectOptions = { engines: ["isolate", "container"] };

  test("is built in all of them", async () => {
    const built = await build(CODE, { ...BOTH, run: { images: createFakeDocker() } });
    expect(built.forms.map((form) => [form.engine, "artifact" in form && form.artifact.kind])).toEqual([
      ["isolate", "js"],
      ["container", "image"],
    ]);
    expect(built.failures).toEqual([]);
    // The bundle, its map and the archive.
    expect(built.blobs.size).toBe(3);
  });

  test("goes without those that fail, and says so", async () => {
    const built = await build(CODE, BOTH);
    expect(built.forms).toMatchObject([
      { engine: "isolate", artifact: { kind: "js" } },
      { engine: "container", failure: 'Cannot build "Dockerfile": there is no Docker here' },
    ]);
    expect(built.failures).toMatchObject([
      { engine: "container", error: { code: "NEBULA_BUILD_FAILED", details: { step: "image" } } },
    ]);
    expect(built.steps.map(({ step }) => step)).toEqual(["bundle"]);
  });

  test("waits so long for an image and no longer, where it is not the only form", async () => {
    const { clock, fire } = createManualClock();
    const images = createFakeDocker({ isEndless: true });
    const building = build(CODE, { ...BOTH, run: { images, imagePatienceMs: 3_000, clock } });
    await vi.waitUntil(() => images.built.length === 1);
    fire(3_000);
    const { forms, failures } = await building;
    expect(forms).toMatchObject([{ engine: "isolate", artifact: { kind: "js" } }, { engine: "container" }]);
    expect(failures.map(({ error }) => [error.message, isLate(error)])).toEqual([
      ['Cannot wait for "Dockerfile": it takes more than 3 s, and other forms are there', true],
    ]);
  });

  test("waits for the only form as long as that takes", async () => {
    const { clock, fire } = createManualClock();
    const images = createFakeDocker({ isEndless: true });
    const stop = new AbortController();
    const building = build(DOCKERFILE, { run: { images, imagePatienceMs: 3_000, clock, signal: stop.signal } });
    await vi.waitUntil(() => images.built.length === 1);
    fire(3_000);
    stop.abort(new Error("enough"));
    await expect(building).rejects.toThrow("enough");
  });

  test("goes without the first as well, and keeps its order", async () => {
    const built = await build({ ...CODE, "index.ts": "let" }, { ...BOTH, run: { images: createFakeDocker() } });
    expect(built.forms).toMatchObject([
      { engine: "isolate", failure: expect.stringContaining('Cannot bundle "index.ts"') },
      { engine: "container", artifact: { kind: "image" } },
    ]);
    expect(built.failures[0]?.error.diagnostics).toHaveLength(1);
    expect(built.blobs.size).toBe(1);
  });

  test("goes without both forms of one bundle that fails", async () => {
    const engines = ["wasi", "isolate", "container"] as const;
    const built = await build({ ...CODE, "index.ts": "let" }, { engines, run: { images: createFakeDocker() } });
    expect(built.failures.map(({ engine, error }) => [engine, error.details.step])).toEqual([
      ["wasi", "bundle"],
      ["isolate", "bundle"],
    ]);
  });

  test("goes without a program that would not run", async () => {
    const options = { engines: ["wasi", "container"] as const, entries: { wasi: "bad.wasm" } };
    const built = await build({ ...DOCKERFILE, "bad.wasm": "x" }, { ...options, run: { images: createFakeDocker() } });
    expect(built.forms).toMatchObject([
      { engine: "wasi", failure: expect.stringContaining('Cannot use "bad.wasm"') },
      { engine: "container" },
    ]);
    expect(built.blobs.size).toBe(1);
  });

  test("fails with the first one's failure when none is left", async () => {
    const failure = new Error("no");
    const files = { ...CODE, "index.ts": "let" };
    for (const [engines, step] of [
      [["isolate", "container"], "bundle"],
      [["container", "isolate"], "image"],
    ] as const) {
      const error = await rejectionOf(build(files, { engines, run: { images: createFakeDocker({ failure }) } }));
      expect(error.details).toMatchObject({ step });
    }
  });

  test("fails as a whole with its command and its static files", async () => {
    const run = { images: createFakeDocker() };
    const command = await rejectionOf(build(CODE, { ...BOTH, build: { command: "exit 3" }, run }));
    expect(command.details).toMatchObject({ step: "command" });
    const assets = await rejectionOf(build(CODE, { ...BOTH, assetsDir: "gone", run }));
    expect(assets.details).toMatchObject({ step: "assets" });
  });

  test("watches what a failed form was made of", async () => {
    const docker = createFakeDocker({ failure: new Error("no") });
    const dir = await tempFolder({ "src/index.ts": "export default {}", "docker/Dockerfile": "" });
    const options = { ...BOTH, main: "src/index.ts", dockerfile: "docker/Dockerfile" };
    await using esbuild = createEsbuild();
    const cacheDir = await tempFolder();
    await using builder = openBuilder(planBuild(toProject(dir, options)), { esbuild, cacheDir, images: docker });
    await builder.build({ signal });
    expect(builder.inputs).toEqual(
      ["", "docker/Dockerfile", "src", "src/index.ts"].map((name) => join(dir, name)).sort(),
    );
  });
});
