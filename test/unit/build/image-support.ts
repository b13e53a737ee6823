/**
 * A Docker that is made up: it builds what it is told to, and its images are bytes in memory.
 */

import type { ImageBuilder, ImageBuildOptions } from "../../../src/model/image-builder.ts";

export interface FakeDocker extends ImageBuilder {
  /** What was asked for, in order. */
  readonly built: Pick<ImageBuildOptions, "dir" | "dockerfile" | "labels">[];
  readonly saved: string[];
  /** The next builds give this image. */
  image: string;
}

export interface FakeDockerOptions {
  /** What `docker save` gives; one chunk per text. */
  readonly archive?: readonly string[];
  /** What it prints while it builds. */
  readonly output?: string;
  /** Fails the build. */
  readonly failure?: Error;
  /** It builds until it is told to stop. */
  readonly isEndless?: boolean;
  /** Ends the archive early. */
  readonly saveFailure?: Error;
}

/** The id of an image of which nothing else is known. */
export const toImageId = (digit: string): string => `sha256:${digit.repeat(64)}`;

export function createFakeDocker({
  archive = ["tar"],
  output = "Step 1/1 : FROM scratch\n",
  failure,
  isEndless = false,
  saveFailure,
}: FakeDockerOptions = {}): FakeDocker {
  const docker: FakeDocker = {
    built: [],
    saved: [],
    image: toImageId("a"),
    async build({ dir, dockerfile, labels, signal, onOutput }) {
      docker.built.push({ dir, dockerfile, labels });
      onOutput?.(output);
      if (failure !== undefined) throw failure;
      if (isEndless)
        await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      return { image: docker.image, platform: "linux/amd64" };
    },
    async save(image) {
      docker.saved.push(image);
      return new ReadableStream({
        start(controller) {
          for (const text of archive) controller.enqueue(Buffer.from(text));
          if (saveFailure === undefined) controller.close();
          else controller.error(saveFailure);
        },
      });
    },
  };
  return docker;
}
