/**
 * Time as a WASI program sees it: the wall clock, a clock that never goes back, and sleeping.
 *
 * It is a parameter of the hosts, so that tests and the build's proofs can give fixed time. Times are nanoseconds.
 */

/** The time that a WASI host hands to its guest. */
export interface WasiClock {
  /** The wall clock, in nanoseconds since 1970. */
  nowNs(): bigint;
  /** A clock that never goes back, in nanoseconds since some point in the past. */
  monotonicNs(): bigint;
  /** Settles when `ns` nanoseconds of the monotonic clock have passed, or at once when `signal` aborts. Never rejects. */
  sleep(ns: bigint, signal?: AbortSignal): Promise<void>;
}

const NS_PER_MS = 1_000_000;
/** `setTimeout` counts in 32 bits: a longer sleep is made of several. */
const LONGEST_TIMER_MS = 2_000_000_000;
/** How far the fine clock may be from the wall clock before the wall clock was set meanwhile, and wins. */
const DRIFT_MS = 2;

/** The clock of this process, over `performance`, `Date` and `setTimeout`. */
export function createWasiClock(): WasiClock {
  return { nowNs, monotonicNs, sleep };
}

/** `Date` counts whole milliseconds; `performance` counts finer, but does not follow when the wall clock is set. */
function nowNs(): bigint {
  const coarseMs = Date.now();
  const fineMs = performance.timeOrigin + performance.now();
  const isFine = Math.abs(fineMs - coarseMs) < DRIFT_MS;
  return BigInt(Math.floor((isFine ? fineMs : coarseMs) * 1000)) * 1000n;
}

function monotonicNs(): bigint {
  return BigInt(Math.round(performance.now() * NS_PER_MS));
}

async function sleep(ns: bigint, signal?: AbortSignal): Promise<void> {
  const endMs = performance.now() + Number(ns) / NS_PER_MS;
  for (let leftMs = endMs - performance.now(); leftMs > 0 && !signal?.aborted; leftMs = endMs - performance.now()) {
    await timer(Math.min(Math.ceil(leftMs), LONGEST_TIMER_MS), signal);
  }
}

function timer(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(id);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const id = setTimeout(end, ms);
    signal?.addEventListener("abort", end);
  });
}
