/**
 * Hello through HTTP: Nebula beside bare `node:http`, Deno and workerd. Warm throughput and latency, nothing else.
 *
 * All servers are up for the whole run; rounds go from one to the next, so that what disturbs the machine disturbs
 * all of them. Nebula, Deno and workerd run the same file; `node:http` sends the same bytes by hand.
 */

import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { openGenerator } from "../load.ts";
import { startNebula } from "../nebula.ts";
import { openPeers, type Server } from "../peers.ts";
import {
  checkAnswer,
  measure,
  ROUND_COLUMNS,
  type Round,
  type RoundPlan,
  type Rounds,
  report,
  startAll,
} from "../rounds.ts";
import type { Findings, RunOptions, Scenario } from "../scenario.ts";
import { toMedian } from "../stats.ts";

const CONNECTIONS = [1, 32, 256];
const REACH = { connections: 32, ratio: 1.5 };

const scenario: Scenario = {
  name: "http",
  question: "How many requests per second does a warm hello answer, and how fast, beside node:http, Deno and workerd?",
  run: async (findings, options) => {
    await using stack = new AsyncDisposableStack();
    const servers = await startAll(listServers(findings), { findings, stack });
    const generator = openGenerator();
    findings.details.generator = generator.description;
    findings.details.replies = Object.fromEntries(
      await Promise.all(servers.map(async (server) => [server.name, await checkAnswer(server)])),
    );
    const plan = toPlan(options);
    const rows: (string | number)[][] = [];
    for (const connections of CONNECTIONS) {
      const rounds = await measure(servers, { generator, connections, plan, ...options });
      rows.push(...report(findings, { connections, rounds, plan }));
      if (connections === REACH.connections) judge(findings, rounds);
    }
    findings.tables.push({ title: "Hello through HTTP (medians of the rounds)", columns: ROUND_COLUMNS, rows });
    findings.note(`load by ${generator.description}`);
    findings.note(
      `clients and servers share ${availableParallelism()} cores, so a server that uses one core leaves room`,
    );
    findings.note("nebula writes one log line per request, to a file, as by default; the others log nothing");
    findings.note("nebula is two processes, host and guest; the others are one process with one thread for JavaScript");
  },
};

export default scenario;

function listServers(findings: Findings): { name: string; start(): Promise<Server> }[] {
  const files = { "wrangler.toml": 'name = "hello"\nmain = "hello.js"\ncompatibility_date = "2026-11-01"\n' };
  const hello = readFileSync(join(import.meta.dirname, "../fixtures/hello.js"), "utf8");
  return [{ name: "nebula", start: () => startNebula({ ...files, "hello.js": hello }) }, ...openPeers(findings)];
}

function toPlan({ isQuick }: RunOptions): RoundPlan {
  return isQuick ? { warmUpSeconds: 1, seconds: 2, count: 2 } : { warmUpSeconds: 3, seconds: 8, count: 3 };
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
