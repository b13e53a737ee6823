/**
 * KV and the Cache API from inside a function: a value got, a value put, a response found; Nebula beside miniflare.
 *
 * Both are up for the whole run and serve the same file. Nebula's puts are on the disk before they are answered.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openGenerator } from "../load.ts";
import { readMiniflareVersion, startMiniflare } from "../miniflare.ts";
import { startNebula } from "../nebula.ts";
import type { Server } from "../peers.ts";
import { checkAnswer, compareRates, measure, ROUND_COLUMNS, type RoundPlan, report, startAll } from "../rounds.ts";
import type { RunOptions, Scenario } from "../scenario.ts";

const OPERATIONS = ["get", "put", "match"];
const CONNECTIONS = [1, 32];
const RATIO = 3;
const CONFIG = `name = "kv"
main = "kv.js"
compatibility_date = "2026-07-01"
kv_namespaces = [{ binding = "KV", id = "bench" }]
`;

const scenario: Scenario = {
  name: "bindings-kv",
  question:
    "How many calls of KV and of the Cache API does a function make in a second, and how fast, beside miniflare?",
  run: async (findings, options) => {
    await using stack = new AsyncDisposableStack();
    const script = readFileSync(join(import.meta.dirname, "../fixtures/kv.js"), "utf8");
    findings.versions.miniflare = readMiniflareVersion();
    const servers = await startAll(
      [
        { name: "nebula", start: () => startNebula({ "wrangler.toml": CONFIG, "kv.js": script }) },
        { name: "miniflare", start: () => startMiniflare(script, { kvNamespaces: { KV: "bench" } }) },
      ],
      { findings, stack },
    );
    const generator = openGenerator();
    findings.details.generator = generator.description;
    const plan = toPlan(options);
    for (const server of servers) await checkAnswer(withOperation(server, "setup"), "done\n");
    for (const operation of OPERATIONS) {
      const asked = servers.map((server) => withOperation(server, operation));
      const rows: (string | number)[][] = [];
      for (const connections of CONNECTIONS) {
        for (const server of asked) await checkAnswer(server, "done\n");
        const rounds = await measure(asked, { generator, connections, plan, ...options });
        rows.push(...report(findings, { connections, rounds, plan }));
        compareRates(findings, rounds, {
          what: `${operation} at ${connections} connections`,
          peer: "miniflare",
          ratio: RATIO,
        });
      }
      findings.tables.push({ title: `${operation} (medians of the rounds)`, columns: ROUND_COLUMNS, rows });
    }
    findings.note(`load by ${generator.description}`);
    findings.note(
      "one request is one call; values have 1 000 bytes, get and match ask for one key, put for 1 000 in turn",
    );
    findings.note("a put of nebula is on the disk when it is answered, one of miniflare need not be");
    findings.note("nebula is host, guest and storage process; miniflare is workerd and a Node process beside it");
  },
};

export default scenario;

function withOperation(server: Server, operation: string): Server {
  return { ...server, url: new URL(`?op=${operation}`, server.url) };
}

function toPlan({ isQuick }: RunOptions): RoundPlan {
  return isQuick ? { warmUpSeconds: 1, seconds: 2, count: 2 } : { warmUpSeconds: 2, seconds: 5, count: 3 };
}
