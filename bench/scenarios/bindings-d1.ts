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
import { checkAnswer, compareRates, measure, ROUND_COLUMNS, type RoundPlan, report, startAll } from "../rounds.ts";
import type { RunOptions, Scenario } from "../scenario.ts";

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
        compareRates(findings, rounds, {
          what: `${operation} at ${connections} connections`,
          peer: "miniflare",
          ratio: RATIO,
        });
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
