/**
 * Waiting for work that others wait for too.
 */

import { NebulaError } from "../../model/errors.ts";

/**
 * What the work gives, unless the signal aborts first: then it goes on without this one.
 * @throws {NebulaError} NEBULA_START_FAILED when the signal aborts.
 */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work;
  const { promise, reject } = Promise.withResolvers<never>();
  // because it is of interest to the race alone
  promise.catch(() => {});
  const onAbort = () =>
    reject(new NebulaError("NEBULA_START_FAILED", "Cannot start a container: the start was cancelled"));
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
