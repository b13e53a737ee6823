/**
 * What makes images of Dockerfiles, as a build sees it and the container engine has it. Docker does, and is not known
 * here: whoever composes the build hands it in.
 */

/** Tells which function an image or a container is of, of those that Docker has. */
export const FUNCTION_LABEL = "nebula.function";

/** What is built. */
export interface ImageBuildOptions {
  /** The build's context, absolute. */
  readonly dir: string;
  /** Absolute. */
  readonly dockerfile: string;
  /** Written into the image. */
  readonly labels: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Receives what Docker prints, as it comes. */
  readonly onOutput?: ((text: string) => void) | undefined;
}

/** An image that has been built. */
export interface BuiltImage {
  /** Its id, `sha256:…`. */
  readonly image: string;
  /** `linux/amd64`. */
  readonly platform: string;
}

/** Makes images. */
export interface ImageBuilder {
  /**
   * Builds one. What has not changed is not built again. Rejects with `signal.reason` when aborted.
   * @throws {NebulaError} NEBULA_BUILD_FAILED in Docker's words when there is none, and with the end of what it printed.
   */
  build(options: ImageBuildOptions): Promise<BuiltImage>;
  /**
   * The image as `docker save` writes it. The stream must be read to its end or cancelled. Rejects with `signal.reason`.
   * @throws {NebulaError} NEBULA_BUILD_FAILED when Docker does not have it.
   */
  save(image: string, options: { signal: AbortSignal }): Promise<ReadableStream<Uint8Array>>;
}
