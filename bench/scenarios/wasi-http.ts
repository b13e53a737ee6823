/**
 * Wasm through HTTP: hello in Rust with a fresh instance for each request, beside the isolate engine, bare `node:http`,
 * workerd with the same module, and `jco serve` with a component that Nebula runs too.
 */

import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { openConnection } from "../connection.ts";
import { openGenerator } from "../load.ts";
import { type NebulaServer, startNebula } from "../nebula.ts";
import { openWasmPeers, type Server } from "../peers.ts";
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
import { deployWasm } from "../wasm-node.ts";
import { COMPONENT, readFunction } from "../wasm-programs.ts";

const CONNECTIONS = [1, 32];
const REACH = { perSecond: 10_000, p99Ms: 15, latencyRatio: 2 };
const NAMES = { wasi: "nebula wasi", isolate: "nebula isolate", component: "nebula component", bare: "node:http" };

const scenario: Scenario = {
  name: "wasi-http",
  question: "How many requests per second does Wasm answer with a fresh instance for each, and how fast?",
  run: async (findings, options) => {
    await using stack = new AsyncDisposableStack();
    const node = stack.use(await startFunctions());
    const views = [
      { ...node, name: NAMES.wasi, url: new URL("/fn/hello-rust/", node.url) },
      { ...node, name: NAMES.isolate },
      { ...node, name: NAMES.component, url: new URL(`/fn/component${COMPONENT.path}`, node.url) },
    ];
    const peers = openWasmPeers(findings, { component: COMPONENT.file }).map((peer) => ({
      ...peer,
      start: async () => toAsked(await peer.start()),
    }));
    const servers = [...views, ...(await startAll(peers, { findings, stack }))];
    await checkAll(findings, servers);
    const plan = toPlan(options);
    const generator = openGenerator();
    const rows: (string | number)[][] = [];
    for (const connections of CONNECTIONS) {
      const rounds = await measure(servers, { generator, connections, plan, ...options });
      rows.push(...report(findings, { connections, rounds, plan }));
      judge(findings, { connections, rounds });
    }
    findings.tables.push({ title: "Wasm through HTTP (medians of the rounds)", columns: ROUND_COLUMNS, rows });
    findings.note(`load by ${generator.description}; clients and servers share ${availableParallelism()} cores`);
    findings.note("nebula wasi and workerd run hello-rust, jco serve and nebula component stream-component, in C");
  },
};

export default scenario;

/** One node with all three; each is measured while the others are idle. */
async function startFunctions(): Promise<NebulaServer> {
  const node = await startNebula({
    "wrangler.toml": 'name = "hello"\nmain = "hello.js"\ncompatibility_date = "2026-11-01"\n',
    "hello.js": readFileSync(join(import.meta.dirname, "../fixtures/hello.js"), "utf8"),
  });
  try {
    await deployWasm(node, readFunction("hello-rust"), "hello-rust");
    await deployWasm(node, COMPONENT.read(), "component");
    return node;
  } catch (thrown) {
    await node[Symbol.asyncDispose]();
    throw thrown;
  }
}

function toAsked(server: Server): Server {
  return server.name === "jco serve" ? { ...server, url: new URL(COMPONENT.path, server.url) } : server;
}

async function checkAll(findings: Findings, servers: readonly Server[]): Promise<void> {
  const component = servers.find(({ name }) => name === NAMES.component);
  if (component === undefined) return;
  using connection = await openConnection(component.url);
  const { body } = await connection.get(component.url.pathname + component.url.search);
  const heads: Record<string, string> = {};
  for (const server of servers) {
    const isComponent = server === component || server.name === "jco serve";
    // Twice, because there are servers that hang on the second.
    for (let i = 0; i < 2; i++) heads[server.name] = await checkAnswer(server, isComponent ? body : undefined);
  }
  findings.details.replies = heads;
}

function toPlan({ isQuick }: RunOptions): RoundPlan {
  return isQuick ? { warmUpSeconds: 1, seconds: 1, count: 1 } : { warmUpSeconds: 2, seconds: 3, count: 3 };
}

function judge(findings: Findings, { connections, rounds }: { connections: number; rounds: Rounds }): void {
  const middle = (name: string, read: (round: Round) => number) =>
    toMedian(([...rounds].find(([server]) => server.name === name)?.[1] ?? []).map(read));
  if (connections > 1) {
    const perSecond = middle(NAMES.wasi, (round) => round.requestsPerSecond);
    const p99Ms = middle(NAMES.wasi, (round) => round.p99Ms);
    findings.reaches.push(
      {
        what: `requests/s at ${connections} connections, a fresh instance for each`,
        wanted: `≥ ${REACH.perSecond}`,
        measured: perSecond.toFixed(0),
        isReached: perSecond >= REACH.perSecond,
      },
      {
        what: `p99 at ${connections} connections`,
        wanted: `≤ ${REACH.p99Ms} ms`,
        measured: `${p99Ms.toFixed(2)} ms`,
        isReached: p99Ms <= REACH.p99Ms,
      },
    );
    return;
  }
  const ratio = middle(NAMES.wasi, (round) => round.medianMs) / middle(NAMES.bare, (round) => round.medianMs);
  findings.reaches.push({
    what: "median latency with one client against bare node:http",
    wanted: `≤ ${REACH.latencyRatio}×`,
    measured: `${ratio.toFixed(2)}×`,
    isReached: ratio <= REACH.latencyRatio,
  });
}
