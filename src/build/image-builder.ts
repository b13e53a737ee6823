/**
 * What makes images of Dockerfiles, as a build sees it. Docker does, and is not known here: whoever composes the build
 * hands it in.
 */

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
   * @throws {NebulaError} in Docker's words when there is none, and with the end of its output when it fails.
   */
  build(options: ImageBuildOptions): Promise<BuiltImage>;
  /** The image as `docker save` writes it. The stream must be read to its end or cancelled. */
  save(image: string, options: { signal: AbortSignal }): Promise<ReadableStream<Uint8Array>>;
}
