/**
 * Load on one URL for a bounded time: how many requests a second, and how long each took.
 *
 * One generator serves a whole run: wrk where it is on PATH, because it takes little of the processor from the
 * servers; otherwise load-client.ts. Both are processes of their own and keep one request per connection in flight.
 */

import { execFile, spawnSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

export interface Generator {
  /** For the report: which program, which version, what it does to the numbers. */
  readonly description: string;
  run(url: URL, options: LoadOptions): Promise<Load>;
}

export interface LoadOptions {
  readonly connections: number;
  /** In whole seconds, since wrk takes no others. */
  readonly seconds: number;
  readonly signal: AbortSignal;
}

export interface Load {
  readonly requests: number;
  readonly requestsPerSecond: number;
  /** Connections, reads and writes that failed, and answers that were not 2xx. */
  readonly errors: number;
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  /** The whole distribution: share of the requests → latency in milliseconds below or at which they were. */
  readonly quantiles: readonly (readonly [share: number, ms: number])[];
}

const execute = promisify(execFile);

/** The generator of this machine. */
export function openGenerator(): Generator {
  const version = /^wrk\s+\S+/.exec(spawnSync("wrk", ["--version"], { encoding: "utf8" }).stdout ?? "")?.[0];
  return version === undefined ? ownClient() : wrk(version);
}

function wrk(version: string): Generator {
  const script = join(import.meta.dirname, "wrk-report.lua");
  return {
    description: `${version}, one thread; it counts the time that requests would have waited behind a slow one`,
    run: async (url, { connections, seconds, signal }) => {
      const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "5s", "-s", script, url.href];
      return parseReport((await execute("wrk", args, { signal })).stdout);
    },
  };
}

function ownClient(): Generator {
  const script = join(import.meta.dirname, "load-client.ts");
  return {
    description: "load-client.ts, since wrk is not installed; it takes more of the processor than wrk does",
    run: async (url, { connections, seconds, signal }) => {
      const args = [script, url.href, String(connections), String(seconds * 1_000)];
      return parseReport((await execute(process.execPath, args, { signal })).stdout);
    },
  };
}

function parseReport(text: string): Load {
  const count = (name: string) => Number(new RegExp(`^bench ${name} (\\d+)$`, "m").exec(text)?.[1] ?? Number.NaN);
  const quantiles = [...text.matchAll(/^bench quantile (\S+) (\S+)$/gm)].map(
    ([, share, us]) => [Number(share), Number(us) / 1_000] as const,
  );
  const find = (wanted: number) => quantiles.find(([share]) => share >= wanted)?.[1] ?? Number.NaN;
  const requests = count("requests");
  return {
    requests,
    requestsPerSecond: (requests / count("duration_us")) * 1e6,
    errors: count("errors"),
    medianMs: find(0.5),
    p95Ms: find(0.95),
    p99Ms: find(0.99),
    quantiles,
  };
}
