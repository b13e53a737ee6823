/**
 * The frame protocol alone: calls to a second process that answers at once, with no function and no HTTP around it.
 * The upper bound of what any engine behind frames can answer.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { Socket } from "node:net";
import { join } from "node:path";
import { Peer } from "../../src/frames/peer.ts";
import type { RunOptions, Scenario } from "../scenario.ts";
import { toMedian } from "../stats.ts";

const IN_FLIGHT = [1, 32];
const ROUNDS = 3;
const HEAD = {
  request: "r_0",
  method: "GET",
  url: "http://127.0.0.1:8787/",
  headers: ["host", "127.0.0.1:8787", "accept", "*/*"],
};

const scenario: Scenario = {
  name: "frames",
  question: "How many calls per second does the frame protocol carry between two processes, and how fast?",
  run: async (findings, options) => {
    await using far = await startFarEnd();
    const rows: (string | number)[][] = [];
    const { warmUpMs, roundMs } = toPlan(options);
    for (const inFlight of IN_FLIGHT) {
      await callFor(far.peer, { inFlight, ms: warmUpMs, ...options });
      const rounds = [];
      for (let i = 0; i < ROUNDS; i++) rounds.push(await callFor(far.peer, { inFlight, ms: roundMs, ...options }));
      const quantity = `call to answer, ${inFlight} in flight`;
      const of = { subject: "frames", quantity, unit: "µs", warmUp: `${warmUpMs} ms of the same` };
      const samples = rounds.flatMap(({ latenciesUs }) => thin(latenciesUs));
      const { median, p95, p99 } = findings.measure(of, samples);
      rows.push([inFlight, toMedian(rounds.map(({ perSecond }) => perSecond)), median, p95, p99]);
    }
    const columns = ["in flight", "calls/s", "median µs", "p95 µs", "p99 µs"];
    findings.tables.push({ title: "Calls over the frame protocol, two processes", columns, rows });
  },
};

export default scenario;

function toPlan({ isQuick }: RunOptions): { warmUpMs: number; roundMs: number } {
  return isQuick ? { warmUpMs: 500, roundMs: 500 } : { warmUpMs: 2_000, roundMs: 4_000 };
}

async function startFarEnd(): Promise<AsyncDisposable & { peer: Peer }> {
  const script = join(import.meta.dirname, "../fixtures/frames-echo.ts");
  // Node makes a pipe beyond the three standard ones a pair of Unix sockets, as the engine does for a guest.
  const child = spawn(process.execPath, [script], { stdio: ["ignore", "inherit", "inherit", "pipe"] });
  const socket = child.stdio[3];
  if (!(socket instanceof Socket)) throw new TypeError("Cannot reach the far end: it has no socket");
  const peer = new Peer(socket, {
    side: "host",
    maxIncoming: 0,
    onCall: () => {
      throw new TypeError("the far end calls nobody");
    },
    onNote: () => {},
    onBroken: () => {},
  });
  return {
    peer,
    [Symbol.asyncDispose]: async () => {
      const exited = once(child, "exit");
      peer.close();
      await exited;
    },
  };
}

async function callFor(
  peer: Peer,
  { inFlight, ms, signal }: { inFlight: number; ms: number; signal: AbortSignal },
): Promise<{ perSecond: number; latenciesUs: number[] }> {
  const latenciesUs: number[] = [];
  const startMs = performance.now();
  const keepCalling = async () => {
    for (;;) {
      const sentMs = performance.now();
      if (sentMs - startMs >= ms || signal.aborted) return;
      await peer.call(HEAD, null).answer;
      latenciesUs.push((performance.now() - sentMs) * 1_000);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, keepCalling));
  signal.throwIfAborted();
  return { perSecond: (latenciesUs.length / (performance.now() - startMs)) * 1_000, latenciesUs };
}

/** At most ten thousand of them, evenly taken: the JSON is for reading. */
function thin(samples: readonly number[]): number[] {
  const step = Math.ceil(samples.length / 10_000);
  return samples.filter((_, at) => at % step === 0);
}
