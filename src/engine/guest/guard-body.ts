/**
 * Watches a response body on its way out: its size, and how long it stands still.
 */

/** How much, how slowly, and who is told. */
export interface GuardOptions {
  readonly limitBytes: number;
  /** Between two chunks. */
  readonly idleMs: number;
  after(ms: number, callback: () => void): Disposable;
  /** What the reader sees when the body is too large. */
  onTooLarge(): Error;
  /** What the reader sees when nothing came for `idleMs`. */
  onIdle(): Error;
  /** What the reader sees when the source fails. */
  onFailure(error: unknown): Promise<Error>;
  /** Called when the body must not go on; not when it ended by itself. */
  onBreak(error: Error): void;
}

/** The same bytes, until they are too many or come too slowly. */
export function guardBody(body: ReadableStream<Uint8Array>, options: GuardOptions): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let bytes = 0;
  const fail = (error: Error): never => {
    options.onBreak(error);
    // because the source is told by onBreak, and how it takes it is no concern here
    reader.cancel(error).catch(() => {});
    throw error;
  };
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const idle = Promise.withResolvers<"idle">();
        using _timer = options.after(options.idleMs, () => idle.resolve("idle"));
        const next = await Promise.race([reader.read().catch((error: unknown) => ({ error })), idle.promise]);
        if (next === "idle") return fail(options.onIdle());
        if ("error" in next) throw await options.onFailure(next.error);
        if (next.done) return controller.close();
        bytes += next.value.byteLength;
        if (bytes > options.limitBytes) fail(options.onTooLarge());
        controller.enqueue(next.value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
