/**
 * Makes images of Dockerfiles with the Docker of whoever builds. One image for each Dockerfile is kept: the one before
 * it goes when a new one has been made, unless somebody uses it.
 */

import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { NebulaError, retell } from "../../model/errors.ts";
import type { BuiltImage, ImageBuilder, ImageBuildOptions } from "../../model/image-builder.ts";
import type { Clock } from "../../model/ports.ts";
import { formatMs, GIB } from "../../model/units.ts";
import { packContext, toDockerfileName } from "./build-context.ts";
import { Docker } from "./docker.ts";
import { findImage, untagImage } from "./images.ts";
import { followProgress } from "./progress.ts";

const BUILD_MS = 30 * 60_000;
/** Docker asks a registry for the image of a FROM without a word, and would wait for one that is silent for half a minute. */
const REGISTRY_MS = 10_000;
const ASKS_REGISTRY = /^Step \d+\/\d+ : FROM /;
/** Docker writes all of it to its own disk before the first byte comes. */
const SAVE_MS = 10 * 60_000;
const CONTEXT_BYTES = GIB;
/** Of a build's output, for its error. */
const TAIL_LINES = 20;

/** Asks Docker only when there is something to build; disposed, it breaks off what it is doing. */
export function createImageBuilder(parts: {
  dockerHost?: string | undefined;
  clock: Clock;
}): ImageBuilder & AsyncDisposable {
  const { clock } = parts;
  const docker = new Docker({ host: parts.dockerHost, clock });
  return {
    build: (options) => asBuild(options.signal, () => build({ docker, clock }, options)),
    save: (image, { signal }) => asBuild(signal, () => save(docker, image, { signal })),
    [Symbol.asyncDispose]: () => docker[Symbol.asyncDispose](),
  };
}

async function build(
  { docker, clock }: { docker: Docker; clock: Clock },
  { dir, dockerfile, labels, signal, onOutput }: ImageBuildOptions,
): Promise<BuiltImage> {
  const tag = toTag(dir, dockerfile);
  const before = await findImage(docker, tag, { signal });
  const lines: string[] = [];
  using registry = createRegistryLimit(clock);
  const onProgress = (text: string) => {
    registry.hear(text);
    lines.push(...text.split("\n").filter((line) => line.trim() !== ""));
    lines.splice(0, lines.length - TAIL_LINES);
    onOutput?.(text);
  };
  const verb = "build the image";
  try {
    await docker.ask(
      verb,
      async (api, abortSignal) => {
        const context = Readable.from(
          packContext({ dir, dockerfile, limitBytes: CONTEXT_BYTES, signal: abortSignal }),
          { objectMode: false },
        );
        const broken = Promise.withResolvers<never>();
        // because it is of interest to the race alone
        broken.promise.catch(() => {});
        context.once("error", broken.reject);
        const options = { t: tag, dockerfile: toDockerfileName({ dir, dockerfile }), labels: { ...labels } };
        const stream = await Promise.race([
          api.buildImage(context, { ...options, rm: true, forcerm: true, abortSignal }),
          broken.promise,
        ]);
        await followProgress(stream, { verb, onProgress, signal: abortSignal });
      },
      { signal: AbortSignal.any([signal, registry.signal]), limitMs: BUILD_MS },
    );
  } catch (thrown) {
    throw withTail(thrown, lines);
  }
  const made = await findImage(docker, tag, { signal });
  if (made === undefined) throw new NebulaError("NEBULA_BUILD_FAILED", "Docker has built no image");
  if (before !== undefined && before.id !== made.id) await removeUnnamed(docker, before.id);
  return { image: made.id, platform: `${made.os}/${made.arch}` };
}

/** Aborts when a FROM has been waited for too long. */
function createRegistryLimit(clock: Clock): Disposable & { readonly signal: AbortSignal; hear(text: string): void } {
  const late = new AbortController();
  let timer: Disposable | undefined;
  const onLate = () =>
    late.abort(
      new NebulaError(
        "NEBULA_START_FAILED",
        `Docker cannot build the image: its registry has said nothing for ${formatMs(REGISTRY_MS)}`,
        { hint: "docker pull the image that the Dockerfile begins with", details: { docker: "timeout" } },
      ),
    );
  return {
    signal: late.signal,
    hear: (text) => {
      if (text.trim() === "") return;
      timer?.[Symbol.dispose]();
      timer = ASKS_REGISTRY.test(text) ? clock.after(REGISTRY_MS, onLate) : undefined;
    },
    [Symbol.dispose]: () => timer?.[Symbol.dispose](),
  };
}

/** By its id alone Docker removes no image that has another name, or that a container uses. */
async function removeUnnamed(docker: Docker, image: string): Promise<void> {
  const { names } = (await findImage(docker, image)) ?? { names: ["it is gone"] };
  if (names.length === 0) await untagImage(docker, image);
}

async function save(
  docker: Docker,
  image: string,
  { signal }: { signal: AbortSignal },
): Promise<ReadableStream<Uint8Array>> {
  const stream = await docker.ask("save the image", (api) => api.getImage(image).get(), { signal, limitMs: SAVE_MS });
  const readable = Readable.from(stream, { objectMode: false });
  const onAbort = () => readable.destroy(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  readable.once("close", () => signal.removeEventListener("abort", onAbort));
  return Readable.toWeb(readable);
}

/** One name for each Dockerfile on this machine. */
function toTag(dir: string, dockerfile: string): string {
  const place = createHash("sha256").update(`${dir}\0${dockerfile}`).digest("hex").slice(0, 12);
  return `nebula-build/${place}:latest`;
}

async function asBuild<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    signal.throwIfAborted();
    if (!(thrown instanceof NebulaError) || thrown.code === "NEBULA_BUILD_FAILED") throw thrown;
    throw retell(thrown, { code: "NEBULA_BUILD_FAILED", toMessage: (message) => message });
  }
}

function withTail(thrown: unknown, lines: readonly string[]): unknown {
  if (!(thrown instanceof NebulaError) || lines.length === 0) return thrown;
  return retell(thrown, { code: thrown.code, toMessage: (message) => `${message}\n${lines.join("\n")}` });
}
