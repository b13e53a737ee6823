/**
 * Waiting for work that goes on without whoever gives it up: because others wait for it too, or it cannot be stopped.
 */

/** What the work gives, unless the signal aborts first: then this rejects with what `toError` makes. */
export async function orAborted<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  toError: () => unknown,
): Promise<T> {
  if (signal === undefined) return await work;
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(toError());
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
