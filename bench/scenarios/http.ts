/**
 * Hello through HTTP: Nebula beside bare `node:http`, Deno and workerd. Warm throughput and latency, nothing else.
 *
 * All servers are up for the whole run; rounds go from one to the next, so that what disturbs the machine disturbs
 * all of them. Nebula, Deno and workerd run the same file; `node:http` sends the same bytes by hand.
 */

import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { openConnection } from "../connection.ts";
import { type Generator, type Load, openGenerator } from "../load.ts";
import { startNebula } from "../nebula.ts";
import { HELLO, openPeers, type Server } from "../peers.ts";
import { listTree, readCpuMs } from "../processes.ts";
import { type Findings, type RunOptions, type Scenario, talk } from "../scenario.ts";
import { toMedian } from "../stats.ts";

const CONNECTIONS = [1, 32, 256];
const REACH = { connections: 32, ratio: 1.5 };

interface Round extends Load {
  /** Processor time of the server, with all its processes, for one request. */
  readonly cpuUsPerRequest: number;
}

const scenario: Scenario = {
  name: "http",
  question: "How many requests per second does a warm hello answer, and how fast, beside node:http, Deno and workerd?",
  run: async (findings, options) => {
    await using stack = new AsyncDisposableStack();
    const servers = await startAll(findings, stack);
    const generator = openGenerator();
    findings.details.generator = generator.description;
    findings.details.replies = Object.fromEntries(
      await Promise.all(servers.map(async (server) => [server.name, await checkHello(server)])),
    );
    const rows: (string | number)[][] = [];
    for (const connections of CONNECTIONS) {
      const rounds = await measure(servers, { generator, connections, ...options });
      rows.push(...report(findings, { connections, rounds, ...options }));
      if (connections === REACH.connections) judge(findings, rounds);
    }
    const columns = [
      "connections",
      "server",
      "requests/s",
      "median ms",
      "p95 ms",
      "p99 ms",
      "server CPU µs/request",
      "errors",
    ];
    findings.tables.push({ title: "Hello through HTTP (medians of the rounds)", columns, rows });
    findings.note(`load by ${generator.description}`);
    findings.note(
      `clients and servers share ${availableParallelism()} cores, so a server that uses one core leaves room`,
    );
    findings.note("nebula writes one log line per request, to a file, as by default; the others log nothing");
    findings.note("nebula is two processes, host and guest; the others are one process with one thread for JavaScript");
  },
};

export default scenario;

async function startAll(findings: Findings, stack: AsyncDisposableStack): Promise<Server[]> {
  const files = { "wrangler.toml": 'name = "hello"\nmain = "hello.js"\ncompatibility_date = "2026-11-01"\n' };
  const hello = readFileSync(join(import.meta.dirname, "../fixtures/hello.js"), "utf8");
  const all = [{ name: "nebula", start: () => startNebula({ ...files, "hello.js": hello }) }, ...openPeers(findings)];
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
async function checkHello({ name, url }: Server): Promise<string> {
  using connection = await openConnection(url);
  const { status, head, body } = await connection.get(url.pathname);
  if (status !== 200 || body !== HELLO) throw new Error(`Cannot measure "${name}": it answers ${status} ${body}`);
  return head;
}

type Rounds = ReadonlyMap<Server, readonly Round[]>;

async function measure(
  servers: readonly Server[],
  options: RunOptions & { generator: Generator; connections: number },
): Promise<Rounds> {
  const { generator, connections, signal } = options;
  const { warmUpSeconds, seconds, count } = toPlan(options);
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

function toPlan({ isQuick }: RunOptions): { warmUpSeconds: number; seconds: number; count: number } {
  return isQuick ? { warmUpSeconds: 1, seconds: 2, count: 2 } : { warmUpSeconds: 3, seconds: 8, count: 3 };
}

function report(
  findings: Findings,
  { connections, rounds, ...options }: RunOptions & { connections: number; rounds: Rounds },
): (string | number)[][] {
  const { warmUpSeconds, seconds } = toPlan(options);
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

function judge(findings: Findings, rounds: Rounds): void {
  const find = (wanted: string) => [...rounds].find(([{ name }]) => name === wanted)?.[1];
  const ours = find("nebula");
  const theirs = find("workerd");
  if (ours === undefined || theirs === undefined) return;
  const rate = (list: readonly Round[]) => toMedian(list.map(({ requestsPerSecond }) => requestsPerSecond));
  const p99 = (list: readonly Round[]) => toMedian(list.map(({ p99Ms }) => p99Ms));
  const ratio = rate(ours) / rate(theirs);
  findings.reaches.push(
    {
      what: `requests/s at ${REACH.connections} connections against workerd`,
      wanted: `≥ ${REACH.ratio}×`,
      measured: `${ratio.toFixed(2)}×`,
      isReached: ratio >= REACH.ratio,
    },
    {
      what: `p99 at ${REACH.connections} connections against workerd`,
      wanted: `< ${p99(theirs).toFixed(2)} ms`,
      measured: `${p99(ours).toFixed(2)} ms`,
      isReached: p99(ours) < p99(theirs),
    },
  );
}
