/**
 * D1 from inside a function: one row read, one row written, a batch of 100 written; Nebula beside miniflare.
 *
 * Both are up for the whole run and serve the same file. Nebula's writes are on the disk before they are answered.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openGenerator } from "../load.ts";
import { readMiniflareVersion, startMiniflare } from "../miniflare.ts";
import { startNebula } from "../nebula.ts";
import type { Server } from "../peers.ts";
import { checkAnswer, measure, ROUND_COLUMNS, type RoundPlan, type Rounds, report, startAll } from "../rounds.ts";
import type { Findings, RunOptions, Scenario } from "../scenario.ts";
import { toMedian } from "../stats.ts";

const OPERATIONS = ["select", "insert", "batch"];
const CONNECTIONS = [1, 32];
const RATIO = 3;
const CONFIG = `name = "d1"
main = "d1.js"
compatibility_date = "2026-07-01"
d1_databases = [{ binding = "DB", database_name = "bench", database_id = "bench" }]
`;

const scenario: Scenario = {
  name: "bindings-d1",
  question: "How many D1 queries per second does a function make, and how fast, beside miniflare?",
  run: async (findings, options) => {
    await using stack = new AsyncDisposableStack();
    const script = readFileSync(join(import.meta.dirname, "../fixtures/d1.js"), "utf8");
    findings.versions.miniflare = readMiniflareVersion();
    const servers = await startAll(
      [
        { name: "nebula", start: () => startNebula({ "wrangler.toml": CONFIG, "d1.js": script }) },
        { name: "miniflare", start: () => startMiniflare(script, { d1Databases: { DB: "bench" } }) },
      ],
      { findings, stack },
    );
    const generator = openGenerator();
    findings.details.generator = generator.description;
    const plan = toPlan(options);
    for (const operation of OPERATIONS) {
      const asked = servers.map((server) => withOperation(server, operation));
      const rows: (string | number)[][] = [];
      for (const connections of CONNECTIONS) {
        // A table of the same size for each: rounds before have written different numbers of rows.
        for (const server of servers) await checkAnswer(withOperation(server, "setup"), "done\n");
        for (const server of asked) await checkAnswer(server, "done\n");
        const rounds = await measure(asked, { generator, connections, plan, ...options });
        rows.push(...report(findings, { connections, rounds, plan }));
        judge(findings, { operation, connections, rounds });
      }
      findings.tables.push({ title: `D1, ${operation} (medians of the rounds)`, columns: ROUND_COLUMNS, rows });
    }
    findings.note(`load by ${generator.description}`);
    findings.note(
      "one request is one call of D1; select reads one row by its key, batch writes 100 in one transaction",
    );
    findings.note(
      "nebula is host, guest and the database's process; miniflare is workerd and a Node process beside it",
    );
  },
};

export default scenario;

function withOperation(server: Server, operation: string): Server {
  return { ...server, url: new URL(`?op=${operation}`, server.url) };
}

function toPlan({ isQuick }: RunOptions): RoundPlan {
  return isQuick ? { warmUpSeconds: 1, seconds: 2, count: 2 } : { warmUpSeconds: 2, seconds: 5, count: 3 };
}

function judge(
  findings: Findings,
  { operation, connections, rounds }: { operation: string; connections: number; rounds: Rounds },
): void {
  const rate = (wanted: string) => {
    const list = [...rounds].find(([{ name }]) => name === wanted)?.[1];
    return list && toMedian(list.map(({ requestsPerSecond }) => requestsPerSecond));
  };
  const ours = rate("nebula");
  const theirs = rate("miniflare");
  if (ours === undefined || theirs === undefined) return;
  findings.reaches.push({
    what: `${operation}s per second at ${connections} connections against miniflare`,
    wanted: `≥ ${RATIO}×`,
    measured: `${(ours / theirs).toFixed(2)}×`,
    isReached: ours / theirs >= RATIO,
  });
}
