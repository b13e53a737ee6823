/**
 * A generator that owns something, as a stream.
 *
 * `ReadableStream.from` tells a generator of a cancelled stream by `return`, which does nothing in one that has never been
 * asked: what it would have released stays. Here whoever made it is told.
 */

/** Gives what the generator gives. `end` is called when nobody wants more, also when nobody has wanted anything. */
export function toOwnedStream(
  source: AsyncGenerator<Uint8Array>,
  end: (reason: unknown) => unknown,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const { done, value } = await source.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      cancel: async (reason) => {
        await end(reason);
        await source.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}
