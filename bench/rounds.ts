/**
 * Load in rounds on several servers that are all up, and what came of it as the rows of a table.
 *
 * Rounds go from one server to the next, so that what disturbs the machine disturbs all of them.
 */

import { openConnection } from "./connection.ts";
import type { Generator, Load } from "./load.ts";
import { HELLO, type Server } from "./peers.ts";
import { listTree, readCpuMs } from "./processes.ts";
import { type Findings, type RunOptions, talk } from "./scenario.ts";
import { toMedian } from "./stats.ts";

export interface Round extends Load {
  /** Processor time of the server, with all its processes, for one request. */
  readonly cpuUsPerRequest: number;
}

export type Rounds = ReadonlyMap<Server, readonly Round[]>;

/** How long and how often. */
export interface RoundPlan {
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly count: number;
}

/** The columns of what `report` gives. */
export const ROUND_COLUMNS = [
  "connections",
  "server",
  "requests/s",
  "median ms",
  "p95 ms",
  "p99 ms",
  "server CPU µs/request",
  "errors",
];

/** The servers that start; those that do not are named in the findings, with the reason. They end with the stack. */
export async function startAll(
  all: readonly { readonly name: string; start(): Promise<Server> }[],
  { findings, stack }: { findings: Findings; stack: AsyncDisposableStack },
): Promise<Server[]> {
  const servers: Server[] = [];
  for (const { name, start } of all) {
    try {
      servers.push(stack.use(await start()));
    } catch (thrown) {
      findings.unavailable[name] = thrown instanceof Error ? thrown.message : String(thrown);
    }
  }
  return servers;
}

/** A server that answers something else is not comparable. Returns the head of its answer, for the record. */
export async function checkAnswer({ name, url }: Server, wanted = HELLO): Promise<string> {
  using connection = await openConnection(url);
  const { status, head, body } = await connection.get(url.pathname + url.search);
  if (status !== 200 || body !== wanted) throw new Error(`Cannot measure "${name}": it answers ${status} ${body}`);
  return head;
}

/** Warms each server, then measures them in turn. */
export async function measure(
  servers: readonly Server[],
  options: RunOptions & { generator: Generator; connections: number; plan: RoundPlan },
): Promise<Rounds> {
  const { generator, connections, signal } = options;
  const { warmUpSeconds, seconds, count } = options.plan;
  const rounds = new Map(servers.map((server) => [server, [] as Round[]]));
  for (const { url, name } of servers) {
    talk(`  ${connections} connections: warming ${name}`);
    await generator.run(url, { connections, seconds: warmUpSeconds, signal });
  }
  for (let round = 0; round < count; round++) {
    // Each round begins with another server, so that none is always measured after the same neighbour.
    const turn = round % servers.length;
    for (const server of [...servers.slice(turn), ...servers.slice(0, turn)]) {
      const before = readCpuMs(listTree(server.pid));
      const load = await generator.run(server.url, { connections, seconds, signal });
      const cpuMs = readCpuMs(listTree(server.pid)) - before;
      rounds.get(server)?.push({ ...load, cpuUsPerRequest: (cpuMs * 1_000) / load.requests });
      talk(`  ${connections} connections, round ${round + 1}: ${server.name} ${Math.round(load.requestsPerSecond)}/s`);
    }
  }
  return rounds;
}

/** Keeps what was measured; one row for each server, of the medians of its rounds. */
export function report(
  findings: Findings,
  { connections, rounds, plan }: { connections: number; rounds: Rounds; plan: RoundPlan },
): (string | number)[][] {
  const { warmUpSeconds, seconds } = plan;
  const warmUp = `${warmUpSeconds} s of the same load`;
  return [...rounds].map(([{ name }, list]) => {
    const quantity = `requests per second at ${connections} connections, rounds of ${seconds} s`;
    const of = { subject: name, quantity, unit: "1/s", warmUp };
    findings.measure(
      of,
      list.map(({ requestsPerSecond }) => requestsPerSecond),
    );
    findings.details[`${name}, ${connections} connections`] = list;
    const middle = (read: (round: Round) => number) => toMedian(list.map(read));
    return [
      connections,
      name,
      middle((round) => round.requestsPerSecond),
      middle((round) => round.medianMs),
      middle((round) => round.p95Ms),
      middle((round) => round.p99Ms),
      middle((round) => round.cpuUsPerRequest),
      list.reduce((sum, { errors }) => sum + errors, 0),
    ];
  });
}

/** Notes how many times as many requests per second Nebula answers as another server, and how many it should. */
export function compareRates(
  findings: Findings,
  rounds: Rounds,
  { what, peer, ratio }: { what: string; peer: string; ratio: number },
): void {
  const ours = findRate(rounds, "nebula");
  const theirs = findRate(rounds, peer);
  if (ours === undefined || theirs === undefined) return;
  findings.reaches.push({
    what: `${what}, requests/s against ${peer}`,
    wanted: `≥ ${ratio}×`,
    measured: `${(ours / theirs).toFixed(2)}×`,
    isReached: ours / theirs >= ratio,
  });
}

function findRate(rounds: Rounds, wanted: string): number | undefined {
  const list = [...rounds].find(([{ name }]) => name === wanted)?.[1];
  return list && toMedian(list.map(({ requestsPerSecond }) => requestsPerSecond));
}
