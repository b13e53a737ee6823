/**
 * Academemes through the whole path: gateway, guest, queries, template and back, for its pages and its API; the same
 * site on workerd (miniflare) and on Deno beside it.
 */

import { availableParallelism } from "node:os";
import { join } from "node:path";
import { openConnection } from "../connection.ts";
import { openGenerator } from "../load.ts";
import { readMiniflareVersion } from "../miniflare.ts";
import type { Server } from "../peers.ts";
import { startProcess } from "../processes.ts";
import { measure, ROUND_COLUMNS, type RoundPlan, type Rounds, report, startAll } from "../rounds.ts";
import type { Findings, RunOptions, Scenario } from "../scenario.ts";
import { toMedian } from "../stats.ts";

const PLACES = ["nebula", "workerd", "deno"];
const PAGES = ["/", "/?q=coffee", "/m/minor-revisions", "/api/memes"];
const CONNECTIONS = [1, 32];
const REACH = { page: "/", connections: 32, requestsPerSecond: 3_000, p99Ms: 25 };

const scenario: Scenario = {
  name: "academemes",
  question: "How many pages of Academemes per second does a node serve, and how fast, beside workerd and Deno?",
  run: async (findings, options) => {
    await using stack = new AsyncDisposableStack();
    findings.versions.miniflare = readMiniflareVersion();
    const places = PLACES.map((name) => ({ name, start: () => startPlace(name) }));
    const servers = await startAll(places, { findings, stack });
    const generator = openGenerator();
    findings.details.generator = generator.description;
    const plan = toPlan(options);
    for (const page of PAGES) {
      const asked = servers.map((server): Server => ({ ...server, url: new URL(page, server.url) }));
      for (const server of asked) await checkPage(server);
      const rows: (string | number)[][] = [];
      for (const connections of CONNECTIONS) {
        const rounds = await measure(asked, { generator, connections, plan, ...options });
        rows.push(...report(findings, { connections, rounds, plan }));
        if (page === REACH.page && connections === REACH.connections) judge(findings, rounds);
      }
      findings.tables.push({ title: `${page} (medians of the rounds)`, columns: ROUND_COLUMNS, rows });
    }
    findings.note(`load by ${generator.description}`);
    findings.note(`clients and servers share ${availableParallelism()} cores`);
    findings.note("nebula is host, guest and the database's process; nobody writes a log");
  },
};

export default scenario;

async function startPlace(name: string): Promise<Server> {
  const args = [join(import.meta.dirname, "../fixtures/academemes.ts"), name];
  const started = await startProcess(process.execPath, { args, ready: /^ready (\S+)$/m, readyOn: "stdout" });
  return {
    name,
    url: new URL(started.ready[1] ?? ""),
    pid: started.pid,
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  };
}

async function checkPage({ name, url }: Server): Promise<void> {
  using connection = await openConnection(url);
  const { status } = await connection.get(url.pathname + url.search);
  if (status !== 200) throw new Error(`Cannot measure "${name}": it answers ${status} to ${url.pathname}`);
}

function toPlan({ isQuick }: RunOptions): RoundPlan {
  return isQuick ? { warmUpSeconds: 1, seconds: 2, count: 2 } : { warmUpSeconds: 3, seconds: 6, count: 3 };
}

function judge(findings: Findings, rounds: Rounds): void {
  const ours = [...rounds].find(([{ name }]) => name === "nebula")?.[1];
  if (ours === undefined) return;
  const rate = toMedian(ours.map(({ requestsPerSecond }) => requestsPerSecond));
  const p99Ms = toMedian(ours.map((round) => round.p99Ms));
  const what = `of the gallery at ${REACH.connections} connections`;
  findings.reaches.push(
    {
      what: `requests/s ${what}`,
      wanted: `≥ ${REACH.requestsPerSecond}`,
      measured: `${Math.round(rate)}`,
      isReached: rate >= REACH.requestsPerSecond,
    },
    {
      what: `p99 ${what}`,
      wanted: `≤ ${REACH.p99Ms} ms`,
      measured: `${p99Ms.toFixed(1)} ms`,
      isReached: p99Ms <= REACH.p99Ms,
    },
  );
}
