/**
 * Cold starts: the first byte of functions that have no instance, from a pool of blank processes that is full.
 *
 * The client has one connection that is kept alive; between two starts it removes the function it started and waits
 * until the pool is full again, so that each start finds what the design promises it. A second series does the same
 * while another function is under load. Fresh processes of the peers are measured for comparison: they are what a
 * start without a pool costs, not the same thing.
 */

import { type Connection, openConnection, type Reply } from "../connection.ts";
import { openGenerator } from "../load.ts";
import { listGuests, type NebulaServer, startNebula, toFunctionFiles, waitUntilQuiet } from "../nebula.ts";
import { openPeers } from "../peers.ts";
import { readCpuMs } from "../processes.ts";
import { type Findings, type Measurement, type RunOptions, type Scenario, talk } from "../scenario.ts";

const REACH_MS = 5;
const LOAD_CONNECTIONS = 4;
/** So many that the loaded function is the one that used the processor most. */
const WARM_REQUESTS = 2_000;
/** More than any load runs here; it is stopped when the starts are done. */
const LOAD_SECONDS = 600;

const scenario: Scenario = {
  name: "cold-start",
  question: "How long does the first answer of a function without an instance take?",
  run: async (findings, options) => {
    const rows = [...(await measureNebula(findings, options)), ...(await measurePeers(findings, options))];
    findings.tables.push({
      title: "Cold start: request (or spawn) to first byte",
      columns: ["what", "starts", "median ms", "p95 ms", "p99 ms", "max ms"],
      rows: rows.map(({ subject, quantity, count, median, p95, p99, max }) => [
        `${subject}: ${quantity}`,
        count,
        median,
        p95,
        p99,
        max,
      ]),
    });
    findings.note("deploying tries a function once in a process that then ends; none has an instance when it is asked");
  },
};

export default scenario;

interface Plan {
  readonly warmUp: number;
  readonly quiet: number;
  readonly loaded: number;
  readonly spawns: number;
}

function toPlan({ isQuick }: RunOptions): Plan {
  return isQuick
    ? { warmUp: 5, quiet: 20, loaded: 10, spawns: 3 }
    : { warmUp: 10, quiet: 200, loaded: 100, spawns: 20 };
}

async function measureNebula(findings: Findings, options: RunOptions): Promise<Measurement[]> {
  const { warmUp, quiet, loaded } = toPlan(options);
  const names = Array.from({ length: warmUp + quiet + loaded }, (_, at) => `start-${at}`);
  talk(`  deploying ${names.length} functions`);
  const files = [...names, "loaded"].map((name) => toFunctionFiles(name));
  await using node = await startNebula(Object.assign({}, ...files));
  using connection = await openConnection(node.url);
  for (let i = 0; i < WARM_REQUESTS; i++) await connection.get("/fn/loaded/");
  const loadedGuest = findBusiest(node);
  await waitUntilQuiet(node);

  const startNext = async (count: number, busy: readonly number[]) => {
    const starts: Start[] = [];
    for (const name of names.splice(0, count)) {
      options.signal.throwIfAborted();
      starts.push(await startOnce(node, { connection, name, busy }));
    }
    return starts;
  };
  await startNext(warmUp, []);
  talk(`  ${quiet} starts on a quiet node`);
  const without = keep(findings, await startNext(quiet, []), { when: "nothing else running", warmUp });
  const { median } = without[0] ?? { median: Number.NaN };
  findings.reaches.push({
    what: "isolate: cold start from the pool to first byte, median",
    wanted: `≤ ${REACH_MS} ms`,
    measured: `${median} ms`,
    isReached: median <= REACH_MS,
  });
  talk(`  ${loaded} starts while another function is under load`);
  const stop = new AbortController();
  const generator = openGenerator();
  const load = generator
    .run(new URL("/fn/loaded/", node.url), {
      connections: LOAD_CONNECTIONS,
      seconds: LOAD_SECONDS,
      signal: AbortSignal.any([options.signal, stop.signal]),
    })
    .catch(() => {});
  const under = await startNext(loaded, loadedGuest);
  stop.abort();
  await load;
  findings.note(`load on the other function: ${LOAD_CONNECTIONS} connections by ${generator.description}`);
  return [...without, ...keep(findings, under, { when: `${LOAD_CONNECTIONS} connections loading another`, warmUp })];
}

interface Start {
  readonly firstByteMs: number;
  /** What the node itself says its phases took, by Server-Timing. */
  readonly startMs: number;
  readonly runMs: number;
}

async function startOnce(
  node: NebulaServer,
  { connection, name, busy }: { connection: Connection; name: string; busy: readonly number[] },
): Promise<Start> {
  const reply = await connection.get(`/fn/${name}/`);
  const isCold = /start;desc="cold"/.test(reply.head);
  if (reply.body !== `${name}\n` || !isCold) {
    throw new Error(
      `Cannot count the start of "${name}": it answered ${reply.status}, ${isCold ? "cold" : "not cold"}`,
    );
  }
  await node.client.removeFunction(name);
  await waitUntilQuiet(node, busy);
  return { firstByteMs: reply.firstByteMs, startMs: readPhase(reply, "start"), runMs: readPhase(reply, "run") };
}

/** @see https://www.w3.org/TR/server-timing/#the-server-timing-header-field */
function readPhase({ head }: Reply, name: string): number {
  return Number(new RegExp(`[ ,]${name}(?:;desc="[^"]*")?;dur=([\\d.]+)`).exec(head)?.[1] ?? Number.NaN);
}

function keep(findings: Findings, starts: readonly Start[], about: { when: string; warmUp: number }): Measurement[] {
  const of = { subject: "nebula", unit: "ms", warmUp: `${WARM_REQUESTS} requests, ${about.warmUp} starts` };
  const measure = (quantity: string, read: (start: Start) => number) =>
    findings.measure({ ...of, quantity: `${quantity}, ${about.when}` }, starts.map(read));
  return [
    measure("start from the pool to first byte", (start) => start.firstByteMs),
    measure("its phase start", (start) => start.startMs),
    measure("its phase run", (start) => start.runMs),
  ];
}

/** The guest that has answered the warm-up: the one that used the processor most. */
function findBusiest(node: NebulaServer): number[] {
  const byCpu = listGuests(node).map((pid) => ({ pid, cpuMs: readCpuMs([pid]) }));
  return byCpu
    .sort((a, b) => b.cpuMs - a.cpuMs)
    .slice(0, 1)
    .map(({ pid }) => pid);
}

/** From the spawn of a whole fresh process to its first answer, in turns. */
async function measurePeers(findings: Findings, options: RunOptions): Promise<Measurement[]> {
  const peers = openPeers(findings);
  const { spawns } = toPlan(options);
  const samples = new Map(peers.map((peer) => [peer, [] as number[]]));
  talk(`  ${spawns} fresh processes of ${peers.map(({ name }) => name).join(", ")}`);
  // The first of each, which reads the program from the disk, does not count.
  for (let round = -1; round < spawns; round++) {
    for (const peer of peers) {
      options.signal.throwIfAborted();
      const startedMs = performance.now();
      await using server = await peer.start();
      using connection = await openConnection(server.url);
      const { firstByteMs, totalMs } = await connection.get("/");
      if (round >= 0) samples.get(peer)?.push(performance.now() - startedMs - (totalMs - firstByteMs));
    }
  }
  return [...samples].map(([{ name }, list]) =>
    findings.measure(
      { subject: name, quantity: "spawn of a fresh process to first byte", unit: "ms", warmUp: "one spawn" },
      list,
    ),
  );
}
